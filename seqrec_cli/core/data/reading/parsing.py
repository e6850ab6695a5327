"""Numbers out of text by the million: a block of clean lines becomes columns without a loop.

Whatever is not clean (a quote, a sign, a blank line, a missing field, a word) raises `NotPlain`,
and the careful reader of `tables.py` looks at it: it reads anything and names the faulty line.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ZERO, DOT, NEWLINE = ord("0"), ord("."), ord("\n")
MOST_DIGITS = 18  # any number of 18 digits fits int64


class NotPlain(Exception):
    """The block is not clean lines of plain numbers."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Where the cells of a block lie.

    Attributes:
        text: uint8 (bytes,).
        ends: int64 (rows, columns), the position just after each cell.
    """

    text: NDArray[np.uint8]
    ends: NDArray[np.int64]

    def bounds(self, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Start and end of each cell of a column, int64 (rows,); none is empty."""
        ends = self.ends[:, column]
        if column:
            starts = self.ends[:, column - 1] + 1
        else:
            starts = np.concatenate(([0], self.ends[:-1, -1] + 1))
        if (starts == ends).any():
            raise NotPlain
        return starts, ends


def cut(block: bytes, delimiter: str, width: int) -> Cells:
    r"""Cut lines that end in `\n` at a delimiter, each into `width` cells."""
    if delimiter == "::":
        if b"\t" in block:
            raise NotPlain
        block, delimiter = block.replace(b"::", b"\t"), "\t"
    text = np.frombuffer(block, np.uint8)
    is_end = text == NEWLINE
    is_end |= text == ord(delimiter)
    places = np.flatnonzero(is_end)
    if len(places) % width:
        raise NotPlain
    ends = places.reshape(-1, width)
    # As many cells as newlines times width, and each line's last cell ends in a newline:
    # then no other cell can.
    if np.count_nonzero(text == NEWLINE) != len(ends) or (text[ends[:, -1]] != NEWLINE).any():
        raise NotPlain
    return Cells(text, ends)


def integers(cells: Cells, column: int) -> NDArray[np.int64]:
    """Read a column of whole numbers without sign or leading zero, int64 (rows,)."""
    starts, ends = cells.bounds(column)
    lengths = ends - starts
    shortest, longest = int(lengths.min()), int(lengths.max())
    if longest > MOST_DIGITS:
        raise NotPlain
    if ((cells.text[starts] == ZERO) & (lengths > 1)).any():
        raise NotPlain
    # Half the memory traffic where nine digits are enough.
    kind = np.int32 if longest <= 9 else np.int64
    values: NDArray[Any] = np.zeros(len(ends), kind)
    for place in range(longest):
        digits = cells.text.take(ends - (1 + place), mode="clip") - np.uint8(ZERO)
        if place >= shortest:
            digits[lengths <= place] = 0
        if digits.max() > 9:
            raise NotPlain
        values += digits * kind(10**place)
    return values.astype(np.int64, copy=False)


def decimals(cells: Cells, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read a column of numbers that may have a decimal point: (m, s) stands for m / 10**s."""
    starts, ends = cells.bounds(column)
    lengths = ends - starts
    longest = int(lengths.max())
    if longest > MOST_DIGITS:
        raise NotPlain
    values = np.zeros(len(ends), np.int64)
    scales = np.zeros(len(ends), np.int64)
    dots = np.zeros(len(ends), bool)
    for place in range(longest):
        letters = cells.text.take(starts + place, mode="clip")
        there = lengths > place
        is_dot = (letters == DOT) & there
        if (is_dot & dots).any():
            raise NotPlain
        is_digit = ~is_dot & there
        digits = letters - np.uint8(ZERO)
        if (digits[is_digit] > 9).any():
            raise NotPlain
        values = np.where(is_digit, values * 10 + digits, values)
        scales += dots & is_digit
        dots |= is_dot
    # "." alone, "5." and ".5" are left to the careful reader.
    if (cells.text[starts] == DOT).any() or (cells.text[ends - 1] == DOT).any():
        raise NotPlain
    return values, scales
