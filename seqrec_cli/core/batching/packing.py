"""Histories of different lengths, packed into blocks of similar length with little padding.

A batch of histories is sorted by length and cut into blocks; a block of R rows whose longest has
L items takes R x L consecutive slots. Each row begins with its oldest item; a row shorter than L
ends with padding. So a causal model needs no mask for padding, which lies in the future of every
real item, and layers that work on single positions see one flat (T, ...) tensor. `pack_padded`
takes the textbook layout, B x max_length with padding on the left.

Shapes: B histories, T slots, L positions, D hidden size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.batching.features import FeatureTensors, rows_as_tensors
from seqrec_cli.core.data.sequences import PAD, Sequences

# A row joins a block while it fills at least this share of it. Measured on ml-1m, batches of 128:
# 0.8 leaves 5 % padding in 10 blocks, 0.9 2 % in 19, 0.7 9 % in 7; the times do not differ clearly.
FILL = 0.8


@dataclass(frozen=True)
class CostModel:
    """How the cost of a model grows with the length of a history; batches are split by it.

    Attributes:
        crossover: a history of L items costs L (1 + L / crossover).
        min_part_scale: scales the smallest size of a part, for models whose calls are expensive.
        whole: batches are not split, as the results of one part depend on the others.
    """

    crossover: float = 600.0
    min_part_scale: int = 1
    whole: bool = False

    def of(self, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """The cost of histories of these lengths, float64; one item costs about 1."""
        return np.asarray(lengths * (1 + lengths / self.crossover), np.float64)


ATTENTION = CostModel()  # grows with the square of the length; measured on ml-1m


@dataclass(frozen=True, eq=False)
class Layout:
    """The slots of the items of each history.

    Attributes:
        blocks: (rows, length) of each block, in the order of their slots.
        rows: int64 (B,), the history of each row, block after block.
        slots: int64 (items,), the slot of each item, history by history, oldest first.
        ages: int64 (T,), how many items of the history come after the slot's; 0 for padding.
        last: int64 (B,), the slot of each history's newest item.
    """

    blocks: tuple[tuple[int, int], ...]
    rows: NDArray[np.int64]
    slots: NDArray[np.int64]
    ages: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    def of(cls, lengths: NDArray[np.int64], fill: float = FILL) -> "Layout":
        """Lay out histories of these lengths, int64 (B,), each 1 or more.

        `fill` 0 makes one block, for devices with wide arithmetic and slow launches.
        """
        order = np.argsort(-lengths, kind="stable")
        blocks = cut_blocks(lengths[order], fill)
        starts = np.empty(len(lengths), np.int64)
        first_row, first_slot = 0, 0
        for rows, length in blocks:
            starts[order[first_row : first_row + rows]] = first_slot + length * np.arange(rows)
            first_row, first_slot = first_row + rows, first_slot + rows * length
        ends = np.cumsum(lengths)
        within = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        slots = np.repeat(starts, lengths) + within
        ages = np.zeros(first_slot, np.int64)
        ages[slots] = np.repeat(lengths, lengths) - 1 - within
        return cls(blocks, order, slots, ages, starts + lengths - 1)

    @property
    def size(self) -> int:
        """T, the number of slots."""
        return len(self.ages)

    def spread(self, values: NDArray[Any]) -> Tensor:
        """Put each item's value (items,) into its slot, 0 into padding: int64 (T,)."""
        flat = np.zeros(self.size, np.int64)
        flat[self.slots] = values
        return torch.from_numpy(flat)

    def spread_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """Put each item's row (items, K) into its slot, 0 into padding: (T, K)."""
        flat = np.zeros((self.size, values.shape[1]), values.dtype)
        flat[self.slots] = values
        return flat


def cut_blocks(lengths: NDArray[np.int64], fill: float) -> tuple[tuple[int, int], ...]:
    """Cut lengths in descending order into blocks (rows, longest) filled to at least `fill`."""
    begins = [0]
    while begins[-1] < len(lengths):
        limit = int(np.ceil(lengths[begins[-1]] * fill))
        begins.append(int(np.searchsorted(-lengths, -limit, side="right")))
    return tuple((end - begin, int(lengths[begin])) for begin, end in pairwise(begins))


