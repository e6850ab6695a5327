"""Diverse lists: maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998).

From the POOL best items of a history the list is chosen one by one: next comes the item with the
largest (1 - x) r - x s, where r is its score, scaled to 0 to 1 over the pool, and s its largest
similarity to an item chosen already. With x = 0 the order stays as it was.

Shapes: B histories, P candidates, D numbers of a vector, T tags of an item.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.kinds import is_missing, split_tags
from seqrec_cli.core.data.item_table import Texts
from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.inference.retrieval import Finder
from seqrec_cli.core.inference.scoring import Seen

POOL = 200  # candidates that a list is chosen from, where it is no longer itself
BLOCK_HISTORIES = 128

# Of one item (B,) and candidates (B, P): how similar they are, float (B, P), 1 for the same.
Similarity = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]


class Diverse:
    """Chooses diverse lists from what another finder finds."""

    def __init__(self, finder: Finder, similarity: Similarity, weight: float) -> None:
        self.finder = finder
        self.similarity = similarity
        self.weight = weight

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """k items for each history and their marginal relevance, which never rises, both (B, k)."""
        candidates, scores = self.finder.top(histories, max(k, POOL), seen)
        items = np.zeros((len(histories), k), np.int64)
        values = np.full((len(histories), k), -np.inf, np.float32)
        for start in range(0, len(histories), BLOCK_HISTORIES):
            rows = slice(start, start + BLOCK_HISTORIES)
            items[rows], values[rows] = self.choose(candidates[rows], scores[rows], k)
        return items, values

    def choose(
        self, candidates: NDArray[np.int64], scores: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The lists of candidates (B, P), best first, with their scores, both (B, k)."""
        rows, real = np.arange(len(candidates)), candidates != PAD
        relevance = (1 - self.weight) * scaled(scores, real)
        closest = np.zeros(candidates.shape, np.float32)
        free = real.copy()
        items = np.zeros((len(candidates), k), np.int64)
        values = np.full((len(candidates), k), -np.inf, np.float32)
        for place in range(min(k, candidates.shape[1])):
            marginal = np.where(free, relevance - self.weight * closest, -np.inf)
            at = marginal.argmax(axis=1)  # of equal ones the better scored
            values[:, place] = marginal[rows, at]
            items[:, place] = np.where(values[:, place] > -np.inf, candidates[rows, at], PAD)
            free[rows, at] = False
            similar = self.similarity(candidates[rows, at], candidates)
            closest = similar if place == 0 else np.maximum(closest, similar)
        return items, values


def scaled(scores: NDArray[np.float32], real: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scores (B, P) from 0 to 1 over the real ones of each row."""
    low = np.where(real, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(real, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    spread = np.where(high > low, high - low, 1)
    shifted = np.where(real, scores, 0) - np.where(np.isfinite(low), low, 0)
    return np.asarray(np.where(real, shifted / spread, 0), np.float32)


def by_vectors(vectors: NDArray[np.float32]) -> Similarity:
    """The cosine of the vectors of items 1 to N, float32 (N, D); below 0 it counts as 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.concatenate((np.zeros((1, vectors.shape[1]), np.float32), vectors))
    unit[1:] /= np.where(lengths > 0, lengths, 1)

    def similarity(chosen: NDArray[np.int64], candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        cosines = (unit[candidates] @ unit[chosen][:, :, None])[:, :, 0]
        return np.asarray(np.maximum(cosines, 0), np.float32)

    return similarity


def by_column(texts: Texts) -> Similarity:
    """The share of common tags (Jaccard) in a column of the items' table; for a column of single
    values 1 where they are equal. Items without a value are like no other."""
    distinct = [[] if is_missing(text) else split_tags(text) for text in texts.distinct()]
    numbers: dict[str, int] = {}
    width = max(1, max(map(len, distinct), default=1))
    table = np.zeros((len(distinct), width), np.int64)
    for row, tags in enumerate(distinct):
        table[row, : len(tags)] = [numbers.setdefault(tag, len(numbers) + 1) for tag in tags]
    codes = np.concatenate((np.zeros((1, width), np.int64), table[texts.rows]))

    def similarity(chosen: NDArray[np.int64], candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        own, others = codes[chosen][:, None, :], codes[candidates]  # (B, 1, T), (B, P, T)
        common = np.zeros(candidates.shape, np.int64)
        for tag in range(width):
            mine = own[:, :, tag : tag + 1]
            common += ((others == mine) & (mine > 0)).any(axis=2)
        union = (own > 0).sum(axis=2) + (others > 0).sum(axis=2) - common
        return np.asarray(common / np.maximum(union, 1), np.float32)

    return similarity
