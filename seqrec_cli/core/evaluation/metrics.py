"""Metrics: functions of ranks, one value a user.

A rank counts from 0: the number of other candidates that score at least as high as the target, so
ties never help. A user may have several targets.

Sources: Järvelin & Kekäläinen (TOIS 2002) for NDCG with binary gains; Manning, Raghavan &
Schütze, "Introduction to Information Retrieval", chapter 8, for the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.settings.registry import Registry

Values = NDArray[np.float64]

# The rank of a target that cannot be recommended: it was seen, and seen items are excluded.
MISSED = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Ranks:
    """The ranks of each user's targets, best first.

    Attributes:
        values: int64 (targets,), user by user, ascending within a user.
        offsets: int64 (users + 1,); each user has 1 or more targets.
    """

    values: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.int64], users: NDArray[np.int64], num_users: int) -> "Ranks":
        """Group ranks (targets,) by their user (targets,), 0 to num_users - 1."""
        order = np.lexsort((values, users))
        counts = np.bincount(users, minlength=num_users)
        return cls(values[order], np.concatenate(([0], np.cumsum(counts))))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The number of targets of each user, (users,)."""
        return np.diff(self.offsets)

    @cached_property
    def best(self) -> NDArray[np.int64]:
        """The best rank of each user, (users,)."""
        return self.values[self.offsets[:-1]]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """0 for a user's best target, 1 for the next, ..., (targets,)."""
        return np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.counts)

    def sum_hits(self, gains: Values, k: int) -> Values:
        """Sum the `gains` (targets,) of the targets among the first k, (users,)."""
        hits: Values = np.where(self.values < k, gains, 0.0)
        return np.add.reduceat(hits, self.offsets[:-1])


def hit_rate(ranks: Ranks, k: int) -> Values:
    """1 if any target is among the first k, (users,)."""
    return (ranks.best < k).astype(np.float64)


def recall(ranks: Ranks, k: int) -> Values:
    """The share of the targets among the first k, (users,)."""
    return ranks.sum_hits(np.ones(len(ranks.values)), k) / ranks.counts


def precision(ranks: Ranks, k: int) -> Values:
    """The share of the first k that are targets, (users,)."""
    return ranks.sum_hits(np.ones(len(ranks.values)), k) / k


def ndcg(ranks: Ranks, k: int) -> Values:
    """Discounted cumulative gain of the first k over the best possible, (users,)."""
    ideal: Values = np.cumsum(1 / np.log2(np.arange(k) + 2))
    gains = 1 / np.log2(np.minimum(ranks.values, k).astype(np.float64) + 2)
    best: Values = ideal[np.minimum(ranks.counts, k) - 1]
    return ranks.sum_hits(gains, k) / best


def mrr(ranks: Ranks, k: int) -> Values:
    """1 / position of the first target, 0 if it is not among the first k, (users,)."""
    reciprocal: Values = 1 / (np.minimum(ranks.best, k) + 1.0)
    return np.where(ranks.best < k, reciprocal, 0.0)


def average_precision(ranks: Ranks, k: int) -> Values:
    """The mean over min(targets, k) of the precision at each target among the first k, (users,)."""
    gains = (ranks.order + 1) / (np.minimum(ranks.values, k) + 1.0)
    return ranks.sum_hits(gains, k) / np.minimum(ranks.counts, k)


def check_metric(name: str, metric: object) -> None:
    """Refuse a metric that is not a function.

    Raises:
        ValueError: it is not callable.
    """
    if not callable(metric):
        raise ValueError("it is not a function of ranks and k")


# To add a metric, write its function and add its line here.
METRICS: Registry[Callable[[Ranks, int], Values]] = Registry(
    "metric",
    "seqrec.metrics",
    {
        "hr": hit_rate,
        "ndcg": ndcg,
        "mrr": mrr,
        "recall": recall,
        "precision": precision,
        "map": average_precision,
    },
    check_metric,
)
