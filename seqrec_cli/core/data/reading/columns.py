"""Columns that grow while a log is read, without ever being there twice."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

FEWEST = 1 << 16  # rows of room at first


class GrowingColumn:
    """An array that takes blocks in at its end.

    A list of blocks would have to be joined, which takes twice the memory for a moment. This one
    is enlarged in place, which the system does for large arrays without copying.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._room: NDArray[Any] = np.empty(FEWEST, dtype)
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    @property
    def values(self) -> NDArray[Any]:
        """What was taken in; a view, not to be held while the column grows."""
        return self._room[: self._rows]

    def append(self, block: NDArray[Any]) -> None:
        """Take a block in, widening the column if its numbers do not fit."""
        if not np.can_cast(block.dtype, self._room.dtype, "safe"):
            self._room = self._room.astype(block.dtype)
        end = self._rows + len(block)
        if end > len(self._room):
            # Nobody else refers to it: `values` is asked for when the column is complete.
            self._room.resize(max(end, len(self._room) * 9 // 8 + FEWEST), refcheck=False)
        self._room[self._rows : end] = block
        self._rows = end

    def finish(self) -> NDArray[Any]:
        """The column, with no room left; it takes nothing in any more."""
        self._room.resize(self._rows, refcheck=False)
        return self._room
