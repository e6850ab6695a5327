"""Ranks of targets among candidates; ties count against the model."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.negatives import UniformSampler
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import MISSED
from seqrec_cli.core.evaluation.queries import Queries
from seqrec_cli.core.inference.scoring import Scored
from seqrec_cli.core.randomness import Purpose

NUM_SAMPLED = 100
HISTORY_BLOCK = 1 << 22  # items of histories that are sorted at a time


def ranks_in(
    lists: NDArray[np.int64], scores: NDArray[np.float32], targets: Sequences, last: int
) -> NDArray[np.int64]:
    """The rank of each target in its user's list (Q, k), from 0; `last` where it is not there.

    Ties count against the target; one with the list's last item may go on beyond it, so a target
    with its score is not found, unless the list has every item.
    """
    found = lists[targets.users] == targets.items[:, None]  # (targets, k)
    listed = scores[targets.users]
    place = found.argmax(axis=1)
    own = listed[np.arange(len(place)), place]
    ranks = (listed >= own[:, None]).sum(axis=1) - 1
    open_end = (listed[:, -1] == own) & (lists.shape[1] < last)
    return np.where(found.any(axis=1) & ~open_end, ranks, last)


def in_history(asked: Queries, num_items: int) -> NDArray[np.bool_]:
    """Which of the targets are left out as seen, bool (targets,)."""
    excluded, targets, stride = asked.histories.excluded, asked.targets, num_items + 1
    found = np.zeros(len(targets.items), np.bool_)
    for start, stop in history_blocks(excluded.offsets):
        first, last = excluded.offsets[[start, stop]]
        lengths = excluded.lengths[start:stop]
        if (targets.lengths[start:stop] == 1).all():
            wanted = np.repeat(targets.items[targets.offsets[start:stop]], lengths)
            same = np.cumsum(np.append(0, excluded.items[first:last] == wanted))
            ends = excluded.offsets[start : stop + 1] - first
            found[targets.offsets[start] : targets.offsets[stop]] = same[ends[1:]] > same[ends[:-1]]
            continue
        users = np.repeat(np.arange(start, stop), lengths)
        # Sorted a block at a time: `np.isin` takes far longer, and all keys lie side by side.
        known = np.sort(users * stride + excluded.items[first:last])
        own = slice(*targets.offsets[[start, stop]])
        keys = targets.users[own] * stride + targets.items[own]
        if len(known):
            places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            found[own] = known[places] == keys
    return found


def history_blocks(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Blocks (first row, end) of at most HISTORY_BLOCK items, or of a single row."""
    start, rows = 0, len(offsets) - 1
    while start < rows:
        wanted = offsets[start] + HISTORY_BLOCK
        stop = max(start + 1, int(np.searchsorted(offsets, wanted, side="right")) - 1)
        yield start, stop
        start = stop


def positions_of(sequences: Sequences, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the items of `sequences.take(rows)` lie in `sequences.items`."""
    lengths = sequences.lengths[rows]
    ends = np.cumsum(lengths)
    shift = np.repeat(sequences.offsets[rows] - (ends - lengths), lengths)
    positions: NDArray[np.int64] = np.arange(int(lengths.sum())) + shift
    return positions


def full_ranks(scored: Scored, targets: Sequences) -> NDArray[np.int64]:
    """The rank of each target among all candidates, int64 (targets,); ties count against it."""
    scores = scored.scores.numpy()
    own = scores[targets.users, targets.items]  # (targets,)
    # Row by row: comparing and counting in the cache takes a fifteenth of torch's time for a block.
    above = (
        np.count_nonzero(scores[row] >= score)
        for row, score in zip(targets.users.tolist(), own, strict=True)
    )
    ranks = np.fromiter(above, np.int64, len(own)) - 1
    ranks[own == -np.inf] = MISSED
    return ranks


class SampledCandidates:
    """Holds each target against 100 items drawn uniformly, with replacement as in the authors'
    code, from those that are neither in the history nor a target of the user."""

    def __init__(self, asked: Queries, num_items: int, seed: int) -> None:
        self.users = asked.users
        self.seed = seed
        self.sampler = UniformSampler(asked.histories.followed_by(asked.targets), num_items)

    def ranks(self, scored: Scored, targets: Sequences) -> NDArray[np.int64]:
        """The rank of each target among its 100 candidates, int64 (targets,)."""
        rows = scored.rows[targets.users]
        within = np.arange(len(rows)) - targets.offsets[targets.users]
        counters = within[:, None] * NUM_SAMPLED + np.arange(NUM_SAMPLED)
        # Keyed by the dataset's user, so that the candidates are the same for every model.
        drawn = self.sampler.draw(
            self.seed,
            Purpose.CANDIDATES,
            0,
            rows[:, None],
            counters,
            keys=self.users[rows][:, None],
        )
        own_rows = torch.from_numpy(targets.users)
        own = scored.scores[own_rows, torch.from_numpy(targets.items.astype(np.int64))]
        others = scored.scores[own_rows[:, None], torch.from_numpy(drawn)]
        return (others >= own[:, None]).sum(dim=1).numpy()
