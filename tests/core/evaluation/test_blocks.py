"""Ranks by blocks of items are those by the whole catalogue."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.blocks import groups_of, ranks_of_groups
from seqrec_cli.errors import RunError


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    users=st.integers(1, 150),
    num_items=st.integers(1, 90),
    width=st.integers(1, 40),
    distinct=st.integers(1, 90),
    excludes=st.booleans(),
)
def test_they_are_those_of_all_scores(
    seed: int, users: int, num_items: int, width: int, distinct: int, excludes: bool
) -> None:
    random = np.random.default_rng(seed)
    # Small whole numbers, whose products are exact; few distinct rows, so that there are ties.
    rows = random.integers(-3, 4, size=(distinct, 5)).astype(np.float32)
    table = rows[random.integers(distinct, size=num_items + 1)]
    states = random.integers(-3, 4, size=(users, 5)).astype(np.float32)
    known = [random.permutation(num_items)[: random.integers(0, num_items)] + 1] * users
    targets = [
        random.choice(num_items, random.integers(1, min(4, num_items + 1)), replace=False) + 1
        for _ in range(users)
    ]
    expected = []
    for user, (wanted, seen) in enumerate(zip(targets, known, strict=True)):
        scores = table.astype(np.int64) @ states[user].astype(np.int64)
        candidates = set(range(1, num_items + 1)) - (set(seen.tolist()) if excludes else set())
        expected += [
            sum(scores[other] >= scores[item] for other in candidates - {item})
            for item in wanted.tolist()
        ]
    own = Sequences.from_lists([each.tolist() for each in targets])
    barred = Sequences.from_lists([each.tolist() for each in known]) if excludes else None
    groups = list(groups_of(torch.from_numpy(states), own, barred))
    vectors = torch.from_numpy(table[own.items])
    for group in groups:
        group.score_targets(vectors[group.targets], width)
        for first in range(0, num_items + 1, width):
            group.count(torch.from_numpy(table[first : first + width]), first, width)
    assert ranks_of_groups(groups, len(own.items)).tolist() == expected


def test_a_tie_counts_against_the_target_to_the_bit() -> None:
    torch.manual_seed(0)
    row, states = torch.randn(1, 37), torch.randn(130, 37)
    table = row.repeat(501, 1)  # all items alike: every score of a history is the same number
    own = Sequences.from_lists([[n % 500 + 1] for n in range(130)])
    groups = list(groups_of(states, own, None))
    for group in groups:
        group.score_targets(table[: len(group.items)], 200)
        for first in (0, 200, 400):
            group.count(table[first : first + 200], first, 200)
    assert ranks_of_groups(groups, 130).tolist() == [499] * 130


def test_scores_that_are_not_finite_are_refused() -> None:
    (group,) = groups_of(torch.ones(1, 2), Sequences.from_lists([[1]]), None)
    with pytest.raises(RunError, match="not finite"):
        group.count(torch.full((3, 2), torch.nan), 0, 3)
