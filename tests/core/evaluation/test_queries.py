"""Who is asked, with which history and targets, held against loops."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation import queries as asking
from seqrec_cli.core.evaluation import sequential as evaluation
from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.evaluation.queries import position_queries, queries
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.errors import DatasetError
from tests.conftest import leave_one_out
from tests.core.evaluation.positions import dataset_of, positions_by_hand, whole_sessions
from tests.core.evaluation.tables import NUM_ITEMS, Table, random_table
from tests.core.evaluation.test_metrics import brute_force


def test_skipped_users_are_counted_by_reason() -> None:
    data = SequenceDataset(
        "partial",
        Sequences.from_lists([[1, 2], [], [3], []]),
        Sequences.from_lists([[], [], [], []]),
        Sequences.from_lists([[3], [1], [], []]),
        np.arange(4),
        np.arange(1, 4),
    )
    outcome = evaluate(Table(random_table(0, 3)), data, "test")
    assert outcome.users.tolist() == [0]
    assert outcome.skipped == {"nothing in the test part": 2, "no history before it": 1}
    with pytest.raises(DatasetError, match="no user with a history"):
        evaluate(Table(random_table(0, 3)), data, "valid")


def test_validation_reads_train_and_testing_reads_train_and_valid() -> None:
    data = leave_one_out([[1, 2, 3, 4]], 5)
    table = torch.zeros(6, 6)
    table[2, 3] = table[3, 4] = 1  # 3 follows 2, 4 follows 3
    for part in ("valid", "test"):
        outcome = evaluate(Table(table), data, part, ks=[1])  # type: ignore[arg-type]
        assert outcome.per_user["hr@1"].tolist() == [1]


def test_large_samples_of_users_are_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MOST_SAMPLED_USERS", 7)
    data, table = leave_one_out([[1, 2, 3, 4, 5]] * 30, 20), Table(random_table(1, 20))
    outcome = evaluate(table, data, "test", protocol="sampled")
    assert len(outcome.users) == 7
    assert outcome.skipped == {"not in the random sample of 7": 23}
    assert (
        outcome.users.tolist() == evaluate(table, data, "test", protocol="sampled").users.tolist()
    )


@pytest.mark.parametrize("whole", [False, True])
def test_times_go_with_their_items_and_a_query_has_its_moment(whole: bool) -> None:
    parts = [[3, 1], [4, 4], []], [[2], [], [5]], [[6, 1], [7], [2]]
    data = whole_sessions([[3, 1], [4], [9, 2], [5, 7], [1, 2], [8, 3, 4]])
    data = data if whole else dataset_of(*parts)
    # The time of each interaction is the number of its item.
    times: Any = {
        part: getattr(data, part).items.astype(np.int64) for part in ("train", "valid", "test")
    }
    manifest = data.manifest | {"time": {"unit": "seconds"}}
    data = replace(data, timestamps=times, manifest=manifest).timed()
    for asked in (queries(data, "test"), queries(data, "valid"), *position_queries(data, "test")):
        histories, first = asked.histories, asked.targets.offsets[:-1]
        assert histories.times is not None
        assert histories.times.tolist() == histories.items.tolist()
        assert histories.moments is not None
        assert histories.moments.tolist() == asked.targets.items[first].tolist()
        some = histories.take(np.array([len(histories) - 1, 0]))
        assert some.times is not None
        assert some.times.tolist() == some.items.tolist()
        assert some.moments is not None
        assert some.moments.tolist() == histories.moments[[-1, 0]].tolist()


ITEMS = st.lists(st.integers(1, NUM_ITEMS), max_size=6)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(ITEMS, ITEMS, ITEMS), min_size=3, max_size=9),
    st.booleans(),
    st.sampled_from(["exclude", "include"]),
    st.sampled_from([1, 3, 20]),
    st.sampled_from([1, 5, 1 << 24]),
)
def test_positions_are_those_of_a_loop(
    users: list[tuple[list[int], list[int], list[int]]], whole: bool, seen: Any, k: int, block: int
) -> None:
    data = (
        whole_sessions([a + b for a, b, _ in users])
        if whole
        else dataset_of(*[list(part) for part in zip(*users, strict=True)])
    )
    expected = positions_by_hand(data)
    table = random_table(len(expected))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "MOST_HISTORY", block)
        if not expected:
            with pytest.raises(DatasetError, match="no user with a history"):
                next(position_queries(data, "test"))
            return
        asked = [
            (int(user), history.tolist(), int(target[0]))
            for each in position_queries(data, "test")
            for user, history, target in zip(each.users, each.histories, each.targets, strict=True)
        ]
        outcome = evaluate(Table(table), data, "test", ks=[k], seen=seen, targets="all", lists=True)
    assert asked == expected

    values: dict[str, dict[int, list[float]]] = {name: {} for name in METRICS}
    assert outcome.lists is not None
    for (user, history, target), listed in zip(expected, outcome.lists, strict=True):
        candidates = [i for i in range(1, NUM_ITEMS + 1) if seen == "include" or i not in history]
        candidates.sort(key=lambda item: -float(table[history[-1], item]))
        assert [item for item in listed.tolist() if item] == candidates[:k]
        for name, by_user in values.items():
            by_user.setdefault(user, []).append(brute_force(name, candidates, {target}, k))
    for name, by_user in values.items():
        assert outcome.users.tolist() == list(by_user)
        means = [float(np.mean(own)) for own in by_user.values()]
        assert outcome.per_user[f"{name}@{k}"].tolist() == pytest.approx(means), name
        over_all = float(np.mean([value for own in by_user.values() for value in own]))
        assert outcome.means()[f"{name}@{k}"] == pytest.approx(over_all), name
    assert outcome.counts is not None
    assert outcome.counts.tolist() == [len(own) for own in values["hr"].values()]
