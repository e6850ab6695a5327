"""The demo's law, its ceiling, and what is left of it when the order is gone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from seqrec_cli.core.data import synthetic as demo
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.preparation import Preparation
from seqrec_cli.core.data.sequences import Sequences


@pytest.fixture(scope="module")
def dataset() -> SequenceDataset:
    return demo.prepare_demo(Preparation(), "demo")


@pytest.fixture(scope="module")
def log_shuffled() -> SequenceDataset:
    return demo.prepare_demo(Preparation(shuffle="log"), "demo")


def ranking_quality(dataset: SequenceDataset, scores: NDArray[np.float64]) -> tuple[float, float]:
    """HR@10 and NDCG@10 of scores (items or items × items, by the last item), seen excluded."""
    assert dataset.test is not None
    ranks = []
    for train, valid, test in zip(dataset.train, dataset.valid, dataset.test, strict=True):
        seen = np.concatenate((train, valid)) - 1
        own = (scores if scores.ndim == 1 else scores[seen[-1]]).copy()
        own[seen] = -np.inf
        ranks.append(int((own > own[test[0] - 1]).sum()))
    near = np.array([rank for rank in ranks if rank < 10])
    return len(near) / len(ranks), float((1 / np.log2(near + 2)).sum() / len(ranks))


def popularity(dataset: SequenceDataset) -> NDArray[np.float64]:
    return np.bincount(dataset.train.items, minlength=dataset.num_items + 1)[1:].astype(float)


def counted_transitions(dataset: SequenceDataset) -> NDArray[np.float64]:
    counts = np.zeros((dataset.num_items, dataset.num_items))
    for history in dataset.train:
        np.add.at(counts, (history[:-1] - 1, history[1:] - 1), 1)
    return counts + 1e-3 * popularity(dataset) / len(dataset.train.items)


def test_is_the_same_each_time(dataset: SequenceDataset) -> None:
    again = demo.prepare_demo(Preparation(), "demo")
    np.testing.assert_array_equal(dataset.train.items, again.train.items)
    assert dataset.manifest == again.manifest
    other = demo.prepare_demo(Preparation(seed=1), "demo")
    assert not np.array_equal(dataset.train.items[:100], other.train.items[:100])


def test_has_no_repeats_and_titles_all_different(dataset: SequenceDataset) -> None:
    for history in dataset.train.followed_by(dataset.valid):
        assert len(set(history.tolist())) == len(history)
    assert dataset.item_titles is not None
    assert len(set(dataset.item_titles.tolist())) == dataset.num_items == demo.ITEMS


def test_the_law_is_one_of_chances() -> None:
    transitions = demo.generate().transitions
    np.testing.assert_allclose(transitions.sum(axis=1), 1)
    assert (np.diag(transitions) == 0).all()
    assert (transitions >= 0).all()


def test_the_log_follows_the_law() -> None:
    made = demo.generate()
    log = made.interactions
    pairs = log.users[1:] == log.users[:-1]
    first = np.r_[True, ~pairs]
    second = np.flatnonzero(first) + 1  # nothing but the item itself is seen before
    before, after = log.items[second - 1], log.items[second]
    best = made.transitions.argmax(axis=1)
    expected = made.transitions.max(axis=1)[before]
    error = np.sqrt((expected * (1 - expected)).sum()) / len(before)
    assert (best[before] == after).mean() == pytest.approx(expected.mean(), abs=4 * error)


def test_the_ceiling_agrees_with_hand_arithmetic() -> None:
    law = np.array([[0, 0.5, 0.3, 0.2], [0.6, 0, 0.3, 0.1], [0.1, 0.2, 0, 0.7], [0.4, 0.4, 0.2, 0]])
    dataset = SequenceDataset(
        name="x",
        train=Sequences.from_lists([[1], [2]]),
        valid=Sequences.from_lists([[2], [3]]),
        test=Sequences.from_lists([[3], [1]]),
        user_ids=np.arange(2),
        item_ids=np.arange(1, 5),
    )
    # User 0 is at item 2 and may go on to 3 or 4, chances 3/4 and 1/4: it goes to 3, rank 1.
    # User 1 is at item 3 and may go on to 1 or 4, chances 1/8 and 7/8: it goes to 1, rank 2.
    found = demo.ceiling(dataset, law, k=1)
    assert found["hr@1"] == pytest.approx((3 / 4 + 7 / 8) / 2)
    assert found["realised_hr@1"] == 0.5
    found = demo.ceiling(dataset, law, k=2)
    assert found["hr@2"] == pytest.approx(1)
    second = 1 / np.log2(3)
    expected = (3 / 4 + second / 4 + 7 / 8 + second / 8) / 2
    assert found["ndcg@2"] == pytest.approx(expected)
    assert found["realised_ndcg@2"] == pytest.approx((1 + second) / 2)


def test_the_ceiling_is_what_the_law_itself_achieves(dataset: SequenceDataset) -> None:
    ceiling = dataset.manifest["ceiling"]
    hit, gain = ranking_quality(dataset, demo.generate().transitions)
    assert (hit, gain) == pytest.approx((ceiling["realised_hr@10"], ceiling["realised_ndcg@10"]))
    # 2,000 draws: the standard error is below 0.01.
    assert hit == pytest.approx(ceiling["hr@10"], abs=0.03)
    assert gain == pytest.approx(ceiling["ndcg@10"], abs=0.03)


def test_order_is_worth_much_more_than_popularity(dataset: SequenceDataset) -> None:
    ceiling = dataset.manifest["ceiling"]["ndcg@10"]
    assert ceiling > 0.5
    assert ranking_quality(dataset, popularity(dataset))[1] < 0.15
    # There is enough data: counting transitions comes close to knowing them.
    assert ranking_quality(dataset, counted_transitions(dataset))[1] > 0.95 * ceiling


def test_without_order_nothing_but_popularity_is_left(log_shuffled: SequenceDataset) -> None:
    assert "ceiling" not in log_shuffled.manifest
    assert log_shuffled.manifest["order"]["shuffled"] == {"how": "log", "seed": 0}
    best = ranking_quality(log_shuffled, popularity(log_shuffled))[1]
    assert ranking_quality(log_shuffled, counted_transitions(log_shuffled))[1] < best


@pytest.mark.parametrize(
    "options", [Preparation(split="time"), Preparation(min_user_count=20)], ids=["time", "filter"]
)
def test_claims_no_ceiling_where_it_does_not_hold(options: Preparation) -> None:
    assert "ceiling" not in demo.prepare_demo(options, "demo").manifest
