"""Negatives: items a user has not interacted with, and the registry of samplers that draw them.

To add a sampler, write its class and a function that makes it, and add its line to `SAMPLERS`.
"""

import copy
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.randomness import Purpose, hashed
from seqrec_cli.core.settings.registry import Registry


class Sampler(Protocol):
    """Draws items that a user does not have.

    The draw is a function of (seed, purpose, epoch, user, counter) alone.
    """

    def draw(
        self,
        seed: int,
        purpose: Purpose,
        epoch: int,
        users: NDArray[np.int64],
        counters: NDArray[Any],
        keys: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """Draw one item for each user and counter, which broadcast together; int64, 0 for none.

        `keys` are the users' numbers in the random stream, if they differ from the rows of `known`.
        """
        ...

    def log_probability(
        self, users: NDArray[np.int64], items: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The log of the probability that a draw for the user gives the item; broadcasts."""
        ...

    def for_users(self, known: Sequences) -> "Sampler":
        """The sampler of other users, with their items."""
        ...


class UniformSampler:
    """Draws uniformly from the items that a user does not have.

    No draw is rejected. With the user's distinct items sorted, s_0 < s_1 < ..., the number of other
    items below s_j is c_j = s_j - 1 - j, and the r-th other item (from 0) is
    r + 1 + #{j : c_j <= r}. So a draw is one binary search, also for a user who has nearly all
    items. A user who has all items gets 0, padding, which losses ignore.
    """

    def __init__(self, known: Sequences, num_items: int) -> None:
        """`known`: the items of each user, which are never drawn; repetitions are allowed."""
        stride = num_items + 1
        # Sorted by user, then by item; int64 holds 3 billion users of 3 billion items.
        keys = sorted_distinct(known.users * stride + known.items)
        users, items = np.divmod(keys, stride)
        self.offsets = np.searchsorted(users, np.arange(len(known) + 1))
        rank = np.arange(len(keys)) - self.offsets[users]
        self.below = users * stride + items - 1 - rank  # u * stride + c_j, never decreasing
        self.num_others = num_items - np.diff(self.offsets)  # items that a user does not have
        self.stride = stride

    def for_users(self, known: Sequences) -> "UniformSampler":
        """The sampler of other users, with their items."""
        return UniformSampler(known, self.stride - 1)

    def draw(
        self,
        seed: int,
        purpose: Purpose,
        epoch: int,
        users: NDArray[np.int64],
        counters: NDArray[Any],
        keys: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """Draw one item for each user and counter, which broadcast together; int64, 0 for none.

        `keys` are the users' numbers in the random stream, if they differ from the rows of `known`.
        """
        num_others = self.num_others[users]
        names = users if keys is None else keys
        rank = (hashed(seed, purpose, epoch, names, counters) * num_others).astype(np.int64)
        skipped = np.searchsorted(self.below, users * self.stride + rank, side="right")
        return np.where(num_others > 0, rank + 1 + skipped - self.offsets[users], PAD)

    def log_probability(
        self, users: NDArray[np.int64], items: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """-log of the number of items that each user does not have; `items` are of them."""
        logs = -np.log(np.maximum(self.num_others[users], 1)) + np.zeros(items.shape)
        return np.asarray(logs, np.float32)


class PopularitySampler:
    """Draws in proportion to count^power, the counts being those of the train part.

    A draw of an item that the user has gives 0, padding, which losses ignore: the other draws have
    exactly the right proportions, and are fewer. An item without interactions is never drawn,
    unless power is 0.
    """

    def __init__(
        self,
        known: Sequences,
        num_items: int,
        power: float,
        counts: NDArray[np.int64] | None = None,
    ) -> None:
        """`known`: the items of each user, which are never drawn; repetitions are allowed.

        `counts` are those of items 1 to N, if they differ from the ones in `known`.
        """
        if counts is None:
            counts = np.bincount(known.items, minlength=num_items + 1)[1:]
        sums = np.cumsum((counts / max(1, counts.max())) ** power)
        self.bounds = sums / sums[-1]  # the last is 1, which no draw reaches
        with np.errstate(divide="ignore"):
            self.log_probabilities = np.log(np.diff(self.bounds, prepend=0.0))
        self.log_probabilities = np.concatenate(([0.0], self.log_probabilities))
        self.stride = num_items + 1
        self.keys = sorted_distinct(known.users * self.stride + known.items)

    def for_users(self, known: Sequences) -> "PopularitySampler":
        """The sampler of other users, with their items and the same counts."""
        other = copy.copy(self)
        other.keys = sorted_distinct(known.users * self.stride + known.items)
        return other

    def draw(
        self,
        seed: int,
        purpose: Purpose,
        epoch: int,
        users: NDArray[np.int64],
        counters: NDArray[Any],
        keys: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """Draw one item for each user and counter, as `UniformSampler`."""
        points = hashed(seed, purpose, epoch, users if keys is None else keys, counters)
        items = np.searchsorted(self.bounds, points, side="right") + 1
        drawn = users * self.stride + items
        place = np.minimum(np.searchsorted(self.keys, drawn), len(self.keys) - 1)
        return np.where(self.keys[place] == drawn, PAD, items)

    def log_probability(
        self, users: NDArray[np.int64], items: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The log of each item's probability; 0 for padding."""
        return np.asarray(self.log_probabilities[items], np.float32)


class SharedSampler:
    """Draws distinct items for a whole batch, with probabilities in proportion to count^power.

    Systematic sampling (Madow, Annals of Mathematical Statistics 1949): the inclusion
    probabilities, which sum to K, are laid end to end, and the items at u, u + 1, ..., u + K - 1
    are taken. They are capped at 1, so a very frequent item is always drawn, and for K = N the loss
    is the softmax over all items. An item without interactions is never drawn, unless power is 0.
    """

    def __init__(self, counts: NDArray[np.int64], power: float, count: int) -> None:
        """`counts`: of items 1 to N; `count`: K, at most the number of items."""
        weights = counts.astype(np.float64) ** power
        self.count = min(count, int(np.count_nonzero(weights)))
        self.probabilities = inclusion_probabilities(weights, self.count)
        self.bounds = np.cumsum(self.probabilities)
        self.last = int(np.flatnonzero(weights)[-1]) + 1

    def draw(self, seed: int, purpose: Purpose, epoch: int, step: int) -> NDArray[np.int64]:
        """Draw K different items, int64 (K,), ascending."""
        start = hashed(seed, purpose, epoch, np.array([step]), np.zeros(1, np.int64))
        places = start + np.arange(self.count)
        items = np.searchsorted(self.bounds, places, side="right") + 1
        return np.minimum(items, self.last)  # rounding may leave the sum below K

    def log_probability(self, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """The log of each item's probability in one of the K draws: log(inclusion / K)."""
        return np.asarray(np.log(self.probabilities[items - 1] / self.count), np.float32)


def sorted_distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct values, ascending. `np.unique` hashes, which takes far longer than to sort."""
    keys = np.sort(keys)
    return keys[np.concatenate(([True], keys[1:] != keys[:-1]))] if len(keys) else keys


def inclusion_probabilities(weights: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Probabilities in proportion to weights, capped at 1, that sum to `count`."""
    probabilities = np.zeros(len(weights))
    free = weights > 0
    while True:
        left = count - np.count_nonzero((weights > 0) & ~free)
        probabilities[free] = weights[free] * (left / max(weights[free].sum(), 1e-300))
        certain = free & (probabilities >= 1)
        if not certain.any():
            return probabilities
        probabilities[certain] = 1.0
        free &= ~certain
        if not free.any():
            return probabilities


def uniform(
    known: Sequences, num_items: int, power: float | None, counts: NDArray[np.int64] | None
) -> Sampler:
    """A uniform sampler; it has no use for a power and counts."""
    return UniformSampler(known, num_items)


def popularity(
    known: Sequences, num_items: int, power: float | None, counts: NDArray[np.int64] | None
) -> Sampler:
    """A sampler in proportion to count^power; to the counts themselves without a power."""
    return PopularitySampler(known, num_items, 1.0 if power is None else power, counts)


# Makes a sampler of the items of each user, the number of items, `popularity_power`, and the counts
# of items 1 to N, which are those in the items of each user if they are None.
MakeSampler = Callable[[Sequences, int, float | None, NDArray[np.int64] | None], Sampler]

SAMPLERS: Registry[MakeSampler] = Registry(
    "sampler", "seqrec.samplers", {"uniform": uniform, "popularity": popularity}
)


def sampler_name(name: str | None, power: float | None) -> str:
    """The name of a sampler; that of the one that a power asks for, if none is given."""
    return name or ("uniform" if power is None else "popularity")
