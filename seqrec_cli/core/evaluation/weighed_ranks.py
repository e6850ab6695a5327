"""Ranks of targets for each combination of weights, of those that come into the first k.

Scores are sums of parts with weights, s = p_0 + w_1 p_1 + w_2 p_2 ..., and linear in each weight.
So the least and the most that an item can gain over the target is found with the smallest and the
largest weights, part by part. A target that k items are ahead of with any weights needs no ranks,
and an item that is never ahead of it need not be looked at: about a twentieth of the work of
ranking among all items once for each combination, the oracle (`weighing.ranks_of_variants`).

Shapes: B histories, N items, P targets, C items that may be ahead, W combinations.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import MISSED

ROUNDING = 1e-5  # of the largest sum: far more than sums of single precision differ by


def weighed_ranks(
    parts: Sequence[NDArray[np.float32]],
    choices: Sequence[tuple[float, ...]],
    targets: Sequences,
    k: int,
) -> NDArray[np.int64]:
    """The rank of each target for each combination of weights, int64 (W, P), in the order of
    `itertools.product(*choices)`; MISSED where it may be k or more.

    Args:
        parts: p_0 and those that have weights, (B, N + 1); of p_0 -inf is no candidate.
        choices: the weights of each of the others.
        targets: of each history; ties count against them.
    """
    numbers = int(np.prod([len(weights) for weights in choices]))
    found = np.full((numbers, len(targets.items)), MISSED)
    users = targets.users.tolist()
    # Row by row: in the cache, a row takes a fifteenth of its share of a whole block.
    for place, (user, item) in enumerate(zip(users, targets.items.tolist(), strict=True)):
        rows = [part[user] for part in parts]
        if not np.isfinite(rows[0][item]):
            continue
        candidates = may_be_ahead(rows, choices, item, k)
        if candidates is None:
            continue
        sums = rows[0][candidates]
        for row, weights in zip(rows[1:], choices, strict=True):
            more = np.array(weights, np.float32)[:, None] * row[candidates]
            sums = sums[..., None, :] + more
        own = sums[..., candidates == item]
        ranks = (sums >= own).sum(axis=-1).ravel() - 1
        found[ranks < k, place] = ranks[ranks < k]
    return found


def may_be_ahead(
    rows: Sequence[NDArray[np.float32]], choices: Sequence[tuple[float, ...]], target: int, k: int
) -> NDArray[np.int64] | None:
    """The items (C,) that some weights put ahead of the target, and it; None if k items are ahead
    of it with any weights.

    Args:
        rows: the parts, (N + 1,).
    """
    least = rows[0] - rows[0][target]
    most, margin = least.copy(), abs(float(rows[0][target]))
    for row, weights in zip(rows[1:], choices, strict=True):
        more = row - row[target]
        low, high = more * np.float32(min(weights)), more * np.float32(max(weights))
        least += np.minimum(low, high)
        most += np.maximum(low, high)
        margin += max(weights) * float(max(row.max(), -row.min()))
    margin *= ROUNDING
    if np.count_nonzero(least > margin) >= k:
        return None
    return np.flatnonzero(most >= -margin)
