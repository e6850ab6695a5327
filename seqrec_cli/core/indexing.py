"""Nearest neighbours without looking at every item: HNSW, by voyager (the extra `ann`).

A hierarchical navigable small world (Malkov & Yashunin, IEEE TPAMI 2020) finds most of the items
with the largest dot products; how many of them is measured whenever it is used. Vectors need not
have the same length: voyager adds a dimension that makes the nearest the one with the largest dot
product (Bachrach et al., RecSys 2014).
"""

import importlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.errors import MissingExtra, RunError

LINKS = 16  # of an item on each level
BUILD_EFFORT = 200  # neighbours that are looked at for each item put in
EFFORT = 128  # neighbours that are looked at for each query
BATCH_QUERIES = 1024


class NeighbourIndex:
    """Finds items by their vectors; items count from 1."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> "NeighbourIndex":
        """Index the vectors of items 1 to N, float32 (N, D).

        The graph depends on the order in which cores are done: another build may find others.
        """
        voyager = load_library()
        graph = voyager.Index(
            voyager.Space.InnerProduct,
            num_dimensions=vectors.shape[1],
            M=LINKS,
            ef_construction=BUILD_EFFORT,
            max_elements=len(vectors),
        )
        graph.add_items(vectors, ids=np.arange(1, len(vectors) + 1), num_threads=-1)
        return cls(graph)

    @classmethod
    def from_bytes(cls, content: bytes) -> "NeighbourIndex":
        """What `to_bytes` gave. Only for content that its checksum was held against.

        Raises:
            RunError: it is no such thing.
        """
        voyager = load_library()
        try:
            return cls(voyager.Index.load(io.BytesIO(content)))
        except (RuntimeError, ValueError) as error:
            raise RunError(f"the index cannot be read: {error}", "remove its files") from error

    def to_bytes(self) -> bytes:
        """The whole index, for a file."""
        return bytes(self.graph.as_bytes())

    def __len__(self) -> int:
        return int(self.graph.num_elements)

    def search(
        self, queries: NDArray[np.float32], count: int, effort: int = EFFORT
    ) -> NDArray[np.int64]:
        """About the `count` items with the largest dot products, int64 (Q, count), 0 for none."""
        voyager = load_library()
        count = min(count, len(self))
        found = np.zeros((len(queries), count), np.int64)
        for start in range(0, len(queries), BATCH_QUERIES):
            rows = slice(start, start + BATCH_QUERIES)
            looked_at = max(effort, count)
            while True:
                try:
                    found[rows] = self.graph.query(queries[rows], count, -1, looked_at)[0]
                    break
                except voyager.RecallError:  # fewer than `count` were reached
                    if looked_at >= 4 * len(self):
                        break  # a graph in pieces: nothing is better than a crash
                    looked_at *= 4
        return found


def load_library() -> Any:
    """The library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module("voyager")
    except ImportError:
        raise MissingExtra("voyager", "ann") from None
