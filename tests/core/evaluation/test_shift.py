"""Measures of drift: against their formulas, and against chance."""

import numpy as np
import pytest

from seqrec_cli.core.evaluation.shift import (
    by_chance,
    histograms,
    jensen_shannon,
    stability_index,
)


def test_the_distance_is_that_of_the_formula() -> None:
    p, q = np.array([1.0, 3.0, 0.0]), np.array([2.0, 0.0, 2.0])

    # By entropies: H((p + q) / 2) - (H(p) + H(q)) / 2.
    def entropy(x: np.ndarray) -> float:
        x = x[x > 0] / x.sum()
        return float(-(x * np.log2(x)).sum())

    middle = (p / p.sum() + q / q.sum()) / 2
    expected = np.sqrt(entropy(middle) - (entropy(p) + entropy(q)) / 2)
    assert jensen_shannon(p, q) == pytest.approx(expected)
    assert jensen_shannon(q, p) == pytest.approx(expected)


def test_the_distance_goes_from_0_to_1() -> None:
    p = np.array([1.0, 2.0, 3.0])
    assert jensen_shannon(p, 5 * p) == pytest.approx(0, abs=1e-7)
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 7.0])) == pytest.approx(1)


def test_the_index_is_that_of_the_formula() -> None:
    before, after = np.array([9.5, 19.5, 69.5]), np.array([19.5, 19.5, 59.5])
    p, q = np.array([10, 20, 70]) / 100, np.array([20, 20, 60]) / 100
    expected = ((q - p) * np.log(q / p)).sum()
    assert stability_index(before, after) == pytest.approx(expected)
    assert np.isfinite(stability_index(np.array([5.0, 0.0]), np.array([0.0, 5.0])))


def test_bins_are_tenths_of_what_was() -> None:
    before, after = np.arange(1000), np.array([0, 1, 999, 5000, -3])
    old, new = histograms(before, after)
    assert old.sum() == 1000
    assert new.sum() == 5
    assert np.abs(old - 100).max() <= 1
    assert (new[0], new[-1]) == (3, 2)
    old, new = histograms(np.full(7, 3), np.array([1, 3, 9]))
    assert old.tolist() == [7, 0]
    assert new.tolist() == [2, 1]


def test_chance_is_exceeded_in_one_of_twenty_cases() -> None:
    random = np.random.default_rng(0)
    before = random.integers(1, 50, size=40).astype(float)
    limit = by_chance(jensen_shannon, before, 300, seed=0)
    shares = before / before.sum()
    drawn = [random.multinomial(300, shares).astype(float) for _ in range(2000)]
    over = np.mean([jensen_shannon(before, each) > limit for each in drawn])
    assert 0.01 < over < 0.12  # 100 resamples
    shifted = random.multinomial(300, shares[::-1]).astype(float)
    assert jensen_shannon(before, shifted) > limit
    assert by_chance(jensen_shannon, before, 300, seed=0) == limit
