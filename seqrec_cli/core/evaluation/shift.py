"""How far a distribution has moved, and how far one of that size moves by chance."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.randomness import Purpose, stream

BINS = 10  # of the population stability index
RESAMPLES = 100
SMOOTHING = 0.5  # events added to each bin, so that an empty one is no infinite shift

Measure = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def jensen_shannon(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """The Jensen-Shannon distance of two distributions, given as counts (K,): from 0 for the same
    to 1 for two without anything in common.

    It is the square root of the divergence to the base of 2 (Lin, IEEE Trans. Inf. Theory 1991),
    which makes it a metric (Endres & Schindelin, IEEE Trans. Inf. Theory 2003).
    """
    p, q = before / before.sum(), after / after.sum()
    middle = (p + q) / 2
    return float(np.sqrt(max(0.0, (divergence(p, middle) + divergence(q, middle)) / 2)))


def divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """The Kullback-Leibler divergence of p from q, both (K,), in bits."""
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())


def stability_index(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """The population stability index of two histograms (K,): below 0.1 counts as stable, above 0.25
    as a shift to look into.

    Siddiqi, Credit Risk Scorecards, Wiley 2006, chapter 10.
    """
    p, q = before + SMOOTHING, after + SMOOTHING
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def histograms(
    before: NDArray[np.int64], after: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two lists of values as histograms (K,) with the same bins: the tenths of the first."""
    inner = np.unique(np.quantile(before, np.arange(1, BINS) / BINS, method="lower"))

    def count(values: NDArray[np.int64]) -> NDArray[np.float64]:
        places = np.searchsorted(inner, values, side="left")
        return np.bincount(places, minlength=len(inner) + 1).astype(np.float64)

    return count(before), count(after)


def by_chance(measure: Measure, before: NDArray[np.float64], size: int, seed: int) -> float:
    """What a measure stays below, in 95 % of the cases, for `size` independent draws from `before`
    (K,), the counts of which do not move at all."""
    random, shares = stream(seed, Purpose.BOOTSTRAP, 1), before / before.sum()
    drawn = (random.multinomial(size, shares).astype(np.float64) for _ in range(RESAMPLES))
    return float(np.quantile([measure(before, each) for each in drawn], 0.95))
