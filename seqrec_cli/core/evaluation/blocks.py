"""Ranks of targets where the item vectors come a block at a time, and never lie there as a whole.

Shapes: B histories, T targets, C rows of a block, D hidden size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.inference.scoring import FEWEST_HISTORIES, is_finite
from seqrec_cli.errors import RunError


@dataclass(eq=False)
class Group:
    """Histories that are held against a block of items at once.

    Every product has the shape of all others, so that an item with the vector of the target has its
    score to the bit: ties count against the target.

    Attributes:
        states: of the histories, (FEWEST_HISTORIES, D), zeros beyond the last.
        targets: where their targets lie, among those of all groups.
        rows, items: int64, the history of each target, and the target.
        known_rows, known_items: int64, what is not to be recommended to whom, in order of items.
        above: int64, how many items have the score of the target or a higher one, so far.
        own: float32, the scores of the targets.
    """

    states: Tensor
    targets: slice
    rows: NDArray[np.int64]
    items: NDArray[np.int64]
    known_rows: NDArray[np.int64]
    known_items: NDArray[np.int64]
    above: NDArray[np.int64]
    own: NDArray[np.float32]

    def products(self, block: Tensor, width: int) -> NDArray[np.float32]:
        """The scores of a block (C, D), C at most `width`, float32 (FEWEST_HISTORIES, C).

        Raises:
            RunError: a score is not finite.
        """
        padded = F.pad(block, (0, 0, 0, width - len(block))) if len(block) < width else block
        scores = F.linear(self.states, padded)[:, : len(block)].float().cpu()
        if not is_finite(scores):
            raise RunError("the model's scores are not finite numbers", "lower `training.lr`")
        return np.asarray(scores.numpy())

    def score_targets(self, vectors: Tensor, width: int) -> None:
        """Score the targets, of which these are the vectors (targets of this group, D)."""
        for start in range(0, len(self.rows), width):
            own = slice(start, start + width)
            scores = self.products(vectors[own], width)
            self.own[own] = scores[self.rows[own], np.arange(scores.shape[1])]

    def count(self, block: Tensor, first: int, width: int) -> None:
        """Hold the targets against a block (C, D) of items, from the item `first` on."""
        scores = self.products(block, width).copy()
        if first <= PAD:
            scores[:, PAD - first] = -np.inf
        start, stop = np.searchsorted(self.known_items, (first, first + len(block)))
        scores[self.known_rows[start:stop], self.known_items[start:stop] - first] = -np.inf
        for n, (row, item) in enumerate(zip(self.rows.tolist(), self.items.tolist(), strict=True)):
            self.above[n] += np.count_nonzero(scores[row] >= self.own[n])
            if 0 <= item - first < len(block):  # not against itself
                self.above[n] -= scores[row, item - first] >= self.own[n]


def groups_of(states: Tensor, targets: Sequences, known: Sequences | None) -> Iterator[Group]:
    """Groups of histories with states (B, D) and targets; what is `known` is not recommended."""
    cuts = [*range(0, len(targets), FEWEST_HISTORIES), len(targets)]
    for start, stop in pairwise(cuts):
        rows = np.arange(start, stop)
        own = targets.take(rows)
        barred = Sequences.from_lists([]) if known is None else known.take(rows)
        order = np.argsort(barred.items, kind="stable")
        items = own.items.astype(np.int64)
        yield Group(
            F.pad(states[start:stop], (0, 0, 0, FEWEST_HISTORIES - (stop - start))),
            slice(int(targets.offsets[start]), int(targets.offsets[stop])),
            own.users,
            items,
            barred.users[order],
            barred.items[order].astype(np.int64),
            np.zeros(len(items), np.int64),
            np.zeros(len(items), np.float32),
        )


def ranks_of_groups(groups: list[Group], count: int) -> NDArray[np.int64]:
    """The rank of each of `count` targets, from 0, after all blocks."""
    ranks = np.zeros(count, np.int64)
    for group in groups:
        ranks[group.targets] = group.above
    return ranks