@dataclass(frozen=True, eq=False)
class Packed:
    """A batch of histories as a model reads it.

    Attributes:
        items: int64 (T,), 0 in padding.
        ages: int64 (T,), how many items of the same history come after; 0 in padding.
        blocks: (rows, length) of each block, in the order of their slots.
        last: int64 (B,), the slot of each history's newest item.
        features: of each history's user, in the order of the blocks' rows; or None.
    """

    items: Tensor
    ages: Tensor
    blocks: tuple[tuple[int, int], ...]
    last: Tensor
    features: FeatureTensors | None = None

    def to(self, device: torch.device) -> "Packed":
        if device == self.items.device:
            return self
        return Packed(
            self.items.to(device),
            self.ages.to(device),
            self.blocks,
            self.last.to(device),
            None if self.features is None else self.features.to(device),
        )

    @cached_property
    def rows(self) -> Tensor:
        """The row of each slot, int64 (T,), numbered over all blocks."""
        lengths = [length for rows, length in self.blocks for _ in range(rows)]
        return torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths)).to(self.items.device)

    @cached_property
    def bounds(self) -> list[tuple[int, int, int, int]]:
        """(first slot, end, rows, length) of each block."""
        bounds, start = [], 0
        for rows, length in self.blocks:
            bounds.append((start, start + rows * length, rows, length))
            start += rows * length
        return bounds

    def views(self, *flat: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """View tensors (T, ...) block by block as (R, L, ...)."""
        for start, end, rows, length in self.bounds:
            yield tuple(t[start:end].view(rows, length, *t.shape[1:]) for t in flat)


def pack(histories: Sequences, max_length: int, fill: float = FILL) -> Packed:
    """Pack the latest `max_length` items of each history of 1 or more items."""
    lengths = np.minimum(histories.lengths, max_length)
    layout = Layout.of(lengths, fill)
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    items = histories.items[np.repeat(histories.offsets[1:] - lengths, lengths) + within]
    return Packed(
        layout.spread(items),
        torch.from_numpy(layout.ages),
        layout.blocks,
        torch.from_numpy(layout.last),
        rows_as_tensors(histories.features, layout.rows),
    )


def pack_padded(history: Tensor) -> tuple[Packed, Tensor, Tensor]:
    """Pack the textbook layout (B, L), int64, padding on the left.

    Returns:
        the batch; int64 (items,), the cells of the flattened (B, L); and int64 (items,), their
        slots. A history of padding alone keeps one slot, of padding.
    """
    real = (history != PAD).cpu().numpy()
    real[:, -1] = True
    rows, columns = np.nonzero(real)
    layout = Layout.of(real.sum(axis=1).astype(np.int64))
    cells = torch.from_numpy(rows * history.shape[1] + columns).to(history.device)
    slots = torch.from_numpy(layout.slots).to(history.device)
    items = torch.zeros(layout.size, dtype=torch.int64, device=history.device)
    items[slots] = history.flatten()[cells]
    ages = torch.from_numpy(layout.ages).to(history.device)
    last = torch.from_numpy(layout.last).to(history.device)
    return Packed(items, ages, layout.blocks, last), cells, slots


def time_major(batch: Packed) -> tuple[Tensor, list[int]]:
    """The slots of all first items, then of all second ones, ...; and how many there are of each.

    Rows are in order of falling length, so those that go on are always the first ones. The slots
    are int64 (S,), without those of padding.
    """
    starts = torch.cat([torch.arange(a, b, length) for a, b, _, length in batch.bounds])
    lengths = batch.ages.cpu()[starts] + 1  # (R,)
    goes_on = torch.arange(int(lengths.max())).unsqueeze(1) < lengths  # (L, R)
    time, row = goes_on.nonzero(as_tuple=True)
    return (starts[row] + time).to(batch.ages.device), goes_on.sum(1).tolist()
