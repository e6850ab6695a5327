"""Ids of users and items as they come in, to codes 0, 1, ... in the order of the sorted ids."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CANONICAL = re.compile(r"0|-?[1-9][0-9]*")
INT64 = range(-(2**63), 2**63)
# A lookup table of four bytes an id may have this many places for each interaction ...
PLACES_PER_ROW = 2
# ... or this many anyway.
PLACES_ANYWAY = 1 << 22


class IdColumn:
    """Collects the ids of one column, block by block: all as numbers, or all as texts."""

    def __init__(self) -> None:
        self._numbers: list[NDArray[Any]] = []
        self._codes: list[NDArray[np.int32]] = []
        self._known: dict[str, int] = {}

    def add_numbers(self, ids: NDArray[np.int64]) -> None:
        """Add int64 (rows,) ids, kept in 4 bytes each where they fit."""
        small = len(ids) == 0 or (ids.min() >= 0 and ids.max() < 2**31)
        self._numbers.append(ids.astype(np.int32 if small else np.int64))

    def add_texts(self, ids: Sequence[str]) -> None:
        known = self._known
        codes = (known.setdefault(text, len(known)) for text in ids)
        self._codes.append(np.fromiter(codes, np.int32, len(ids)))

    def finish(self) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Codes int32 (rows,) and the sorted ids, int64 or unicode: row r has id ids[codes[r]].

        Texts that are all whole numbers, spelled as one would, become int64.
        """
        if self._known:
            return self._finish_texts()
        rows = sum(map(len, self._numbers))
        if not rows:
            return np.empty(0, np.int32), np.empty(0, np.int64)
        low = min(int(ids.min()) for ids in self._numbers if len(ids))
        high = max(int(ids.max()) for ids in self._numbers if len(ids))
        if high - low < max(PLACES_PER_ROW * rows, PLACES_ANYWAY):
            return self._finish_dense(rows, low, high)
        return self._finish_sparse(rows)

    def _finish_dense(
        self, rows: int, low: int, high: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        def places(numbers: NDArray[Any]) -> NDArray[np.int64]:
            return numbers.astype(np.int64) - low  # in int32 it might overflow

        seen = np.zeros(high - low + 1, bool)
        for numbers in self._numbers:
            seen[places(numbers)] = True
        ids = np.flatnonzero(seen)
        table = np.empty(len(seen), np.int32)
        table[ids] = np.arange(len(ids), dtype=np.int32)
        return self._recode(rows, lambda numbers: table[places(numbers)]), ids + low

    def _finish_sparse(self, rows: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        ids = np.unique(np.concatenate([np.unique(numbers) for numbers in self._numbers]))
        ids = ids.astype(np.int64, copy=False)
        return self._recode(rows, lambda numbers: np.searchsorted(ids, numbers)), ids

    def _recode(self, rows: int, code: Any) -> NDArray[np.int32]:
        codes = np.empty(rows, np.int32)
        done = 0
        # Each block is let go as its codes are written, so that both are never there whole.
        self._numbers.reverse()
        while self._numbers:
            numbers = self._numbers.pop()
            codes[done : done + len(numbers)] = code(numbers)
            done += len(numbers)
        return codes

    def _finish_texts(self) -> tuple[NDArray[np.int32], NDArray[Any]]:
        texts = list(self._known)
        numeric = all(CANONICAL.fullmatch(text) and int(text) in INT64 for text in texts)
        ids: NDArray[Any] = (
            np.array([int(text) for text in texts], np.int64) if numeric else np.array(texts)
        )
        order = np.argsort(ids)
        table = np.empty(len(ids), np.int32)
        table[order] = np.arange(len(ids), dtype=np.int32)
        codes = np.concatenate(self._codes)
        return table[codes], ids[order]
