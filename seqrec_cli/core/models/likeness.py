"""How alike items are by their categories and tags, and scores spread to what is alike.

    s(i, j) = f_i . f_j / c,    score'(i) = score(i) + b sum_j s(i, j) score(j)

with f_i the categories and tags of item i as a vector: each weighs log(N / n), N items of which n
have it, and the whole has length 1 (Salton & Buckley, 1988). c makes the mean item's s(i, j) sum to
1, so that b means the same for few large categories as for many small ones. An item that few
people had, or nobody, so has some of the scores of those it is like.

Shapes: N items, M items that have weights (slots 1 to M; slot 0 is none), T values in all columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.features.vocabularies import FIRST
from seqrec_cli.core.devices import WorkerPool

MOST_ROWS, MOST_CELLS = 256, 2**25  # of weights that are spread together, and of what they take


@dataclass(frozen=True, eq=False)
class Bags:
    """For each row of a table which rows of another it adds up, and their weights."""

    members: Tensor  # int64 (E,)
    starts: Tensor  # int64 (R,)
    weights: Tensor  # float32 (E,)

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int64],
        members: NDArray[np.int64],
        weights: NDArray[np.float32],
        size: int,
    ) -> "Bags":
        """Row `rows[e]` of `size` has `members[e]` with `weights[e]`."""
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(size))
        return cls(*map(torch.from_numpy, (members[order], starts, weights[order])))

    def sums(self, table: Tensor) -> Tensor:
        """The weighted sums (R, D) of the rows of `table`."""
        return F.embedding_bag(
            self.members, table, self.starts, mode="sum", per_sample_weights=self.weights
        )


@dataclass(frozen=True, eq=False)
class Likeness:
    """The vectors f of the items that have slots.

    Attributes:
        by_value: for each value, the slots that have it.
        by_slot: for each slot 0 to M, its values.
        scale: c.
    """

    by_value: Bags
    by_slot: Bags
    scale: float

    @classmethod
    def of(cls, features: Features, slots: NDArray[np.int64]) -> "Likeness":
        """By the categories and tags of the items, whose slots are `slots` (N + 1,)."""
        items, values, count = values_of_items(features)
        having = np.bincount(values, minlength=count)
        weights = np.log(len(features.trained) / having[values])
        length = np.sqrt(np.bincount(items, weights**2, minlength=len(slots)))[items]
        told = (slots[items] > 0) & (length > 0)
        weights = (weights[told] / length[told]).astype(np.float32)
        places, values = slots[items[told]], values[told]
        sums = np.bincount(values, weights, minlength=count)
        return cls(
            Bags.of(values, places, weights, count),
            Bags.of(places, values, weights, int(slots.max()) + 1),
            float(sums @ sums) / max(1, len(np.unique(places))),
        )

    def spread(self, weights: Tensor, share: float, workers: WorkerPool) -> Iterator[float]:
        """Add to each column of `weights` (rows, M + 1) `share` times the columns of items that
        are like it, in place. Yields the share of the work that is done."""
        if not self.scale:
            return
        wide = max(len(self.by_value.starts), weights.shape[1])
        size = max(1, min(MOST_ROWS, MOST_CELLS // wide))
        parts = [weights[first : first + size] for first in range(0, len(weights), size)]

        def add(part: Tensor) -> None:
            known = part.T.contiguous()
            part.add_(self.by_slot.sums(self.by_value.sums(known)).T, alpha=share / self.scale)

        for done, _ in enumerate(workers.map(add, parts), 1):
            yield done / len(parts)


def values_of_items(features: Features) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Which item (1 to N) has which value, the values of all columns numbered through; and how
    many values there are."""
    if features.items is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), 0
    found, first = [np.zeros((2, 0), np.int64)], 0
    columns = [*features.items.sparse.T[:, :, None], *features.items.tags]
    for codes in columns:
        rows, _ = np.nonzero(codes >= FIRST)
        values = codes[codes >= FIRST].astype(np.int64) - FIRST
        # A cell that names a tag twice has it once.
        found.append(np.unique([rows + 1, values + first], axis=1))
        first += int(values.max(initial=-1)) + 1
    items, values = np.concatenate(found, axis=1)
    return items, values, first
