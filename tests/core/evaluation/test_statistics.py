"""The bootstrap against what is known of means."""

import numpy as np
import pytest
from numpy.typing import NDArray

from seqrec_cli.core.evaluation import statistics
from seqrec_cli.core.evaluation.statistics import (
    bootstrap_means,
    influences_on_means,
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
    many = np.zeros((statistics.SMALL_SAMPLE, 1))
    low, high = interval(np.arange(1001.0)[:, None], np.array([500.0]), many)
    assert (low[0], high[0]) == (25, 975)


def ndcg(random: np.random.Generator, share: float, shape: tuple[int, int]) -> NDArray[np.float64]:
    """NDCG@10 of users with one target, of whom `share` have it among the first ten."""
    found = random.random(shape) < share
    return found / np.log2(random.integers(1, 11, shape) + 1)


GAIN = float(np.mean(1 / np.log2(np.arange(1, 11) + 1)))
TRIALS = 2000


def coverage(values: NDArray[np.float64], true: float, *, plain: bool = False) -> float:
    """The share of samples, each a column of (users, TRIALS), whose interval has the true mean."""
    drawn = bootstrap_means(values, seed=0)
    if plain:
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    else:
        low, high = interval(drawn, values.mean(axis=0), influences_on_means(values))
    return float(((low <= true + 1e-12) & (true - 1e-12 <= high)).mean())


@pytest.mark.parametrize("users", [30, 60, 200])
@pytest.mark.parametrize("kind", ["ndcg of few hits", "ndcg of many", "paired difference"])
def test_an_interval_covers_what_it_says(users: int, kind: str) -> None:
    random, shape = np.random.default_rng(users), (users, TRIALS)
    if kind == "paired difference":
        values, true = ndcg(random, 0.4, shape) - ndcg(random, 0.3, shape), 0.1 * GAIN
    else:
        share = 0.15 if "few" in kind else 0.5
        values, true = ndcg(random, share, shape), share * GAIN
    error = np.sqrt(0.95 * 0.05 / TRIALS)  # binomial
    assert abs(coverage(values, true) - 0.95) < 3 * error
    if users == 30 and "few" in kind:  # what it is for
        assert coverage(values, true, plain=True) < 0.95 - 8 * error


@pytest.mark.parametrize("users", [30, 60, 200])
def test_an_interval_of_hits_covers_what_it_says_or_more(users: int) -> None:
    """A share has few possible values, so its coverage cannot be 95 % exactly."""
    values = (np.random.default_rng(users).random((users, TRIALS)) < 0.25).astype(np.float64)
    assert 0.94 < coverage(values, 0.25) < 0.98


def test_an_interval_of_weighted_means_covers_what_it_says() -> None:
    """Users with several queries count as often, and are drawn with all of them."""
    random, users = np.random.default_rng(0), 40
    covered = []
    for trial in range(300):
        weights = random.integers(1, 6, users)
        taste = random.random(users) * 0.6  # of a user; their mean is 0.3
        values = random.binomial(weights, taste)[:, None] / weights[:, None]
        drawn = bootstrap_means(values, seed=trial, resamples=400, weights=weights)
        means = np.average(values, axis=0, weights=weights)
        low, high = interval(drawn, means, influences_on_means(values, weights))
        covered.append(low[0] <= 0.3 <= high[0])
    assert abs(np.mean(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 300)


def test_influences_are_those_of_leaving_users_out() -> None:
    random = np.random.default_rng(0)
    values, weights = random.random((12, 2)), random.integers(1, 5, 12)
    rest = np.array(
        [
            np.average(np.delete(values, user, 0), axis=0, weights=np.delete(weights, user))
            for user in range(12)
        ]
    )
    expected = (rest.mean(axis=0) - rest) * (weights.sum() - weights)[:, None]
    found = influences_on_means(values, weights)
    assert np.abs(np.corrcoef(found[:, 0], expected[:, 0])[0, 1]) > 0.99
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("users", [2, 3, 30])
def test_equal_values_and_few_users_have_intervals(users: int) -> None:
    for values in (np.zeros((users, 1)), np.arange(users, dtype=np.float64)[:, None]):
        drawn = bootstrap_means(values, seed=0)
        low, high = interval(drawn, values.mean(axis=0), influences_on_means(values))
        assert values.min() <= low[0] <= values.mean() <= high[0] <= values.max()


@pytest.mark.parametrize("freedom", [5, 9, 29, 59, 199, 498])
def test_students_quantile_is_that_of_scipy(freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert statistics.student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-3)


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
