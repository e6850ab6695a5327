"""Evaluation against brute force; ties never help, NaN is an error."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.evaluation.sequential import evaluate, top_items
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.errors import DatasetError
from tests.conftest import leave_one_out
from tests.core.evaluation.tables import NUM_ITEMS, Table, random_dataset, random_table
from tests.core.evaluation.test_metrics import brute_force


def by_brute_force(
    table: torch.Tensor, data: SequenceDataset, seen: str, name: str, k: int
) -> tuple[list[int], list[float]]:
    """Sort the whole catalogue by Python for each user."""
    assert data.test is not None
    users, values = [], []
    for user in range(data.num_users):
        history = [*data.train[user].tolist(), *data.valid[user].tolist()]
        targets = set(data.test[user].tolist())
        if not history or not targets:
            continue
        candidates = [
            item for item in range(1, NUM_ITEMS + 1) if seen == "include" or item not in history
        ]
        candidates.sort(key=lambda item: -float(table[history[-1], item]))
        users.append(user)
        values.append(brute_force(name, candidates, targets, k))
    return users, values


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000),
    st.booleans(),
    st.integers(1, 3),
    st.sampled_from(["exclude", "include"]),
    st.sampled_from([1, 3, 10, 20]),
)
def test_full_ranking_is_what_sorting_gives(
    seed: int, repeats: bool, targets: int, seen: Any, k: int
) -> None:
    data, table = random_dataset(seed, repeats, targets), random_table(seed)
    if not by_brute_force(table, data, seen, "hr", k)[0]:
        return
    outcome = evaluate(Table(table), data, "test", ks=[k], seen=seen)
    for name in METRICS:
        users, values = by_brute_force(table, data, seen, name, k)
        assert outcome.users.tolist() == users
        assert outcome.per_user[f"{name}@{k}"].tolist() == pytest.approx(values), name


def test_metrics_from_the_output_of_recommend_equal_those_of_evaluate() -> None:
    data, table = random_dataset(9), Table(random_table(9))
    outcome = evaluate(table, data, "test", ks=[3], lists=True)
    histories = data.histories(before="test").take(outcome.users)
    assert data.test is not None
    for row, found in enumerate(recommend(table, histories, 3)):
        targets = set(data.test[int(outcome.users[row])].tolist())
        listed = found.items.tolist()
        assert outcome.lists is not None
        assert outcome.lists[row][: len(listed)].tolist() == listed
        for name in METRICS:
            value = brute_force(name, listed, targets, 3)
            assert outcome.per_user[f"{name}@3"][row] == pytest.approx(value)


def test_a_target_that_was_seen_is_missed_when_seen_items_are_excluded() -> None:
    data = leave_one_out([[1, 2, 3, 4, 1], [1, 2, 3, 4, 5]], 5)
    table = torch.zeros(6, 6)
    table[:, 1], table[:, 5] = 9, 8
    excluded = evaluate(Table(table), data, "test", ks=[1])
    assert excluded.per_user["hr@1"].tolist() == [0, 1]
    assert excluded.unreachable == 1
    included = evaluate(Table(table), data, "test", ks=[1], seen="include")
    assert included.per_user["hr@1"].tolist() == [1, 0]
    assert included.unreachable == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 500), st.integers(1, 20), st.sampled_from(["exclude", "include"]))
def test_repeated_targets_count_once_and_no_metric_leaves_0_to_1(
    seed: int, k: int, seen: Any
) -> None:
    random = np.random.default_rng(seed)
    lists = [
        [random.integers(1, NUM_ITEMS + 1, int(random.integers(1, 9))).tolist() for _ in range(6)]
        for _ in range(2)
    ]
    data = SequenceDataset(
        "again",
        Sequences.from_lists(lists[0]),
        Sequences.from_lists([[]] * 6),
        Sequences.from_lists(lists[1]),
        np.arange(6),
        np.arange(NUM_ITEMS),
    )
    table = random_table(seed)
    outcome = evaluate(Table(table), data, "test", ks=[k], seen=seen)
    assert outcome.repeated == sum(len(items) - len(set(items)) for items in lists[1])
    for name in METRICS:
        _, values = by_brute_force(table, data, seen, name, k)
        found = outcome.per_user[f"{name}@{k}"]
        assert found.tolist() == pytest.approx(values), name
        assert ((found >= 0) & (found <= 1 + 1e-12)).all(), name


def test_who_has_every_item_is_skipped_by_the_sampled_protocol() -> None:
    data = leave_one_out([[1, 2, 3, 4, 5], [1, 2, 3]], 5)
    outcome = evaluate(Table(random_table(0, 5)), data, "test", protocol="sampled")
    assert outcome.users.tolist() == [1]
    assert outcome.skipped == {"has every item": 1}
    all_of_them = leave_one_out([[1, 2, 3, 4, 5]], 5)
    with pytest.raises(DatasetError, match="every user of `toy` has every item"):
        evaluate(Table(random_table(0, 5)), all_of_them, "test", protocol="sampled")


def test_top_items_are_ordered_by_score_then_item_and_padded() -> None:
    scores = torch.tensor([[-torch.inf, 1.0, 3.0, 3.0, 2.0], [-torch.inf] * 3 + [5.0, -torch.inf]])
    items, values = top_items(scores, 3)
    assert items.tolist() == [[2, 3, 4], [3, 0, 0]]
    assert values[0].tolist() == [3, 3, 2]
