"""Work on the rows of a large log, piece by piece on all cores.

NumPy lets go of the interpreter inside most of its loops, so threads are enough. What is done to a
piece lies in the caches, and no temporary array is as large as the log.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.storage.memory import available_cores

PIECE_ROWS = 1 << 20

Result = TypeVar("Result")


def row_pieces(rows: int, size: int = 0) -> list[slice]:
    """Cut rows into pieces of `size`, PIECE_ROWS unless told; the last may be smaller."""
    size = size or PIECE_ROWS
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def on_cores(work: Callable[[slice], Result], pieces: list[slice]) -> Iterator[Result]:
    """What `work` gives for each piece, in their order; several are worked on at once."""
    if len(pieces) < 2:
        yield from map(work, pieces)
        return
    pool = ThreadPoolExecutor(min(available_cores(), len(pieces)))
    try:
        yield from pool.map(work, pieces)
    finally:
        pool.shutdown(cancel_futures=True)


def each_piece(work: Callable[[slice], object], rows: int, size: int = 0) -> None:
    """Do `work` on all pieces of so many rows, for what it leaves behind."""
    for _ in on_cores(work, row_pieces(rows, size)):
        pass


def sum_over(work: Callable[[slice], Any], rows: int) -> int:
    """The sum of what `work` counts in each piece of so many rows."""
    return int(sum(on_cores(work, row_pieces(rows))))


def converted(column: NDArray[Any], kind: type[np.generic]) -> NDArray[Any]:
    """The column in another type; itself where it has that type already."""
    if column.dtype == kind:
        return column
    out = np.empty(len(column), kind)

    def convert(piece: slice) -> None:
        out[piece] = column[piece]

    each_piece(convert, len(column))
    return out


def chosen(column: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """The rows of a mask, `column[mask]`."""
    pieces = row_pieces(len(mask))
    numbers = list(on_cores(lambda piece: np.count_nonzero(mask[piece]), pieces))
    ends = np.cumsum([0, *numbers])
    out = np.empty(ends[-1], column.dtype)

    def copy(piece: slice) -> None:
        n = piece.start // PIECE_ROWS
        out[ends[n] : ends[n + 1]] = column[piece][mask[piece]]

    each_piece(copy, len(mask))
    return out
