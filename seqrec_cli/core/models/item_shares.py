"""How popular items are, as shares that no item has none of; and how popular they were lately."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.sequences import Sequences


def smoothed_shares(items: NDArray[np.int32], num_items: int) -> Tensor:
    """The share of each id 0 to N among `items`, each counted once more, float32 (N + 1,).

    That of padding is 0.
    """
    counts = np.bincount(items, minlength=num_items + 1)
    counts[1:] += 1
    return torch.from_numpy(counts / counts.sum()).to(torch.float32)


@dataclass(frozen=True, eq=False)
class RecentShares:
    """What everybody chose lately.

    Attributes:
        times: int64 (E,), when each interaction was, in seconds, ascending.
        items: int32 (E,), of what.
        window: how many seconds before a moment are lately.
    """

    times: NDArray[np.int64]
    items: NDArray[np.int32]
    window: int

    @classmethod
    def of(cls, times: NDArray[np.int64], items: NDArray[np.int32], window: int) -> "RecentShares":
        """Of interactions in any order."""
        order = np.argsort(times, kind="stable")
        return cls(times[order], items[order], window)

    @classmethod
    def checked(
        cls, times: NDArray[np.int64], items: NDArray[np.int32], window: int, num_items: int
    ) -> "RecentShares":
        """As they were stored.

        Raises:
            ValueError: they are not times in order and items up to `num_items`.
        """
        if times.dtype != np.int64 or items.dtype != np.int32 or times.shape != items.shape:
            raise ValueError("its times are not those of its items")
        if times.ndim != 1 or (np.diff(times) < 0).any():
            raise ValueError("its times are not in order")
        if len(items) and not (items.min() >= 1 and items.max() <= num_items):
            raise ValueError(f"it has items outside 1 to {num_items}")
        return cls(times, items, window)

    def at_moments(self, histories: Sequences) -> Sequences:
        """Histories of 1 or more items with the moment of each query: where they have none, right
        after all that is known here and of each."""
        if histories.moments is not None:
            return histories
        moments = np.full(len(histories), self.times[-1:].max(initial=0), np.int64)
        if histories.times is not None:
            moments = np.maximum(moments, histories.times[histories.offsets[1:] - 1])
        return replace(histories, moments=moments + 1)

    def counts_before(self, moments: NDArray[np.int64], num_items: int) -> Tensor:
        """How often each id 0 to N is among the interactions of the window before each moment (B,),
        float32 (B, N + 1)."""
        starts = np.searchsorted(self.times, moments - self.window)
        stops = np.searchsorted(self.times, moments)  # what happens at that moment is not known
        counts = np.zeros((len(moments), num_items + 1), np.float32)
        for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            counts[row] = np.bincount(self.items[start:stop], minlength=num_items + 1)
        return torch.from_numpy(counts)
