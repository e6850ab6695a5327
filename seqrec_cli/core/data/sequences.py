"""Sequences of items, one for each user, packed into two arrays."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.lazy import Interleaved, Shifted, as_array, is_lazy
from seqrec_cli.core.data.ordering import count_codes
from seqrec_cli.core.data.pieces import on_cores

PAD = 0
Value = TypeVar("Value", bound=np.generic)
REPEATS_BLOCK = 1 << 15  # interactions that are searched for repeats at a time, in the caches
TAKEN_AT_ONCE = 1 << 24  # interactions; more of a dataset of shards stay where they are


Part = Literal["train", "valid", "test"]


PARTS: tuple[Part, ...] = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Sequences:
    """The items of each user, in order: those of user u are `items[offsets[u]:offsets[u + 1]]`.

    Attributes:
        offsets: int64 (users + 1,), from 0 to the number of items, never decreasing.
        items: int32 (interactions,), each 1 or more; of a dataset of shards a lazy array.
        features: of each user, if the dataset has any.
        owners: int64 (users,), the rows of these users in a dataset, if they are of one.
        barred: the items that may not be recommended to each user where seen items are excluded;
            None: all of the history.
        times: of each interaction, int64 (interactions,), in seconds, for models that read them.
        moments: when each user is asked about, int64 (users,), likewise; None: after all that the
            model knows of.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    features: EncodedFeatures | None = None
    owners: NDArray[np.int64] | None = None
    barred: "Sequences | None" = None
    times: NDArray[np.int64] | None = None
    moments: NDArray[np.int64] | None = None

    @classmethod
    def from_lists(cls, histories: Collection[Collection[int]]) -> "Sequences":
        """Pack one list of items for each user."""
        lengths = [len(history) for history in histories]
        return cls(
            np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64),
            np.array([item for history in histories for item in history], dtype=np.int32),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, user: int) -> NDArray[np.int32]:
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self[user] for user in range(len(self)))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The number of items of each user, int64 (users,)."""
        return np.diff(self.offsets)

    @cached_property
    def users(self) -> NDArray[np.int64]:
        """The user of each interaction, int64 (interactions,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def take(self, users: NDArray[np.int64]) -> "Sequences":
        """The sequences of some users, in the order given."""
        stays = not is_lazy(self.items) or len(self.items) > TAKEN_AT_ONCE
        if stays and len(users) == len(self) and np.array_equal(users, np.arange(len(self))):
            return self  # of a large log a copy takes seconds
        lengths = self.lengths[users]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        # Item k of the result is item k - (user's start in the result) + (user's start here).
        shifts = self.offsets[users] - offsets[:-1]
        features = None if self.features is None else self.features.take(users)
        owners = None if self.owners is None else self.owners[users]
        barred = None if self.barred is None else self.barred.take(users)
        times = self.times
        if is_lazy(self.items) and offsets[-1] > TAKEN_AT_ONCE:
            items = as_array(Shifted(self.items, offsets, shifts))
            times = None if times is None else as_array(Shifted(times, offsets, shifts))
        else:
            places = np.arange(offsets[-1]) + np.repeat(shifts, lengths)
            items = self.items[places]
            times = None if times is None else times[places]
        moments = None if self.moments is None else self.moments[users]
        return Sequences(offsets, items, features, owners, barred, times, moments)

    @property
    def bytes_on_disk(self) -> int:
        """The bytes that `loaded` reads into memory."""
        return sum(a.nbytes for a in (self.items, self.times) if a is not None and is_lazy(a))

    def loaded(self) -> "Sequences":
        """The same, in memory as a whole."""
        times = None if self.times is None else np.asarray(self.times)
        return replace(self, items=np.asarray(self.items), times=times)

    def between(self, start: int, stop: int) -> "Sequences":
        """The items and times of users `start` to `stop`, without a copy."""
        offsets = self.offsets[start : stop + 1]
        own = slice(offsets[0], offsets[-1])
        times = None if self.times is None else self.times[own]
        return Sequences(offsets - offsets[0], self.items[own], times=times)

    @property
    def excluded(self) -> "Sequences":
        """The items that are left out for each user where seen items are excluded."""
        return self if self.barred is None else self.barred

    def only(self, user: int) -> "Sequences":
        """The sequence of one user."""
        return self.take(np.array([user], np.int64))

    def distinct(self) -> "Sequences":
        """The distinct items of each user, in the order of their first occurrence."""
        if self.lengths.max(initial=0) <= 1:
            return Sequences(self.offsets, self.items)
        order = np.lexsort((np.arange(len(self.items)), self.items, self.users))
        items, users = self.items[order], self.users[order]
        again = np.zeros(len(order), np.bool_)
        again[order[1:]] = (items[1:] == items[:-1]) & (users[1:] == users[:-1])
        lengths = np.bincount(self.users[~again], minlength=len(self))
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        return Sequences(offsets, self.items[~again])

    def cut(self, counts: NDArray[np.int64]) -> tuple["Sequences", "Sequences"]:
        """Each user's first items, as many as `counts` (users,) says, and the rest."""
        place = np.arange(len(self.items)) - np.repeat(self.offsets[:-1], self.lengths)
        first = place < np.repeat(counts, self.lengths)
        heads = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
        return self.part(heads, first), self.part(self.offsets - heads, ~first)

    def part(self, offsets: NDArray[np.int64], kept: NDArray[np.bool_]) -> "Sequences":
        """The interactions that are `kept`, with the offsets that they then have."""
        times = None if self.times is None else self.times[kept]
        return Sequences(offsets, self.items[kept], self.features, self.owners, times=times)

    def where(self, kept: NDArray[np.bool_]) -> "Sequences":
        """The same users and moments, with the interactions that are `kept` alone."""
        lengths = np.bincount(self.users[kept], minlength=len(self))
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        return replace(self.part(offsets, kept), moments=self.moments)

    def item_counts(self, num_items: int) -> NDArray[np.int64]:
        """How often each id from 0 to N occurs, int64 (N + 1,)."""
        return count_codes(self.items, num_items + 1)

    def count_repeats(self) -> int:
        """The number of interactions with an item that the user already has."""
        stride = int(self.items.max(initial=0)) + 1

        def repeats(block: slice) -> int:
            number = block.stop - block.start
            # Keys of 32 bits sort in half the time.
            kind = np.uint32 if number * stride < 1 << 32 else np.int64
            keys: NDArray[Any] = np.repeat(np.arange(number, dtype=kind), self.lengths[block])
            keys *= kind(stride)
            items = self.items[self.offsets[block.start] : self.offsets[block.stop]]
            keys += items.astype(kind, copy=False)
            keys.sort()
            return int(np.count_nonzero(keys[1:] == keys[:-1]))

        return sum(on_cores(repeats, list(self.blocks_of_users(REPEATS_BLOCK))))

    def blocks_of_users(self, most: int) -> Iterator[slice]:
        """Blocks of users with at most so many interactions, or a single user with more."""
        start = 0
        while start < len(self):
            wanted = self.offsets[start] + most
            stop = max(start + 1, int(np.searchsorted(self.offsets, wanted, side="right")) - 1)
            yield slice(start, stop)
            start = stop

    @property
    def repeat_share(self) -> float:
        """The share of interactions with an item that the user already has; 0 without any."""
        return self.count_repeats() / max(1, len(self.items))

    def followed_by(self, later: "Sequences") -> "Sequences":
        """For each user the items here, then those in `later`."""
        offsets = self.offsets + later.offsets
        items = self.interleaved(later, self.items, later.items)
        times = None
        if self.times is not None and later.times is not None:
            times = self.interleaved(later, self.times, later.times)
        return Sequences(offsets, items, self.features, self.owners, times=times)

    def interleaved(
        self, later: "Sequences", own: NDArray[Value], others: NDArray[Value]
    ) -> NDArray[Value]:
        """Values of the items here and of those in `later`, in the order of `followed_by`."""
        if is_lazy(own, others):
            return as_array(Interleaved(own, others, self.offsets, later.offsets))
        whole = np.empty(len(own) + len(others), own.dtype)
        whole[np.arange(len(own)) + np.repeat(later.offsets[:-1], self.lengths)] = own
        whole[np.arange(len(others)) + np.repeat(self.offsets[1:], later.lengths)] = others
        return whole


def check_list(array: NDArray[Any], name: str) -> None:
    """Refuse an array that is not a list of int64 or of texts."""
    if array.ndim != 1 or not (array.dtype == np.int64 or array.dtype.kind == "U"):
        raise ValueError(f"{name} is neither a list of numbers nor of texts")


def checked_sequences(
    part: str, offsets: NDArray[Any], items: NDArray[Any], num_users: int, num_items: int
) -> Sequences:
    """Sequences from arrays; refuses offsets or items out of range."""
    if num_users < 0 or offsets.dtype != np.int64 or offsets.shape != (num_users + 1,):
        raise ValueError(f"{part}_offsets is not int64 of {num_users + 1} values")
    if items.dtype != np.int32 or items.ndim != 1:
        raise ValueError(f"{part}_items is not a list of int32")
    if offsets[0] != 0 or offsets[-1] != len(items) or (np.diff(offsets) < 0).any():
        raise ValueError(f"{part}_offsets does not partition {part}_items")
    if len(items) and not (items.min() >= 1 and items.max() <= num_items):
        raise ValueError(f"{part}_items has items outside 1 to {num_items}")
    return Sequences(offsets, items)
