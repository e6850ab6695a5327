"""Ordering rows by user and time, without large temporary arrays.

A generic `lexsort` of 100 million rows takes minutes and several times the memory of the rows.
Here the keys and the position are packed into one int64, which NumPy sorts in place with vector
instructions; positions make the packed keys differ, so the order is stable.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.pieces import chosen, each_piece, on_cores, row_pieces, sum_over

BLOCK_ROWS = 1 << 22
GROUP_ROWS = 1 << 18  # about what lies in the caches while it is sorted
MOST_GROUPS = 256  # one byte says which: NumPy sorts bytes in a single pass
MOVED_ROWS = 1 << 16  # two bytes say where in so many
# Of more rows these bytes, beside a copy of the times, would be the most that a log takes.
REMEMBERED_ROWS = 1 << 27
# The users last, as the others are put in order by them.
COLUMNS = ("times", "items", "ratings", "parts", "users")


@dataclass(eq=False)
class Rows:
    """The columns of a log, each (rows,), while they are ordered.

    Attributes:
        users: int32 codes.
        items: int32 codes.
        times: int64, or None.
        ratings: float32, or None.
        parts: int8, the part of each row if the files are split already, or None.
        lists: whether rows are values of lists, which share the time of their list.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.int64] | None = None
    ratings: NDArray[np.float32] | None = None
    parts: NDArray[np.int8] | None = None
    lists: bool = False

    def __len__(self) -> int:
        return len(self.users)

    def take(self, mask: NDArray[np.bool_]) -> None:
        """Keep the rows of a mask; one column at a time."""
        for name in COLUMNS:
            if (column := getattr(self, name)) is not None:
                setattr(self, name, chosen(column, mask))

    def own(self) -> None:
        """Replace all columns but the users by copies, one column at a time."""
        for name in COLUMNS[:-1]:
            if (column := getattr(self, name)) is not None:
                setattr(self, name, column.copy())


def count_codes(codes: NDArray[np.int32], most: int) -> NDArray[np.int64]:
    """How often each code from 0 to most - 1 occurs, int64 (most,)."""
    counts = np.zeros(most, np.int64)
    # Block by block, because bincount converts codes to int64.
    blocks = row_pieces(len(codes), max(BLOCK_ROWS, most))
    for found in on_cores(lambda block: np.bincount(codes[block], minlength=most), blocks):
        counts += found
    return counts


