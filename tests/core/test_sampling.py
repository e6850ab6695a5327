"""The sampler is exact: never a known item, each other one equally often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.dataset import Sequences
from seqrec_cli.core.randomness import Purpose
from seqrec_cli.core.sampling import UniformSampler


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
