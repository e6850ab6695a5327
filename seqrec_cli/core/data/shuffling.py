"""The log with its order destroyed: what a model still learns from it is not order.

`log` permutes the items over all rows: each item keeps its count and each user the length of the
history, so only popularity is left to learn. `history` permutes the items of each user: the order
is gone, but co-occurrence is left.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.ordering import stable_order

Shuffle = Literal["log", "history"]
ROUNDS = 200


def shuffled(
    offsets: NDArray[np.int64], items: NDArray[np.int32], how: Shuffle, seed: int
) -> NDArray[np.int32]:
    """Permute items (rows,), grouped by user; the same seed gives the same order."""
    random = np.random.Generator(np.random.Philox(seed))
    users = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    if how == "history":
        order = stable_order(users, random.integers(0, 2**31, len(items)))
        return items.take(order)
    permuted = random.permutation(items)
    if repeats(users, items).any():
        return permuted
    # No user had an item twice, so none may now: permute repeats with as many other rows.
    for _ in range(ROUNDS):
        repeated = np.flatnonzero(repeats(users, permuted))
        if not len(repeated):
            break
        other_rows = random.integers(0, len(items), len(repeated))
        places = np.union1d(repeated, other_rows)
        permuted[places] = random.permutation(permuted[places])
    return permuted


def repeats(users: NDArray[np.int64], items: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mask of rows, grouped by user, whose item is in an earlier row of the user."""
    order = stable_order(users, items)
    repeated = np.zeros(len(items), bool)
    same = (items[order][1:] == items[order][:-1]) & (users[order][1:] == users[order][:-1])
    repeated[order[1:][same]] = True
    return repeated
