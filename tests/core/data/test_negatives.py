"""The samplers are exact: never a known item, each other one as often as it should be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.negatives import (
    SAMPLERS,
    PopularitySampler,
    SharedSampler,
    UniformSampler,
    sampler_name,
)
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.losses.full import SoftmaxSettings, softmax
from seqrec_cli.core.losses.interface import AllItems, SharedNegatives
from seqrec_cli.core.losses.sampled import SampledSoftmaxSettings, shared_softmax
from seqrec_cli.core.randomness import Purpose


def draws(
    known: list[list[int]], num_items: int, user: int, count: int, seed: int = 0
) -> np.ndarray:
    sampler = UniformSampler(Sequences.from_lists(known), num_items)
    users = np.full(count, user)
    return sampler.draw(seed, Purpose.NEGATIVES, 1, users, np.arange(count))


@given(
    st.lists(st.lists(st.integers(1, 8), max_size=12), min_size=1, max_size=6),
    st.integers(8, 10),
)
def test_draws_exactly_the_items_a_user_does_not_have(
    known: list[list[int]], num_items: int
) -> None:
    for user, items in enumerate(known):
        found = set(draws(known, num_items, user, 400).tolist())
        others = set(range(1, num_items + 1)) - set(items)
        # With 400 draws from 10 at most, missing one has a chance below 1e-17.
        assert found == (others or {0})


def test_draws_are_uniform() -> None:
    found = draws([[2, 2, 5, 9]], 10, 0, 70_000)
    counts = np.bincount(found, minlength=11)
    assert counts[[0, 2, 5, 9]].sum() == 0
    others = counts[[1, 3, 4, 6, 7, 8, 10]]
    chi_squared = ((others - 10_000) ** 2 / 10_000).sum()
    assert chi_squared < 22.5  # 6 degrees of freedom, one in a thousand


def test_one_item_left_is_always_drawn() -> None:
    assert set(draws([[1, 2, 4, 5]], 5, 0, 50).tolist()) == {3}


def test_a_user_who_has_everything_gets_padding() -> None:
    assert set(draws([[1, 2, 3], [1]], 3, 0, 20).tolist()) == {0}


def test_draws_depend_on_seed_epoch_user_and_counter_alone() -> None:
    sampler = UniformSampler(Sequences.from_lists([[1], [2], [3, 4]]), 1000)
    users, counters = np.array([0, 1, 2, 2]), np.array([0, 0, 0, 1])

    def draw(order: list[int], seed: int = 7, epoch: int = 3) -> list[int]:
        found = sampler.draw(seed, Purpose.NEGATIVES, epoch, users[order], counters[order])
        return found[np.argsort(order)].tolist()

    assert draw([0, 1, 2, 3]) == draw([3, 1, 0, 2])
    assert draw([0, 1, 2, 3]) != draw([0, 1, 2, 3], seed=8)
    assert draw([0, 1, 2, 3]) != draw([0, 1, 2, 3], epoch=4)
    assert len(set(draw([0, 1, 2, 3]))) == 4


@pytest.mark.parametrize("num_items", [2**31 - 2])
def test_large_catalogues_do_not_overflow(num_items: int) -> None:
    known = [[num_items, 1], [5]]
    found = draws(known, num_items, 1, 1000)
    assert found.min() >= 1
    assert found.max() <= num_items
    assert found.max() > num_items // 2
    assert len(np.unique(found)) == 1000


def test_popular_items_are_drawn_as_their_counts_say_and_known_ones_never() -> None:
    # Counts in train: 1 four times, 2 twice, 3 once, 4 once; item 5 never. The user has 1 and 4.
    known = Sequences.from_lists([[1, 4], [1, 2], [1, 2, 3], [1]])
    sampler = PopularitySampler(known, 5, power=0.5)
    users = np.zeros(80_000, np.int64)
    found = sampler.draw(0, Purpose.NEGATIVES, 1, users, np.arange(80_000))
    counts = np.bincount(found, minlength=6)
    weights = np.sqrt([4, 2, 1, 1, 0])
    chances = np.array([0, *weights / weights.sum()])
    assert counts[[1, 4, 5]].sum() == 0
    expected = 80_000 * chances[[2, 3]]
    assert np.abs(counts[[2, 3]] - expected).max() < 4 * np.sqrt(expected.max())
    assert counts[0] == 80_000 - counts[2] - counts[3]
    logs = sampler.log_probability(users[:2], np.array([2, 3]))
    np.testing.assert_allclose(logs, np.log(chances[[2, 3]]), rtol=1e-6)


@pytest.mark.parametrize("power", [None, 0.75])
def test_corrected_logits_estimate_the_sum_over_all_items_without_bias(power: float | None) -> None:
    random = np.random.default_rng(0)
    known = Sequences.from_lists([random.integers(1, 41, 60).tolist() for _ in range(30)])
    sampler = UniformSampler(known, 40) if power is None else PopularitySampler(known, 40, power)
    scores = random.normal(size=41)
    users = np.full((20_000, 1), 3)
    counters = np.arange(20_000 * 8).reshape(20_000, 8)
    drawn = sampler.draw(0, Purpose.NEGATIVES, 1, users, counters)
    corrected = np.exp(scores[drawn] - sampler.log_probability(users, drawn) - np.log(8))
    sums = np.where(drawn > 0, corrected, 0).sum(axis=1)
    others = np.setdiff1d(np.arange(1, 41), known[3])
    drawable = others if power is None else np.intersect1d(others, known.items)
    spread = sums.std() / np.sqrt(len(sums))
    assert sums.mean() == pytest.approx(np.exp(scores[drawable]).sum(), abs=4 * spread)


@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=30).filter(any),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_what_a_batch_shares_is_drawn_as_often_as_it_should_be(
    counts: list[int], count: int, power: float
) -> None:
    sampler = SharedSampler(np.array(counts), power, count)
    draws = [sampler.draw(0, Purpose.NEGATIVES, 1, step) for step in range(400)]
    assert all(len(set(draw.tolist())) == sampler.count for draw in draws)
    seen = np.bincount(np.concatenate(draws), minlength=len(counts) + 1)[1:] / 400
    np.testing.assert_allclose(seen, sampler.probabilities, atol=0.12)
    weights = np.array(counts, float) ** power
    assert sampler.probabilities.sum() == pytest.approx(sampler.count)
    assert sampler.probabilities.max() <= 1 + 1e-12
    part = (sampler.probabilities < 1 - 1e-9) & (weights > 0)
    if part.any():
        ratio = sampler.probabilities[part] / weights[part]
        np.testing.assert_allclose(ratio, ratio[0])
        rest = ~part & (weights > 0)
        assert (weights[rest] * ratio[0] >= 1 - 1e-9).all()


def test_sharing_all_items_makes_the_corrected_softmax_the_whole_one() -> None:
    sampler = SharedSampler(np.array([2, 1, 1, 3, 1]), 0.75, 9)
    items = sampler.draw(0, Purpose.NEGATIVES, 1, 1)
    assert items.tolist() == [1, 2, 3, 4, 5]
    torch.manual_seed(0)
    states, table, targets = torch.randn(4, 3), torch.randn(6, 3), torch.tensor([2, 5, 0, 1])
    shared = SharedNegatives(
        *(states, table[targets], table[items], targets, torch.from_numpy(items)),
        torch.from_numpy(sampler.log_probability(items)),
    )
    ours = shared_softmax(shared, SampledSoftmaxSettings())
    whole = softmax(AllItems(states, table, targets), SoftmaxSettings())
    torch.testing.assert_close(ours, whole)


def test_samplers_are_made_by_name() -> None:
    known = Sequences.from_lists([[1, 1, 1, 2], [3, 2]])
    users, counters = np.zeros((1, 1), np.int64), np.arange(400)
    for name, power, twin in (
        ("uniform", None, UniformSampler(known, 6)),
        ("popularity", None, PopularitySampler(known, 6, 1.0)),
        ("popularity", 0.5, PopularitySampler(known, 6, 0.5)),
    ):
        assert sampler_name(None if power else name, power) == name
        sampler = SAMPLERS[name](known, 6, power, None)
        drawn, expected = (
            each.draw(0, Purpose.NEGATIVES, 1, users, counters) for each in (sampler, twin)
        )
        np.testing.assert_array_equal(drawn, expected)
    assert list(SAMPLERS)[:2] == ["uniform", "popularity"]
    assert sampler_name(None, None) == "uniform"
