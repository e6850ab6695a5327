"""Ordering rows by user and time, without large temporary arrays.

A generic `lexsort` of 100 million rows takes minutes and several times the memory of the rows.
Here the keys and the position are packed into one int64, which NumPy sorts in place with vector
instructions; positions make the packed keys differ, so the order is stable.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 1 << 22


@dataclass(eq=False)
class Rows:
    """The columns of a log, each (rows,), while they are ordered.

    Attributes:
        users: int32 codes.
        items: int32 codes.
        times: int64, or None.
        ratings: float32, or None.
        parts: int8, the part of each row if the files are split already, or None.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.int64] | None = None
    ratings: NDArray[np.float32] | None = None
    parts: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.users)

    def take(self, index: NDArray[np.bool_] | NDArray[np.integer]) -> None:
        """Keep the rows of a mask, or in the order of an index; one column at a time."""
        self.users = self.users[index]
        self.take_others(index)

    def take_others(self, index: NDArray[np.bool_] | NDArray[np.integer]) -> None:
        """Likewise of all columns but the users."""
        self.items = self.items[index]
        if self.times is not None:
            self.times = self.times[index]
        if self.ratings is not None:
            self.ratings = self.ratings[index]
        if self.parts is not None:
            self.parts = self.parts[index]

    def copy(self) -> None:
        """Replace the columns by writable copies, one column at a time."""
        self.items = self.items.copy()
        self.times = None if self.times is None else self.times.copy()
        self.ratings = None if self.ratings is None else self.ratings.copy()
        self.parts = None if self.parts is None else self.parts.copy()


def count_codes(codes: NDArray[np.int32], most: int) -> NDArray[np.int64]:
    """How often each code from 0 to most - 1 occurs, int64 (most,)."""
    counts = np.zeros(most, np.int64)
    # Block by block, because bincount converts codes to int64.
    for start in range(0, len(codes), BLOCK_ROWS):
        counts += np.bincount(codes[start : start + BLOCK_ROWS], minlength=most)
    return counts


def to_offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """From counts per user to the first row of each user, and the end of the last."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def stable_order(
    major: NDArray[np.integer], minor: NDArray[np.integer] | None = None
) -> NDArray[np.integer]:
    """The positions that sort by (major, minor, position); major is not negative."""
    rows = len(major)
    low, place_bits, minor_bits = 0, max(rows - 1, 0).bit_length(), 0
    if minor is not None and rows:
        low = int(minor.min())
        minor_bits = (int(minor.max()) - low).bit_length()
    major_bits = int(major.max(initial=0)).bit_length()
    if major_bits + minor_bits + place_bits > 63:
        if minor is None:
            return np.argsort(major, kind="stable")
        if max(major_bits, minor_bits) + place_bits > 63:
            return np.lexsort((minor, major))
        # Two sorts of packed keys take a tenth of the time of one of pairs.
        first = stable_order(minor.astype(np.int64) - low)
        order: NDArray[np.integer] = first[stable_order(major[first])]
        return order
    keys = major.astype(np.int64)
    for start in range(0, rows, BLOCK_ROWS):
        part = keys[start : start + BLOCK_ROWS]
        if minor is not None:
            part <<= minor_bits
            # Where the packed keys fit 63 bits, so does this difference.
            part |= minor[start : start + BLOCK_ROWS].astype(np.int64) - low
        part <<= place_bits
        part |= np.arange(start, start + len(part))
    keys.sort()
    keys &= (1 << place_bits) - 1
    if rows >= 2**31:
        return keys
    # In place, as the first half of the same memory; a block never reaches what is not read yet.
    halves = keys.view(np.int32)
    for start in range(0, rows, BLOCK_ROWS):
        end = min(start + BLOCK_ROWS, rows)
        halves[start:end] = keys[start:end].copy()
    del halves
    keys.resize((rows + 1) // 2, refcheck=False)
    return keys.view(np.int32)[:rows]


def group_by_user(rows: Rows) -> None:
    """Sort rows by user, keeping the order within a user."""
    users = rows.users
    if (users[1:] < users[:-1]).any():
        order = stable_order(users)
        counts = count_codes(users, int(users.max()) + 1)
        # The sorted users follow from their counts: meanwhile they need not lie around.
        del users
        rows.users = np.empty(0, np.int32)
        rows.take_others(order)
        rows.users = np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def user_blocks(users: NDArray[np.int32]) -> Iterator[slice]:
    """Cut rows grouped by user into blocks of about BLOCK_ROWS, never within a user."""
    start = 0
    while start < len(users):
        end = len(users)
        if end - start > BLOCK_ROWS:
            end = int(np.searchsorted(users, users[start + BLOCK_ROWS], side="left"))
            if end == start:  # a single user with more rows
                end = int(np.searchsorted(users, users[start], side="right"))
        yield slice(start, end)
        start = end


def order_by_time(rows: Rows) -> int:
    """Sort each user's rows by (time, position); returns how many were out of order."""
    assert rows.times is not None
    backwards = 0
    for block in user_blocks(rows.users):
        users, times = rows.users[block], rows.times[block]
        count = int(np.count_nonzero((users[1:] == users[:-1]) & (times[1:] < times[:-1])))
        if not count:
            continue
        if not backwards:
            rows.copy()  # the columns may still belong to the caller
        backwards += count
        order = stable_order(users - users[0], times)
        for column in (rows.items, rows.times, rows.ratings, rows.parts):  # users are sorted
            if column is not None:
                column[block] = column[block][order]
    return backwards


def ties(users: NDArray[np.int32], times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask of rows, in order, with the user and time of the row before; bool (rows,)."""
    tied = np.zeros(len(users), bool)
    tied[1:] = times[1:] == times[:-1]
    tied[1:] &= users[1:] == users[:-1]
    return tied


def exact_duplicates(rows: Rows) -> NDArray[np.bool_]:
    """Mask of exact duplicates: rows, in order, with the user, item and time of an earlier row."""
    assert rows.times is not None
    repeated = np.zeros(len(rows), bool)
    for block in user_blocks(rows.users):
        tied = ties(rows.users[block], rows.times[block])
        involved = tied.copy()
        involved[:-1] |= tied[1:]
        places = np.flatnonzero(involved)
        if not len(places):
            continue
        instants = np.cumsum(~tied[places], dtype=np.int64)
        items = rows.items[block][places]
        order = stable_order(instants, items)
        items, instants = items[order], instants[order]
        same = (items[1:] == items[:-1]) & (instants[1:] == instants[:-1])
        repeated[block.start + places[order[1:][same]]] = True
    return repeated
