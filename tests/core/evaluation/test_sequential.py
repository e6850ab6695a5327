"""Evaluation against brute force; ties never help, NaN is an error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation import sequential as evaluation
from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.evaluation.queries import Queries
from seqrec_cli.core.evaluation.ranks import ranks_in
from seqrec_cli.core.evaluation.sequential import evaluate, top_items
from seqrec_cli.core.evaluation.summary import summarise
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.errors import DatasetError, RunError
from tests.conftest import leave_one_out
from tests.core.evaluation.test_metrics import brute_force

NUM_ITEMS = 15


class Table:
    """Scores that depend on the newest item alone, from a table (N + 1, N + 1)."""

    max_length = 3
    device = torch.device("cpu")

    def __init__(self, table: torch.Tensor) -> None:
        self.table = table
        self.num_items = len(table) - 1

    def score(self, histories: Sequences) -> torch.Tensor:
        newest = histories.items[histories.offsets[1:] - 1]
        return self.table[torch.from_numpy(newest.astype(np.int64))].clone()


def random_table(seed: int = 0, num_items: int = NUM_ITEMS) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_items + 1, num_items + 1, generator=generator)


def random_dataset(seed: int, repeats: bool = False, targets: int = 1) -> SequenceDataset:
    random = np.random.default_rng(seed)
    histories, valid, test = [], [], []
    for _ in range(25):
        length = int(random.integers(0, 8))
        walk = (
            random.integers(1, NUM_ITEMS + 1, length + 4)
            if repeats
            else random.permutation(NUM_ITEMS)[: length + 4] + 1
        ).tolist()
        histories.append(walk[:length])
        valid.append(walk[length : length + int(random.integers(0, 2))])
        rest = dict.fromkeys(walk[length + 1 :])  # a set of targets, each once
        test.append([i for i in rest if i not in valid[-1]][: int(random.integers(0, targets + 1))])
    return SequenceDataset(
        "random",
        *(Sequences.from_lists(part) for part in (histories, valid, test)),
        user_ids=np.arange(25),
        item_ids=np.arange(1, NUM_ITEMS + 1),
    )


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


@pytest.mark.parametrize("targets", [1, 3])
def test_batches_of_any_size_give_the_same(targets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqrec_cli.core.inference import scoring

    data, table = random_dataset(5, targets=targets), Table(random_table(5))
    whole = evaluate(table, data, "test", ks=[3]).per_user
    monkeypatch.setattr(scoring, "FEWEST_HISTORIES", 1)
    for size in (1, 64, 200):
        monkeypatch.setattr(scoring, "SCORE_BYTES", size)
        monkeypatch.setattr(scoring, "BATCH_SLOTS", size)
        for name, values in evaluate(table, data, "test", ks=[3]).per_user.items():
            np.testing.assert_array_equal(values, whole[name])


@pytest.mark.parametrize("protocol", ["full", "sampled"])
def test_a_model_that_scores_everything_the_same_gets_nothing(protocol: Any) -> None:
    data = leave_one_out([[1, 2, 3, 4, 5]] * 20, 40)
    constant = Table(torch.zeros(41, 41))
    outcome = evaluate(constant, data, "test", ks=[10], protocol=protocol)
    assert all(mean == 0 for mean in outcome.means().values())


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error(wrong: float) -> None:
    table = random_table()
    table[:, 7] = wrong
    with pytest.raises(RunError, match="not finite"):
        evaluate(Table(table), random_dataset(1), "test")


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


def test_sampled_ranks_hold_the_target_against_100_unseen_items() -> None:
    random = np.random.default_rng(0)
    histories = [(random.permutation(500)[:12] + 1).tolist() for _ in range(300)]
    data, table = leave_one_out(histories, 500), Table(random_table(2, 500))
    name = "hr@10 (sampled 100)"
    outcome = evaluate(table, data, "test", ks=[10], protocol="sampled")
    assert set(outcome.per_user) == {f"{metric}@10 (sampled 100)" for metric in METRICS}
    # A random scorer ranks a target uniformly among 101: 10 / 101, within 4 standard errors.
    assert abs(outcome.means()[name] - 10 / 101) < 4 * np.sqrt(0.099 * 0.901 / 300)
    again = evaluate(table, data, "test", ks=[10], protocol="sampled")
    assert (again.per_user[name] == outcome.per_user[name]).all()
    other = evaluate(table, data, "test", ks=[10], protocol="sampled", seed=1)
    assert (other.per_user[name] != outcome.per_user[name]).any()


def test_sampled_candidates_are_never_in_the_history_nor_the_target() -> None:
    data = leave_one_out([[1, 2, 3, 4, 5], [6, 7, 8, 1, 2]], 9)
    scores = torch.zeros(10, 10)
    scores[:, 1:9] = torch.arange(8, 0, -1).float()
    scores[4, [6, 7, 8, 9]] = -5.0  # all that user 0 may be shown beside the target, 5
    scores[1, [3, 4, 5, 9]] = -5.0  # the same of user 1, whose target is 2
    outcome = evaluate(Table(scores), data, "test", ks=[1], protocol="sampled")
    assert outcome.per_user["hr@1 (sampled 100)"].tolist() == [1, 1]


def test_large_samples_of_users_are_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MOST_SAMPLED_USERS", 7)
    data, table = leave_one_out([[1, 2, 3, 4, 5]] * 30, 20), Table(random_table(1, 20))
    outcome = evaluate(table, data, "test", protocol="sampled")
    assert len(outcome.users) == 7
    assert outcome.skipped == {"not in the random sample of 7": 23}
    assert (
        outcome.users.tolist() == evaluate(table, data, "test", protocol="sampled").users.tolist()
    )


def test_top_items_are_ordered_by_score_then_item_and_padded() -> None:
    scores = torch.tensor([[-torch.inf, 1.0, 3.0, 3.0, 2.0], [-torch.inf] * 3 + [5.0, -torch.inf]])
    items, values = top_items(scores, 3)
    assert items.tolist() == [[2, 3, 4], [3, 0, 0]]
    assert values[0].tolist() == [3, 3, 2]


def test_coverage_and_popularity_of_what_is_recommended() -> None:
    data = leave_one_out([[1, 1, 2, 3, 4], [1, 2, 1, 4, 3], [5, 5, 5, 6, 6]], 8)
    table = torch.zeros(9, 9)
    table[:, 5], table[:, 2], table[:, 7] = 3, 2, 1
    outcome = evaluate(Table(table), data, "test", ks=[1], lists=True)
    assert outcome.lists is not None
    assert outcome.lists[:, 0].tolist() == [5, 5, 2]
    figures = summarise(outcome, data, [1], seed=0)
    assert figures["coverage@1"].mean == 2 / 8
    # Train counts: item 1 four times, item 5 three times, item 2 twice.
    assert figures["popularity rank@1"].mean == pytest.approx((2 + 2 + 3) / 3)
    for figure in figures.values():
        assert figure.low <= figure.mean <= figure.high


def bounds(make: Callable[[np.random.Generator], np.ndarray]) -> float:
    """How often the 95 % interval of a mean holds the true mean, 0."""
    from seqrec_cli.core.evaluation.statistics import bootstrap_means, interval

    hits = 0
    for trial in range(200):
        values = make(np.random.default_rng(trial))
        low, high = interval(bootstrap_means(values[:, None], seed=trial, resamples=400))
        hits += bool(low[0] <= 0 <= high[0])
    return hits / 200


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    assert 0.90 <= bounds(lambda random: random.normal(size=150)) <= 0.99


def test_ranks_in_a_list_count_ties_against_the_target_as_far_as_they_go() -> None:
    lists = np.array([[5, 2, 7], [5, 2, 7], [5, 2, 7], [5, 2, 7], [4, 6, 8]])
    scores = np.array([[3, 2, 1], [3, 2, 1], [3, 2, 1], [3, 3, 1], [2, 1, 1]], np.float32)
    targets = Sequences.from_lists([[5], [2, 9], [7], [5], [6]])
    # The last item of a list may be one of many with its score.
    assert ranks_in(lists, scores, targets, 99).tolist() == [0, 1, 99, 99, 1, 99]
    assert ranks_in(lists, scores, targets, 3).tolist() == [0, 1, 3, 2, 1, 2]  # nothing beyond


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("block", [1, 40, 10**6])
def test_targets_in_the_history_are_found(
    most: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqrec_cli.core.evaluation import ranks

    monkeypatch.setattr(ranks, "HISTORY_BLOCK", block)
    random = np.random.default_rng(most)
    histories = [random.integers(1, 9, random.integers(1, 7)).tolist() for _ in range(50)]
    targets = [
        random.permutation(8)[: 1 if most == 1 else random.integers(1, 4)] + 1 for _ in range(50)
    ]
    asked = Queries(
        np.arange(50),
        Sequences.from_lists(histories),
        Sequences.from_lists([each.tolist() for each in targets]),
        0,
        {},
    )
    expected = [
        item in history
        for history, own in zip(histories, targets, strict=True)
        for item in own.tolist()
    ]
    assert ranks.in_history(asked, 8).tolist() == expected
