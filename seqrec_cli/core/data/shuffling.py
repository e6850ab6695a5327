"""The same log with its order destroyed: what a model still finds there, it did not find in order.

`log` deals the items anew over all rows: each item keeps its count and each user the length of
their history, and nothing but popularity is left to learn. `history` shuffles each user's own
items: the order is gone, but which items go together is not, and a model may use that.
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
    """Shuffle items (rows,) laid out by user; the same seed gives the same order."""
    random = np.random.Generator(np.random.Philox(seed))
    users = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    if how == "history":
        order = stable_order(users, random.integers(0, 2**31, len(items)))
        return items.take(order)
    dealt = random.permutation(items)
    if repeats(users, items).any():
        return dealt
    # Nobody met an item twice, so nobody shall now: deal the repeats anew, with as many others.
    for _ in range(ROUNDS):
        again = np.flatnonzero(repeats(users, dealt))
        if not len(again):
            break
        others = random.integers(0, len(items), len(again))
        places = np.union1d(again, others)
        dealt[places] = random.permutation(dealt[places])
    return dealt


def repeats(users: NDArray[np.int64], items: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which rows, grouped by user, hold an item that an earlier row of the user holds."""
    order = stable_order(users, items)
    repeated = np.zeros(len(items), bool)
    same = (items[order][1:] == items[order][:-1]) & (users[order][1:] == users[order][:-1])
    repeated[order[1:][same]] = True
    return repeated
