"""The newest positions of packed histories: all that a list is made of.

A model that answers reads one state of each history, that of its newest item. So its last layer
computes those positions alone; the layers before it compute all, which the last one looks at.

Shapes: B histories in the order of the blocks' rows, K newest positions, T slots, L positions of a
block of R rows, D hidden size, H heads.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from seqrec_cli.core.batching.packing import Packed


@dataclass(frozen=True, eq=False)
class Newest:
    """The K newest positions of each history, the newest first.

    Attributes:
        batch: where they are.
        places: int64 (B, K), how many items come before; of a history with fewer, its oldest again.
        slots: int64 (B, K), where they are.
        real: bool (B, K), false for an oldest item that is there again.
        rows: int64 (B,), the row of each history in the order of the batch.
    """

    batch: Packed
    places: Tensor
    slots: Tensor
    real: Tensor
    rows: Tensor

    @classmethod
    def of(cls, batch: Packed, count: int) -> Self:
        """The `count` newest positions of each history of a batch."""
        starts = [np.arange(start, end, length) for start, end, _, length in batch.bounds]
        first = torch.from_numpy(np.concatenate(starts)).to(batch.items.device)  # slots
        rows = torch.searchsorted(first, batch.last, right=True) - 1
        before = batch.ages[first].unsqueeze(1)  # how many come after the oldest
        back = torch.arange(count, device=first.device)
        places = (before - back).clamp(min=0)
        return cls(batch, places, first.unsqueeze(1) + places, back <= before, rows)

    def attend(self, queries: Tensor, source: Tensor) -> Tensor:
        """Mix `source` (T, D) by the softmax of its products with queries (B, K, H, D), to
        (B, K, H, D); each position sees itself and what is older."""
        mixed, row = [], 0
        for (block,) in self.batch.views(source):  # (R, L, D)
            count, length, _ = block.shape
            own = slice(row, row + count)
            later = torch.arange(length, device=source.device) > self.places[own].unsqueeze(2)
            asked = queries[own]
            scores = torch.bmm(asked.flatten(1, 2), block.mT).view(*asked.shape[:3], length)
            weights = scores.masked_fill_(later.unsqueeze(2), -torch.inf).softmax(-1)
            mixed.append(torch.bmm(weights.flatten(1, 2), block).view(asked.shape))
            row += count
        return torch.cat(mixed)

    def convolve(self, x: Tensor, weights: Tensor | None) -> Tensor:
        """What kernels/convolution.py makes of x (B, K, D) at the newest position, (B, D).

        weights (K - 1, D); None: nothing is mixed.
        """
        if weights is None:
            return x[:, 0]
        earlier = x[:, 1:] * self.real[:, 1:].unsqueeze(2)
        return x[:, 0] + (earlier * weights).sum(1)

    def in_order(self, states: Tensor) -> Tensor:
        """States (B, D) in the order of the batch's histories."""
        return states[self.rows]
