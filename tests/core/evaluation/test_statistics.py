"""The bootstrap against what is known of means."""

import numpy as np
import pytest

from seqrec_cli.core.evaluation import statistics
from seqrec_cli.core.evaluation.statistics import (
    bootstrap_means,
    interval,
    paired_p_value,
    standard_error,
)


def test_the_spread_of_bootstrap_means_is_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(3, 2, size=(500, 2))
    means = bootstrap_means(values, seed=1)
    expected = values.std(axis=0) / np.sqrt(500)
    assert means.shape == (1000, 2)
    np.testing.assert_allclose(means.std(axis=0), expected, rtol=0.1)
    np.testing.assert_allclose(
        means.mean(axis=0), values.mean(axis=0), atol=4 * expected.max() / 30
    )


def test_chunks_give_what_one_piece_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((50, 3))
    whole = bootstrap_means(values, seed=5)
    monkeypatch.setattr(statistics, "CHUNK", 50 * 7)
    np.testing.assert_allclose(bootstrap_means(values, seed=5), whole)


def test_interval_is_the_middle_95_percent() -> None:
    low, high = interval(np.arange(1001.0)[:, None])
    assert (low[0], high[0]) == (25, 975)


def test_p_value_is_small_for_a_difference_and_uniform_without_one() -> None:
    random = np.random.default_rng(2)
    assert paired_p_value(random.normal(0.5, 1, 400), seed=0) < 0.01
    assert paired_p_value(np.zeros(10), seed=0) == 1
    values = [paired_p_value(random.normal(0, 1, 200), seed=s) for s in range(200)]
    assert 0.01 <= np.mean(np.array(values) < 0.05) <= 0.10
    assert 0.4 <= np.mean(values) <= 0.6


def test_standard_error_of_a_share() -> None:
    flags = np.arange(400) % 4 == 0
    found = standard_error(
        lambda mask: float(flags[mask].mean()), num_users=400, seed=0, resamples=300
    )
    # Of distinct users in a resample there are 63 %, drawn without replacement.
    expected = np.sqrt(0.25 * 0.75 / (400 * 0.632) * (1 - 0.632))
    assert found == pytest.approx(expected, rel=0.2)
