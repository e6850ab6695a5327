"""Approximate nearest neighbours: HNSW, by usearch (the extra `ann`).

A hierarchical navigable small world (Malkov & Yashunin, IEEE TPAMI 2020) finds most of the items
with the largest dot products; its recall is measured whenever it is used. The graph is built
with the dot product itself (Morozov & Babenko, NeurIPS 2018), so vectors may have any norm. The
reduction by one more dimension, in which the nearest item has the largest product (Bachrach et
al., RecSys 2014), is exact too, but puts all items at about the same distance: docs/retrieval.md.

The graph keeps the vectors in half precision: what it finds is scored again by the vectors
themselves, and most of the time of a build is memory's.
"""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.errors import MissingExtra, RunError

M = 16  # links of an item on each level
EF_CONSTRUCTION = 200  # candidates kept while an item is inserted
EFFORT = 128  # ef_search: candidates kept for a query


class NeighbourIndex:
    """Finds items by their vectors; items count from 1."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> "NeighbourIndex":
        """Index the vectors of items 1 to N, float32 (N, D).

        The graph depends on the timing of the cores: another build may find other items.

        Raises:
            MissingExtra: the library is not installed.
        """
        graph = load_library().Index(
            ndim=vectors.shape[1],
            metric="ip",
            dtype="f16",
            connectivity=M,
            expansion_add=EF_CONSTRUCTION,
        )
        keys = np.arange(1, len(vectors) + 1)
        graph.add(keys, within_one(np.ascontiguousarray(vectors), axis=None), threads=0)
        return cls(graph)

    @classmethod
    def from_bytes(cls, content: bytes) -> "NeighbourIndex":
        """Load the bytes of `to_bytes`; only content whose checksum was verified.

        Raises:
            MissingExtra: the library is not installed.
            RunError: the bytes are not an index.
        """
        library = load_library()
        try:
            graph = library.Index.restore(content)
        except (RuntimeError, ValueError) as error:
            raise RunError(
                f"the index cannot be read: {error}", "remove `index.*` from the run"
            ) from error
        return cls(graph)

    def to_bytes(self) -> bytes:
        """The whole index, for a file."""
        return bytes(self.graph.save())

    def __len__(self) -> int:
        return len(self.graph)

    def search(
        self, queries: NDArray[np.float32], count: int, effort: int = EFFORT
    ) -> NDArray[np.int64]:
        """About the `count` items with the largest dot products, int64 (Q, count), 0 for none."""
        count = min(count, len(self))
        # usearch returns at most this many, whatever `count` is.
        self.graph.expansion_search = max(effort, count)
        matches = self.graph.search(within_one(np.atleast_2d(queries), axis=1), count, threads=0)
        keys = np.asarray(matches.keys, np.int64).reshape(len(queries), -1)
        counts = np.asarray(getattr(matches, "counts", len(keys[0]))).reshape(-1, 1)
        return np.where(np.arange(keys.shape[1]) < counts, keys, 0)


def within_one(vectors: NDArray[np.float32], axis: int | None) -> NDArray[np.float32]:
    """Vectors whose largest number, of all or of each row (`axis` 1), is between 0.5 and 1.

    Half precision has no place for numbers above 65,504 and few below 0.0001. A factor common to
    all items, or one of a query, changes no order of products; a power of two rounds nothing.
    """
    largest = np.abs(vectors).max(axis=axis, keepdims=True, initial=0)
    factors: NDArray[np.float32] = np.ldexp(np.float32(1), -np.frexp(largest)[1])
    return vectors * factors


def load_library() -> Any:
    """usearch.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module("usearch.index")
    except ImportError:
        raise MissingExtra("usearch", "ann") from None
