"""Ids of users and items as they come in, to codes 0, 1, ... in the order of the sorted ids."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading.columns import GrowingColumn

CANONICAL = re.compile(r"0|-?[1-9][0-9]*")
INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)
# A lookup table may have this many places for each interaction ...
PLACES_PER_ROW = 2
# ... or this many anyway.
PLACES_ANYWAY = 1 << 22
BLOCK_ROWS = 1 << 20
# What an array of texts may take anyway, and else how much more than the texts alone.
PADDED_ANYWAY = 64 << 20
MOST_PADDING = 16


class IdColumn:
    """Collects the ids of one column, block by block: all as numbers, or all as texts."""

    def __init__(self) -> None:
        self._column = GrowingColumn(np.int32)  # of the numbers, or of codes of the texts
        self._known: dict[str, int] = {}

    def add_numbers(self, ids: NDArray[np.int64]) -> None:
        """Add int64 (rows,) ids, kept in 4 bytes each as long as all fit."""
        fit = len(ids) == 0 or (int(ids.min()) in INT32 and int(ids.max()) in INT32)
        self._column.append(ids.astype(np.int32) if fit else ids)

    def add_texts(self, ids: Sequence[str]) -> None:
        known = self._known
        codes = (known.setdefault(text, len(known)) for text in ids)
        self._column.append(np.fromiter(codes, np.int32, len(ids)))

    def finish(self) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Codes int32 (rows,) and the sorted ids, int64 or unicode: row r has id ids[codes[r]].

        Texts that are all whole numbers, spelled as one would, become int64.

        Raises:
            ValueError: a few long texts would take the memory of many.
        """
        column = self._column.finish()
        if self._known:
            return self._finish_texts(column)
        if not len(column):
            return column.astype(np.int32), np.empty(0, np.int64)
        low, high = int(column.min()), int(column.max())
        if high - low < max(PLACES_PER_ROW * len(column), PLACES_ANYWAY):
            return finish_dense(column, low, high)
        ids = np.unique(np.concatenate([np.unique(column[rows]) for rows in blocks(column)]))
        return recoded(column, lambda numbers: np.searchsorted(ids, numbers)), ids.astype(np.int64)

    def _finish_texts(self, column: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[Any]]:
        texts = list(self._known)
        check_width(texts)
        numeric = all(CANONICAL.fullmatch(text) and int(text) in INT64 for text in texts)
        ids: NDArray[Any] = (
            np.array([int(text) for text in texts], np.int64) if numeric else np.array(texts)
        )
        order = np.argsort(ids)
        table = np.empty(len(ids), np.int32)
        table[order] = np.arange(len(ids), dtype=np.int32)
        return recoded(column, lambda codes: table[codes]), ids[order]


def check_width(texts: Sequence[str]) -> None:
    """Refuse texts whose array would be mostly padding: each takes as much as the longest."""
    longest = max(map(len, texts), default=0)
    needed = 4 * longest * len(texts)
    if needed > PADDED_ANYWAY and needed > MOST_PADDING * 4 * sum(map(len, texts)):
        raise ValueError(
            f"the ids would take {needed:,} bytes, as the longest has {longest} letters and there "
            f"are {len(texts):,}"
        )


def finish_dense(
    column: NDArray[Any], low: int, high: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Codes and ids by a table with a place for each number from low to high."""

    def places(numbers: NDArray[Any]) -> NDArray[np.int64]:
        return numbers.astype(np.int64) - low  # in int32 it might overflow

    seen = np.zeros(high - low + 1, bool)
    for rows in blocks(column):
        seen[places(column[rows])] = True
    ids = np.flatnonzero(seen)
    table = np.empty(len(seen), np.int32)
    table[ids] = np.arange(len(ids), dtype=np.int32)
    return recoded(column, lambda numbers: table[places(numbers)]), ids + low


def recoded(
    column: NDArray[Any], code: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[np.int32]:
    """Each number's code, int32 (rows,); in place where the numbers are int32."""
    codes: NDArray[np.int32] = (
        column if column.dtype == np.int32 else np.empty(len(column), np.int32)
    )
    for rows in blocks(column):
        codes[rows] = code(column[rows])
    return codes


def blocks(column: NDArray[Any]) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, len(column), BLOCK_ROWS))
