"""A shuffled log keeps everything but the order."""

from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.shuffling import repeats, shuffled


@pytest.mark.parametrize("how", ["log", "history"])
def test_shuffling_keeps_lengths_counts_and_distinctness(how: Any) -> None:
    random = np.random.default_rng(0)
    items = np.concatenate([random.permutation(40)[:20] for _ in range(50)]).astype(np.int32)
    offsets = np.arange(0, 1001, 20)
    users = np.repeat(np.arange(50), 20)
    result = shuffled(offsets, items, how, seed=1)
    assert (result != items).mean() > 0.5
    assert not repeats(users, result).any()
    np.testing.assert_array_equal(np.bincount(result), np.bincount(items))
    np.testing.assert_array_equal(result, shuffled(offsets, items, how, seed=1))
    same_sets = np.array_equal(np.sort(result.reshape(50, 20)), np.sort(items.reshape(50, 20)))
    assert same_sets == (how == "history")
