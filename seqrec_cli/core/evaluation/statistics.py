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
    values: NDArray[np.float64], seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Means of the columns of `values` (users, M) over resampled users, (resamples, M)."""
    users = len(values)
    chunks = [counts @ values / users for counts in resampled_counts(users, seed, resamples)]
    return np.concatenate(chunks)


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


def paired_p_value(differences: NDArray[np.float64], seed: int) -> float:
    """Two-sided bootstrap p-value of a mean difference of 0; `differences` is (users,)."""
    return two_sided(bootstrap_means(differences[:, None], seed)[:, 0])


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values (M,) corrected for M comparisons (Holm, Scandinavian J. Statistics 1979)."""
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def compare(
    a: dict[str, NDArray[np.float64]], b: dict[str, NDArray[np.float64]], seed: int
) -> dict[str, tuple[float, float]]:
    """For each metric of the same users, the mean of a - b and its two-sided p-value."""
    return {
        name: (float((a[name] - b[name]).mean()), paired_p_value(a[name] - b[name], seed))
        for name in a
    }
