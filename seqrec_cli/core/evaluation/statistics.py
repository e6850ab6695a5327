"""Intervals and p-values over users: the bootstrap (Efron & Tibshirani 1993)."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.randomness import Purpose, stream

RESAMPLES = 1000
CHUNK = 2**23  # resampled users in memory at a time


def resampled_counts(num_users: int, seed: int, resamples: int) -> Iterator[NDArray[np.float32]]:
    """How often each user is in each resample, float32 (resamples of this chunk, users)."""
    generator = stream(seed, Purpose.BOOTSTRAP)
    rows = max(1, CHUNK // num_users)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = generator.integers(num_users, size=(count, num_users))
        drawn += np.arange(count)[:, None] * num_users
        counts = np.bincount(drawn.ravel(), minlength=count * num_users)
        yield counts.reshape(count, num_users).astype(np.float32)


def bootstrap_means(
    values: NDArray[np.float64],
    seed: int,
    resamples: int = RESAMPLES,
    weights: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Means of the columns of `values` (users, M) over resampled users, (resamples, M).

    With `weights` (users,) these are means over what each user's value is a mean of: a user is
    drawn with all of it.
    """
    users = len(values)
    if weights is None:
        chunks = [counts @ values / users for counts in resampled_counts(users, seed, resamples)]
        return np.concatenate(chunks)
    sums, sizes = values * weights[:, None], weights.astype(np.float64)
    chunks = [
        counts @ sums / (counts @ sizes)[:, None]
        for counts in resampled_counts(users, seed, resamples)
    ]
    return np.concatenate(chunks)


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.int64] | None) -> float:
    """The mean of `values` (users,), each as often as `weights` says."""
    return float(values.mean() if weights is None else np.average(values, weights=weights))


def interval(means: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % percentile interval of each column of (resamples, M): low (M,), high (M,)."""
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return low, high


def standard_error(
    statistic: Callable[[NDArray[np.bool_]], float], num_users: int, seed: int, resamples: int
) -> float:
    """The bootstrap standard error of a statistic of the *set* of users.

    `statistic` takes a mask (users,). A resample holds only two thirds of the users, so for a
    statistic that counts distinct items the percentile interval would not contain the estimate.
    """
    values = [
        statistic(row > 0)
        for counts in resampled_counts(num_users, seed, resamples)
        for row in counts
    ]
    return float(np.std(values, ddof=1))


def two_sided(means: NDArray[np.float64]) -> float:
    """The two-sided p-value of a mean of 0, from resampled means (resamples,)."""
    tail = min((means <= 0).sum(), (means >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(means) + 1)))


def paired_p_value(
    differences: NDArray[np.float64], seed: int, weights: NDArray[np.int64] | None = None
) -> float:
    """Two-sided bootstrap p-value of a mean difference of 0; `differences` is (users,)."""
    return two_sided(bootstrap_means(differences[:, None], seed, weights=weights)[:, 0])


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values (M,) corrected for M comparisons (Holm, Scandinavian J. Statistics 1979)."""
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def paired_differences(
    a: dict[str, NDArray[np.float64]],
    b: dict[str, NDArray[np.float64]],
    seed: int,
    weights: NDArray[np.int64] | None = None,
) -> dict[str, tuple[float, float]]:
    """For each metric of the same users, the mean of a - b and its two-sided p-value."""
    differences = {name: a[name] - b[name] for name in a}
    return {
        name: (weighted_mean(difference, weights), paired_p_value(difference, seed, weights))
        for name, difference in differences.items()
    }
