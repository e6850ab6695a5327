"""Ranks of targets among candidates; ties count against the model."""

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.negatives import UniformSampler
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import MISSED
from seqrec_cli.core.evaluation.queries import Queries
from seqrec_cli.core.inference.scoring import SCORE_BYTES, Scored
from seqrec_cli.core.randomness import Purpose

NUM_SAMPLED = 100


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
    stride = num_items + 1
    excluded = asked.histories.excluded
    known = excluded.users * stride + excluded.items
    return np.isin(asked.targets.users * stride + asked.targets.items, known)


def positions_of(sequences: Sequences, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the items of `sequences.take(rows)` lie in `sequences.items`."""
    lengths = sequences.lengths[rows]
    ends = np.cumsum(lengths)
    shift = np.repeat(sequences.offsets[rows] - (ends - lengths), lengths)
    positions: NDArray[np.int64] = np.arange(int(lengths.sum())) + shift
    return positions


def full_ranks(scored: Scored, targets: Sequences) -> NDArray[np.int64]:
    """The rank of each target among all candidates, int64 (targets,); ties count against it."""
    items = torch.from_numpy(targets.items.astype(np.int64))
    rows = torch.from_numpy(targets.users)
    own = scored.scores[rows, items]  # (targets,)
    ranks = torch.empty(len(items), dtype=torch.int64)
    step = max(1, SCORE_BYTES // (4 * scored.scores.shape[1]))
    for start in range(0, len(items), step):
        part = slice(start, start + step)
        # With one target a row, which is the rule, the rows need no copy.
        whole = len(rows) == len(scored.scores) <= step and len(scored.rows) == len(rows)
        others = scored.scores if whole else scored.scores[rows[part]]
        ranks[part] = (others >= own[part, None]).sum(dim=1) - 1
    ranks[own == -torch.inf] = MISSED
    return ranks.numpy()


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
