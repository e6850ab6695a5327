"""Baselines by hand arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.lazy import chained
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.models import baselines
from seqrec_cli.core.models.baselines import BASELINES, MarkovChain, affordable, recent_items
from tests.conftest import leave_one_out


@pytest.fixture
def data() -> SequenceDataset:
    return leave_one_out([[1, 2, 3, 1, 4, 5], [2, 3, 3, 5], [1, 2, 4, 4]], 5)


def score(name: str, data: SequenceDataset, *histories: list[int]) -> torch.Tensor:
    return BASELINES[name](data).score(Sequences.from_lists(histories))


def test_popularity_counts_the_train_part(data: SequenceDataset) -> None:
    scores = score("popularity", data, [1], [5, 2])
    assert scores.tolist() == [[0, 3, 3, 2, 0, 0]] * 2


def test_recent_popularity_goes_by_time_or_by_place() -> None:
    histories = [[*range(1, 11), 1, 1, 1, 1, 1, 1, 1, 1, 9, 9, 5, 5], [7, 8, 6, 6]]
    data = leave_one_out(histories, 10)
    assert recent_items(data).tolist() == [9, 9, 8]
    times = np.arange(22)[::-1]
    timed = SequenceDataset(
        "t",
        data.train,
        data.valid,
        data.test,
        data.user_ids,
        data.item_ids,
        timestamps={"train": times},
    )
    assert recent_items(timed).tolist() == [1, 2, 3]


def test_markov_chain_counts_what_followed_and_falls_back_on_popularity(
    data: SequenceDataset,
) -> None:
    scores = score("markov chain", data, [3, 1], [2], [5])
    # In train 2 followed 1 twice, 3 followed 2 twice, 1 followed 3 once.
    assert (scores[0] > 1).tolist() == [False, False, True, False, False, False]
    assert (scores[1] > 1).tolist() == [False, False, False, True, False, False]
    assert scores[2].tolist() == pytest.approx([0, 3 / 4, 3 / 4, 2 / 4, 0, 0])
    assert float(scores[0, 2]) == pytest.approx(2 + 3 / 4)


def test_markov_chain_does_not_join_users() -> None:
    chain = MarkovChain(Sequences.from_lists([[1, 2], [3, 4], [], [5]]), 5)
    pairs = zip(chain.before.tolist(), chain.after.tolist(), chain.times.tolist(), strict=True)
    assert set(pairs) == {(1, 2, 1), (3, 4, 1)}  # neither 2, 3 nor 4, 5


def test_item_neighbours_are_cosines_of_user_sets(data: SequenceDataset) -> None:
    has = np.zeros((3, 6))
    for user, items in enumerate(data.train):
        has[user, items] = 1
    norms = np.maximum(np.sqrt((has**2).sum(0)), 1)
    cosine = has.T @ has / np.outer(norms, norms)
    np.fill_diagonal(cosine, 0)
    scores = score("item neighbours", data, [1, 3, 3], [2])
    np.testing.assert_allclose(scores.numpy()[0], cosine[1] + cosine[3], rtol=1e-6)
    np.testing.assert_allclose(scores.numpy()[1], cosine[2], rtol=1e-6)


def test_a_catalogue_too_large_for_item_neighbours_is_said_to_be(
    data: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(affordable(name, data, data.num_users) for name in BASELINES)
    monkeypatch.setattr(baselines, "MOST_PAIRS", 10)
    assert [name for name in BASELINES if not affordable(name, data, data.num_users)] == [
        "transitions"
    ]
    monkeypatch.undo()
    monkeypatch.setattr(baselines, "NEIGHBOUR_BYTES", 100)
    assert [name for name in BASELINES if not affordable(name, data, data.num_users)] == [
        "item neighbours"
    ]


def test_ease_is_the_regression_of_each_item_on_all_others(data: SequenceDataset) -> None:
    has = np.zeros((3, 5))
    for user, items in enumerate(data.train):
        has[user, items - 1] = 1
    weights = np.zeros((5, 5))
    for item in range(5):
        others = [other for other in range(5) if other != item]
        x = has[:, others]
        ridge = x.T @ x + 500 * np.eye(4)
        weights[others, item] = np.linalg.solve(ridge, x.T @ has[:, item])
    found = score("ease", data, [1, 3], [2])
    expected = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 0, 0]]) @ weights
    np.testing.assert_allclose(found[:, 1:].numpy(), expected, rtol=1e-3, atol=1e-6)


def test_history_neighbours_by_hand(data: SequenceDataset) -> None:
    # The train part: 1 2 3 1; 2 3; 1 2. The newest 3 counts 1, the 2 before it 0.85.
    roots = [3**0.5, 2**0.5, 2**0.5]
    similar = [1.85 / roots[0], 1.85 / roots[1], 0.85 / roots[2]]
    expected = [similar[0] + similar[2], sum(similar), similar[0] + similar[1], 0, 0]
    assert score("history neighbours", data, [2, 3])[0, 1:].tolist() == pytest.approx(expected)
    assert score("history neighbours", data, [2, 2, 3])[0, 1:].tolist() == pytest.approx(expected)


def test_the_linear_baseline_knows_what_follows_what() -> None:
    data = leave_one_out([[1, 2, 3, 4, 5, 1, 2]] * 200, 5)
    assert score("linear", data, [1, 2], [3, 4])[:, 1:].argmax(dim=1).tolist() == [2, 4]


@pytest.mark.parametrize("name", ["linear", "ease", "history neighbours"])
def test_what_takes_long_is_not_affordable(
    name: str, data: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert affordable(name, data, data.num_users)
    monkeypatch.setattr(baselines, "MOST_WORK", 100.0)
    assert not affordable(name, data, data.num_users)


def test_what_needs_all_of_a_dataset_of_shards_must_fit_the_memory(
    data: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = chained([data.train.items[:4], data.train.items[4:]])
    parts = replace(data, train=replace(data.train, items=pieces))
    left_out = ("recent popularity", "markov chain", "transitions", "linear", "history neighbours")
    for memory, expected in ((0, left_out), (10**9, ())):
        monkeypatch.setattr(baselines, "total_memory", lambda memory=memory: memory)
        assert all(affordable(name, data, 3) for name in BASELINES)
        assert tuple(name for name in BASELINES if not affordable(name, parts, 3)) == expected
    for name in BASELINES:
        torch.testing.assert_close(score(name, parts, [1, 2]), score(name, data, [1, 2]))
