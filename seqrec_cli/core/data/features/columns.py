"""A column of texts that stores each distinct text once, so that each is processed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TextColumn:
    """The cells of a column.

    Attributes:
        texts: the distinct cells, in the order of their first appearance.
        rows: int64 (R,), the index in `texts` of each cell.
    """

    texts: list[str]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, cells: Sequence[str]) -> "TextColumn":
        """The column with these cells."""
        first: dict[str, int] = {}
        # `setdefault` returns the first row of a text, without a Python loop over cells.
        places = np.fromiter(map(first.setdefault, cells, count()), np.int64, len(cells))
        _, rows = np.unique(places, return_inverse=True)
        return cls(list(first), rows.astype(np.int64))

    def take(self, rows: NDArray[Any]) -> "TextColumn":
        """Some of the cells."""
        used, places = np.unique(self.rows[rows], return_inverse=True)
        return TextColumn([self.texts[text] for text in used.tolist()], places.astype(np.int64))

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of cells with each text, int64 (texts,)."""
        return np.bincount(self.rows, minlength=len(self.texts))


def to_texts(values: Sequence[str]) -> NDArray[np.str_]:
    """Texts as a unicode array, also without any."""
    return np.array(list(values), dtype=np.str_) if len(values) else np.empty(0, "<U1")
