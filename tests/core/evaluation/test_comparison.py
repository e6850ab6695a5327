"""Paired comparisons: found where planted, not where there is nothing, for the right users."""

from dataclasses import replace

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.comparison import ALL_USERS, compare, figure_of_slice, slices_of
from seqrec_cli.core.evaluation.sequential import Evaluation
from seqrec_cli.core.evaluation.statistics import holm


def outcome(values: np.ndarray) -> Evaluation:
    return Evaluation(np.arange(len(values)), {"ndcg@10": values.astype(np.float64)}, None)


def test_a_planted_difference_is_found_in_the_slice_that_has_it() -> None:
    random = np.random.default_rng(0)
    base = random.random(600)
    half = np.arange(600) < 300
    better = base + np.where(half, 0.1, 0.0) + random.normal(0, 0.05, 600)
    found = compare(
        {"new": outcome(better), "old": outcome(base)},
        {"first half": half, "second half": ~half},
        ["ndcg@10"],
        seed=0,
    )
    by_slice = {difference.slice: difference for difference in found}
    assert list(by_slice) == [ALL_USERS, "first half", "second half"]
    assert by_slice["first half"].mean == pytest.approx(0.1, abs=0.01)
    assert by_slice["first half"].low < 0.1 < by_slice["first half"].high
    assert by_slice["first half"].p < 0.01
    assert by_slice["second half"].p > 0.05
    assert by_slice[ALL_USERS].mean == pytest.approx(float((better - base).mean()))
    assert [difference.users for difference in found] == [600, 300, 300]


def test_means_are_over_positions_where_each_was_a_target() -> None:
    counts = np.array([1, 3, 6])
    values = {"a": np.array([1.0, 0.5, 0.0]), "b": np.array([0.0, 0.25, 0.5])}
    outcomes = {
        name: Evaluation(np.arange(3), {"ndcg@10": own}, None, counts=counts)
        for name, own in values.items()
    }
    (found,) = compare(outcomes, {}, ["ndcg@10"], seed=0)
    assert found.mean == pytest.approx((1 * 1 + 3 * 0.25 - 6 * 0.5) / 10)
    assert found.low == pytest.approx(-0.5)
    assert found.high == pytest.approx(1.0)


def test_scorers_that_do_not_differ_are_seldom_told_apart() -> None:
    random = np.random.default_rng(1)
    told_apart = 0
    for trial in range(20):
        outcomes = {name: outcome(random.random(100)) for name in "abcd"}  # six pairs
        found = compare(outcomes, {}, ["ndcg@10"], seed=trial)
        assert len(found) == 6
        told_apart += any(difference.p < 0.05 for difference in found)
    assert told_apart <= 4  # one in twenty is expected


def test_holm_by_hand() -> None:
    found = holm(np.array([0.01, 0.04, 0.03, 0.5]))
    np.testing.assert_allclose(found, [0.04, 0.09, 0.09, 0.5])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


def dataset(times: bool) -> SequenceDataset:
    train = Sequences.from_lists([[1], [1, 2], [1, 2, 3], [1, 2, 3, 1], [1] * 9, [2] * 12])
    one = Sequences.from_lists([[1]] * 6)
    test = Sequences.from_lists([[1], [1], [2], [3], [3], [3]])
    stamps = {}
    if times:
        last = np.array([5, 5, 5, 50, 50, 500])
        stamps = {
            "train": np.zeros(31, np.int64),
            "valid": np.full(6, 100),
            "test": 100 + last,
        }
    ids = np.arange(1, 7)
    return SequenceDataset("toy", train, one, test, ids, ids[:3], timestamps=stamps)


def test_users_are_cut_by_history_target_and_time() -> None:
    found = slices_of(dataset(times=True), "test", np.arange(6))
    assert {name: np.flatnonzero(mask).tolist() for name, mask in found.items()} == {
        "history 2–3 items": [0, 1],
        "history 4–5 items": [2, 3],
        "history 10–13 items": [4, 5],
        "target 2 times in train": [3, 4, 5],
        "target 15 times in train": [2],
        "target 14 times in train": [0, 1],
        "target 5 later": [0, 1, 2],
        "target 50 later": [3, 4],
        "target 500 later": [5],
    }
    timed = replace(dataset(times=True), manifest={"time": {"unit": "milliseconds"}})
    names = [name for name in slices_of(timed, "test", np.arange(6)) if "later" in name]
    assert names[0] == "target 0.005 s later"
    assert not any(
        "later" in name for name in slices_of(dataset(times=False), "test", np.arange(6))
    )


def test_the_figure_of_a_slice_is_over_its_users_alone() -> None:
    values = np.arange(10.0)
    found = outcome(values)
    mask = np.arange(10) % 3 == 0
    figure = figure_of_slice(found, mask, "ndcg@10", seed=0)
    assert figure.mean == pytest.approx(values[mask].mean())
    assert values[mask].min() <= figure.low < figure.mean < figure.high <= values[mask].max()
    weighted = replace(found, counts=np.arange(1, 11))
    figure = figure_of_slice(weighted, mask, "ndcg@10", seed=0)
    assert figure.mean == pytest.approx(np.average(values[mask], weights=np.arange(1, 11)[mask]))