def to_offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """From counts per user to the first row of each user, and the end of the last."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def stable_order(
    major: NDArray[np.integer], minor: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """The positions that sort by (major, minor, position); major is not negative."""
    rows = len(major)
    low, place_bits, minor_bits = 0, max(rows - 1, 0).bit_length(), 0
    if minor is not None and rows:
        low = int(minor.min())
        minor_bits = (int(minor.max()) - low).bit_length()
    major_bits = int(major.max(initial=0)).bit_length()
    bits = major_bits + minor_bits + place_bits
    if bits > 63:
        if minor is None:
            return np.argsort(major, kind="stable")
        if max(major_bits, minor_bits) + place_bits > 63:
            return np.lexsort((minor, major))
        # Two sorts of packed keys take a tenth of the time of one of pairs.
        first = stable_order(minor.astype(np.int64) - low)
        return first[stable_order(major[first])]
    # Keys of 32 bits sort in half the time.
    keys: NDArray[Any] = major.astype(np.uint32 if bits <= 32 else np.int64)
    for start in range(0, rows, BLOCK_ROWS):
        part = keys[start : start + BLOCK_ROWS]
        if minor is not None:
            part <<= minor_bits
            # Where the packed keys fit, so does this difference.
            part |= (minor[start : start + BLOCK_ROWS].astype(np.int64) - low).astype(keys.dtype)
        part <<= place_bits
        part |= np.arange(start, start + len(part), dtype=keys.dtype)
    keys.sort()
    keys &= (1 << place_bits) - 1
    return keys.astype(np.int64, copy=False)


def order_rows(rows: Rows) -> int:
    """Sort rows by user, and where there are times by (user, time); equal ones keep their order.

    Rows of neighbouring users are brought together first, and then sorted in the caches, on all
    cores. It takes one more copy of one column at a time.

    Returns how many of a user's rows were earlier than the row before.
    """
    users = rows.users
    apart = sum_over(lambda piece: decreases(users, piece), len(users)) > 0
    if apart:
        parts = bring_together(rows)
    elif rows.times is None or not any(backwards(rows, part) for part in user_blocks(users)):
        return 0
    else:
        rows.own()  # the columns may still belong to the caller
        parts = list(user_blocks(users))
    return sum(on_cores(lambda part: order_part(rows, part, apart), parts))


def bring_together(rows: Rows) -> list[slice]:
    """Move the rows of neighbouring users together, in the order they had; returns where each such
    group is."""
    counts = count_codes(rows.users, int(rows.users.max()) + 1)
    number = min(MOST_GROUPS, -(-len(rows) // GROUP_ROWS))
    before = np.cumsum(counts) - counts
    groups = group_rows(rows, (before * number // len(rows)).astype(np.uint8), number)
    return [group for group in groups if group.start < group.stop]


def group_rows(rows: Rows, group_of_user: NDArray[Any], number: int) -> list[slice]:
    """Move the rows of each of so many groups of users together, in the order they had; returns
    where each group is."""
    pieces = row_pieces(len(rows), MOVED_ROWS)
    orders = np.empty(len(rows), np.uint16) if len(rows) <= REMEMBERED_ROWS else None
    sizes = np.empty((len(pieces), number), np.int64)

    def groups_of(piece: slice) -> NDArray[Any]:
        return group_of_user.take(rows.users[piece])

    def look(piece: slice) -> None:
        groups = groups_of(piece)
        sizes[piece.start // MOVED_ROWS] = np.bincount(groups, minlength=number)
        if orders is not None:
            orders[piece] = np.argsort(groups, kind="stable")

    each_piece(look, len(rows), MOVED_ROWS)
    ends = np.cumsum(sizes.sum(0))
    # How far the rows of each group of each piece move from where they are in its order.
    shifts = np.cumsum(sizes, 0) - sizes + (ends - sizes.sum(0))
    shifts -= np.cumsum(sizes, 1) - sizes

    def move(piece: slice, column: NDArray[Any], moved: NDArray[Any]) -> None:
        n = piece.start // MOVED_ROWS
        places = np.arange(piece.stop - piece.start)
        places += np.repeat(shifts[n], sizes[n])
        order = orders[piece] if orders is not None else groups_of(piece).argsort(kind="stable")
        moved[places] = column[piece].take(order)

    for name in COLUMNS:
        if (column := getattr(rows, name)) is not None:
            moved = np.empty_like(column)
            each_piece(partial(move, column=column, moved=moved), len(rows), MOVED_ROWS)
            setattr(rows, name, moved)
            del column, moved
    return [slice(a, b) for a, b in pairwise([0, *ends.tolist()])]


def order_part(rows: Rows, part: slice, apart: bool) -> int:
    """Sort some rows, all of their users, where they lie; counts as `order_rows`."""
    users = rows.users[part] - rows.users[part].min()
    order = stable_order(users) if apart else np.arange(len(users))
    users, count = users.take(order), 0
    if rows.times is not None:
        times = rows.times[part].take(order)
        count = back_in_time(users, times)
        if count:
            mixed = rows_of_mixed_users(users, times)
            order[mixed] = order[mixed][stable_order(users[mixed], times[mixed])]
    for name in COLUMNS if apart else COLUMNS[:-1]:
        if (column := getattr(rows, name)) is not None:
            column[part] = column[part].take(order)
    return count


def rows_of_mixed_users(users: NDArray[np.int32], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows, grouped by user, of users of whom one is earlier than the row before; those of
    most users of most logs are in order already."""
    mixed = np.zeros(int(users[-1]) + 1, bool)
    mixed[users[1:][(users[1:] == users[:-1]) & (times[1:] < times[:-1])]] = True
    return np.flatnonzero(mixed.take(users))


def decreases(users: NDArray[np.int32], piece: slice) -> int:
    """How many users of a piece, or the first after it, are less than the one before."""
    own = users[piece.start : piece.stop + 1]
    return int(np.count_nonzero(own[1:] < own[:-1]))


def backwards(rows: Rows, part: slice) -> bool:
    assert rows.times is not None
    return back_in_time(rows.users[part], rows.times[part]) > 0


def back_in_time(users: NDArray[np.int32], times: NDArray[np.int64]) -> int:
    """How many rows are earlier than the one before, of the same user."""
    return int(np.count_nonzero((users[1:] == users[:-1]) & (times[1:] < times[:-1])))


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


def ties(users: NDArray[np.int32], times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask of rows, in order, with the user and time of the row before; bool (rows,)."""
    tied = np.zeros(len(users), bool)
    tied[1:] = times[1:] == times[:-1]
    tied[1:] &= users[1:] == users[:-1]
    return tied


def exact_duplicates(rows: Rows) -> NDArray[np.bool_]:
    """Mask of exact duplicates: rows, in order, with the user, item and time of an earlier row.

    Values of lists have no time of their own, so that an equal one may have come again.
    """
    assert rows.times is not None
    repeated = np.zeros(len(rows), bool)
    if rows.lists:
        return repeated
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
