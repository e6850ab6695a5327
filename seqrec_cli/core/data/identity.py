"""Ids of one file among those of another; and marks of ids, 64 bits each, to say later whether an
id was in a log that is not kept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PRIME = np.uint64(0x100000001B3)  # of the hash FNV-1a, here over characters
BASIS = np.uint64(0xCBF29CE484222325)


def positions(ids: NDArray[Any], known: NDArray[Any]) -> NDArray[np.int64]:
    """Where each id (I,) is in `known`, int64 (I,); -1 if it is not there."""
    place = {str(key): row for row, key in enumerate(known.tolist())}
    return np.array([place.get(str(key), -1) for key in ids.tolist()], np.int64)


def marks_of(ids: NDArray[Any]) -> NDArray[np.int64]:
    """The sorted marks of ids, int64 or unicode (R,): numbers are their own, texts are hashed.

    Two of a million texts have the same mark with a probability of 3e-8.
    """
    if ids.dtype.kind != "U":
        return np.sort(ids.astype(np.int64))
    width = ids.dtype.itemsize // 4
    characters = np.ascontiguousarray(ids).view(np.uint32).reshape(len(ids), width)
    marks = np.full(len(ids), BASIS, np.uint64)
    for column in characters.T:
        mixed = (marks ^ column.astype(np.uint64)) * PRIME
        mixed ^= mixed >> np.uint64(29)
        # Padding behind a text does not count: the mark is the same in an array of any width.
        marks = np.where(column > 0, mixed, marks)
    return np.sort(marks.view(np.int64))


def is_marked(text: str, marks: NDArray[np.int64], numbers: bool) -> bool:
    """Whether the mark of an id, as typed, is among sorted `marks`; of `numbers`, or of texts."""
    if numbers:
        if not text.removeprefix("-").isdecimal() or len(text) > 18:
            return False
        mark = np.int64(int(text))
    else:
        mark = marks_of(np.array([text], dtype=np.str_))[0]
    at = int(np.searchsorted(marks, mark))
    return at < len(marks) and bool(marks[at] == mark)
