"""The index against brute force, for vectors of any length."""

import numpy as np
import pytest

from seqrec_cli.core.inference.index import NeighbourIndex
from seqrec_cli.errors import RunError

pytest.importorskip("usearch")


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
@pytest.mark.parametrize("spread", [0.0, 1.5])
def test_finds_the_largest_dot_products_whatever_the_lengths(spread: float, unit: float) -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(3000, 12)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors *= np.exp(spread * random.normal(size=(3000, 1))).astype(np.float32)
    queries = random.normal(size=(100, 12)).astype(np.float32)
    found = NeighbourIndex.build(vectors * np.float32(unit)).search(queries / np.float32(unit), 10)
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, :10] + 1
    share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)])
    assert share > 0.95
    if spread:  # the question is another one than which direction is nearest
        directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        nearest = np.argsort(-(queries @ directions.T), axis=1)[:, :10] + 1
        assert np.mean([len(set(a) & set(b)) for a, b in zip(nearest, exact, strict=True)]) < 5


def test_asking_for_more_than_there_is_gives_each_item_once() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    index = NeighbourIndex.build(vectors)
    found = index.search(vectors[:3], 100, effort=1)
    assert found.shape == (3, 40)
    for row in found.tolist():
        reached = [item for item in row if item]  # the graph need not reach all of them
        assert len(set(reached)) == len(reached) > 20
        assert set(reached) <= set(range(1, 41))


def test_bytes_bring_it_back() -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    index = NeighbourIndex.build(vectors)
    again = NeighbourIndex.from_bytes(index.to_bytes())
    assert len(again) == 200
    np.testing.assert_array_equal(again.search(vectors, 5), index.search(vectors, 5))
    with pytest.raises(RunError, match="the index cannot be read"):
        NeighbourIndex.from_bytes(index.to_bytes()[:-40])
