"""Figures: means over users with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.evaluation.sequential import Evaluation
from seqrec_cli.core.evaluation.statistics import (
    MANY_USERS,
    mean_interval,
    rare_error,
    standard_error,
    student,
    weighted_mean,
)

COVERAGE_RESAMPLES = 200

# By the names of two runs: each metric's mean difference and its p-value.
Comparisons = dict[tuple[str, str], dict[str, tuple[float, float]]]


@dataclass(frozen=True)
class Figure:
    """A mean over users with its 95 % interval."""

    mean: float
    low: float
    high: float


def summarize(
    evaluation: Evaluation, dataset: SequenceDataset, ks: Sequence[int], seed: int
) -> dict[str, Figure]:
    """Means with 95 % bootstrap intervals over users; with lists, coverage and popularity too.

    `coverage@k` is the share of the catalogue that is recommended to at least one user;
    `popularity rank@k` is the mean rank by train count of the recommended items, from 1.
    """
    columns = dict(evaluation.per_user)
    if evaluation.lists is not None:
        popularity = popularity_ranks(dataset)
        for k in ks:
            ranks = mean_of_real(popularity, evaluation.lists[:, :k])
            columns[f"popularity rank@{k}"] = evaluation.per_query(ranks)
    values, weights = np.stack(list(columns.values()), axis=1), evaluation.counts
    means = np.array([weighted_mean(column, weights) for column in values.T])
    low, high = mean_interval(values, seed, weights)
    figures = {
        name: Figure(float(means[i]), float(low[i]), float(high[i]))
        for i, name in enumerate(columns)
    }
    if evaluation.lists is not None:
        for k in ks:
            lists = evaluation.lists[:, :k]
            figures[f"coverage@{k}"] = coverage(lists, dataset.num_items, seed, evaluation.counts)
    return figures


def popularity_ranks(dataset: SequenceDataset) -> NDArray[np.float64]:
    """The rank of each item 0 to N by train count, from 1; equal counts share their mean rank."""
    counts = dataset.item_counts()
    _, group, sizes = np.unique(-counts, return_inverse=True, return_counts=True)
    mean = np.cumsum(sizes) - (sizes - 1) / 2
    return np.concatenate(([np.nan], mean[group]))


def mean_of_real(values: NDArray[np.float64], lists: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of `values` (N + 1,) over each list (Q, k) without padding; 0 for an empty list."""
    real = lists != PAD
    sums: NDArray[np.float64] = np.where(real, values[lists], 0.0).sum(axis=1)
    counts: NDArray[np.int64] = real.sum(axis=1)
    return np.asarray(sums / np.maximum(counts, 1), np.float64)


def coverage(
    lists: NDArray[np.int64], num_items: int, seed: int, counts: NDArray[np.int64] | None = None
) -> Figure:
    """The share of the catalogue in at least one list, +- 1.96 bootstrap standard errors.

    Of few users it is Student's quantile in place of 1.96. `counts` (users,) says how many of the
    lists are each user's, where it is not one.
    """

    def share(mask: NDArray[np.bool_]) -> float:
        chosen = lists[mask if counts is None else np.repeat(mask, counts)]
        found = np.bincount(chosen.ravel(), minlength=num_items + 1)
        return int(np.count_nonzero(found[1:])) / num_items

    users = len(lists) if counts is None else len(counts)
    mean = share(np.ones(users, np.bool_))
    if users > MANY_USERS:
        owners = np.arange(users) if counts is None else np.repeat(np.arange(users), counts)
        margin = 1.96 * rare_error(lists, owners, users, num_items, seed)
    else:
        margin = student(users - 1) * standard_error(share, users, seed, COVERAGE_RESAMPLES)
    return Figure(mean, max(0.0, mean - margin), min(1.0, mean + margin))


def plain_figures(
    figures: Mapping[str, dict[str, Figure]], comparisons: Comparisons
) -> dict[str, Any]:
    """Figures with their intervals, and comparisons, as plain values."""
    return {
        "figures": {
            name: {
                metric: {"mean": f.mean, "low": f.low, "high": f.high}
                for metric, f in by_metric.items()
            }
            for name, by_metric in figures.items()
        },
        "comparisons": [
            {
                "run": a,
                "minus": b,
                "differences": {m: {"mean": d, "p": p} for m, (d, p) in differences.items()},
            }
            for (a, b), differences in comparisons.items()
        ],
    }
