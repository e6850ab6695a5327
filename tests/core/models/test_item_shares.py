"""Popularity as shares, counted by hand."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.models.item_shares import RecentShares, smoothed_shares


@pytest.mark.parametrize("items", [[], [3], [1, 2, 2, 5, 2, 1]])
def test_each_item_counts_once_more_than_it_occurs(items: list[int]) -> None:
    found = smoothed_shares(np.array(items, np.int32), 5)
    counts = Counter(items)
    expected = [Fraction(counts[item] + 1, len(items) + 5) for item in range(1, 6)]
    assert found.tolist() == pytest.approx([0.0, *map(float, expected)])
    assert float(found.sum()) == pytest.approx(1)


def test_recent_counts_are_of_the_window_before_each_moment() -> None:
    shares = RecentShares.of(np.array([5, 1, 9, 3]), np.array([2, 1, 2, 3], np.int32), 4)
    found = shares.counts_before(np.array([1, 5, 6, 99]), 3)
    assert found.tolist() == [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0]]


def test_a_query_without_a_moment_is_after_all_that_is_known() -> None:
    shares = RecentShares.of(np.array([5, 1]), np.array([2, 1], np.int32), 4)
    histories = Sequences.from_lists([[1, 1], [2]])
    assert shares.at_moments(histories).moments.tolist() == [6, 6]  # type: ignore[union-attr]
    timed = replace(histories, times=np.array([1, 9, 3]))
    assert shares.at_moments(timed).moments.tolist() == [10, 6]  # type: ignore[union-attr]
    asked = replace(timed, moments=np.array([3, 4]))
    assert shares.at_moments(asked) is asked


@pytest.mark.parametrize(
    ("times", "items", "message"),
    [
        ([3, 1], [1, 1], "not in order"),
        ([1, 3], [1, 9], "outside 1 to 3"),
        ([1], [1, 1], "not those"),
    ],
)
def test_damaged_interactions_are_told(times: list[int], items: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RecentShares.checked(np.array(times), np.array(items, np.int32), 4, 3)
