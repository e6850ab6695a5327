"""Ranks for each combination of weights, against sums that are made and counted in full."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import MISSED
from seqrec_cli.core.evaluation.weighed_ranks import may_be_ahead, weighed_ranks

NUM_ITEMS = 12
CHOICES = st.lists(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=3, unique=True).map(tuple),
    max_size=3,
)


def expected(
    parts: list[Any], choices: list[tuple[float, ...]], targets: Sequences, k: int
) -> list[list[int]]:
    rows = []
    for weights in itertools.product(*choices):
        sums = parts[0].astype(np.float64)
        for weight, part in zip(weights, parts[1:], strict=True):
            sums = sums + weight * part.astype(np.float64)
        ranks = []
        for user, item in zip(targets.users, targets.items, strict=True):
            rank = int((sums[user] >= sums[user, item]).sum()) - 1
            left_out = np.isneginf(parts[0][user, item])
            ranks.append(rank if rank < k and not left_out else MISSED)
        rows.append(ranks)
    return rows


@settings(deadline=None)
@given(
    choices=CHOICES,
    k=st.integers(1, NUM_ITEMS + 3),
    levels=st.sampled_from([3, 1000]),
    seed=st.integers(0, 10**6),
)
def test_ranks_are_those_of_the_sums(
    choices: list[tuple[float, ...]], k: int, levels: int, seed: int
) -> None:
    """Of few levels many sums are equal: ties count against the target."""
    random = np.random.default_rng(seed)
    shape = (4, NUM_ITEMS + 1)
    parts = [random.integers(0, levels, shape).astype(np.float32) - 1 for _ in range(len(choices))]
    own = random.integers(0, levels, shape).astype(np.float32)
    own[random.random(shape) < 0.2] = -np.inf
    own[:, 0] = -np.inf
    targets = Sequences.from_lists([[1, 5], [], [12], [3]])
    found = weighed_ranks([own, *parts], choices, targets, k)
    assert found.dtype == np.int64
    assert found.tolist() == expected([own, *parts], choices, targets, k)


@pytest.mark.parametrize("k", [1, 3])
def test_what_cannot_count_is_not_looked_at(k: int) -> None:
    """Of items 1 to 4 the target is the second by the one part, and by the other the third."""
    rows = [np.array([-np.inf, 5, 4, 1, 0], np.float32), np.array([0, 1, 1, 3, 2], np.float32)]
    looked_at = may_be_ahead(rows, [(0.0, 0.5)], 2, k)
    if k == 1:
        assert looked_at is None  # item 1 is always ahead
    else:
        assert looked_at is not None
        assert looked_at.tolist() == [1, 2]
    further = may_be_ahead(rows, [(0.0, 3.0)], 2, 3)
    assert further is not None
    assert further.tolist() == [1, 2, 3]


def test_sums_that_are_equal_but_for_rounding_are_counted_as_they_are() -> None:
    """Of the others each has, with the largest weight, about the sum of the target: by differences
    alone some would seem never to be ahead."""
    random, weights = np.random.default_rng(0), (0.0, 0.3, 1.4)
    own = random.normal(size=(300, 30)).astype(np.float32)
    own[:, 0] = -np.inf
    more = random.normal(size=own.shape).astype(np.float32)
    wanted = own[:, 1:2] + np.float32(1.4) * more[:, 1:2]
    more[:, 2:] = (wanted - own[:, 2:]) / np.float32(1.4)
    targets = Sequences.from_lists([[1]] * len(own))
    found = weighed_ranks([own, more], [weights], targets, 30)
    for weight, ranks in zip(weights, found, strict=True):
        sums = own + np.float32(weight) * more
        assert ranks.tolist() == ((sums >= sums[:, 1:2]).sum(axis=1) - 1).tolist()
