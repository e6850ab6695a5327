"""The bootstrap against what is known of means."""

import numpy as np
import pytest

from seqrec_cli.core.evaluation import statistics
from seqrec_cli.core.evaluation.statistics import (
    bootstrap_means,
    interval,
    mean_interval,
    paired_p_value,
    rare_error,
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


@pytest.mark.parametrize("weighted", [False, True])
def test_for_many_users_the_formula_gives_the_bootstraps_interval(
    weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(4)
    values = random.random((4000, 2)) ** 3
    weights = random.integers(1, 9, 4000) if weighted else None
    resampled = mean_interval(values, 0, weights)
    monkeypatch.setattr(statistics, "MANY_USERS", 1000)
    formula = mean_interval(values, 0, weights)
    width = resampled[1] - resampled[0]
    for ours, theirs in zip(formula, resampled, strict=True):
        np.testing.assert_array_less(np.abs(ours - theirs), 0.08 * width)
    difference = values[:, 0] - values[:, 1] - 0.005
    by_formula = paired_p_value(difference, 0, weights)
    monkeypatch.setattr(statistics, "MANY_USERS", 10**9)
    assert by_formula == pytest.approx(paired_p_value(difference, 0, weights), abs=0.05)
    monkeypatch.setattr(statistics, "MANY_USERS", 1000)
    assert paired_p_value(np.zeros(4000), 0) == 1


def test_for_many_users_the_error_of_coverage_is_the_bootstraps() -> None:
    random = np.random.default_rng(5)
    lists = np.minimum(random.geometric(0.004, (2000, 5)), 1500)

    def share(mask: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(np.count_nonzero(np.bincount(lists[mask].ravel(), minlength=1501)[1:])) / 1500

    expected = standard_error(share, 2000, seed=0, resamples=200)
    found = rare_error(lists, np.arange(2000), 2000, 1500, seed=0)
    assert found == pytest.approx(expected, rel=0.25)
