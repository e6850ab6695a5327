"""Popularity as shares, counted by hand."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from seqrec_cli.core.models.item_shares import smoothed_shares


@pytest.mark.parametrize("items", [[], [3], [1, 2, 2, 5, 2, 1]])
def test_each_item_counts_once_more_than_it_occurs(items: list[int]) -> None:
    found = smoothed_shares(np.array(items, np.int32), 5)
    counts = Counter(items)
    expected = [Fraction(counts[item] + 1, len(items) + 5) for item in range(1, 6)]
    assert found.tolist() == pytest.approx([0.0, *map(float, expected)])
    assert float(found.sum()) == pytest.approx(1)
