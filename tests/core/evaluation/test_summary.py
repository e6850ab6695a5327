"""Figures with their intervals, coverage and popularity."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.evaluation.summary import summarize
from tests.conftest import leave_one_out
from tests.core.evaluation.tables import Table


def test_coverage_and_popularity_of_what_is_recommended() -> None:
    data = leave_one_out([[1, 1, 2, 3, 4], [1, 2, 1, 4, 3], [5, 5, 5, 6, 6]], 8)
    table = torch.zeros(9, 9)
    table[:, 5], table[:, 2], table[:, 7] = 3, 2, 1
    outcome = evaluate(Table(table), data, "test", ks=[1], lists=True)
    assert outcome.lists is not None
    assert outcome.lists[:, 0].tolist() == [5, 5, 2]
    figures = summarize(outcome, data, [1], seed=0)
    assert figures["coverage@1"].mean == 2 / 8
    # Train counts: item 1 four times, item 5 three times, item 2 twice.
    assert figures["popularity rank@1"].mean == pytest.approx((2 + 2 + 3) / 3)
    for figure in figures.values():
        assert figure.low <= figure.mean <= figure.high


def bounds(make: Callable[[np.random.Generator], np.ndarray]) -> float:
    """How often the 95 % interval of a mean holds the true mean, 0."""
    from seqrec_cli.core.evaluation.statistics import (
        bootstrap_means,
        influences_on_means,
        interval,
    )

    hits = 0
    for trial in range(200):
        values = make(np.random.default_rng(trial))
        drawn = bootstrap_means(values[:, None], seed=trial, resamples=400)
        influences = influences_on_means(values[:, None])
        low, high = interval(drawn, np.array([values.mean()]), influences)
        hits += bool(low[0] <= 0 <= high[0])
    return hits / 200


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    assert 0.90 <= bounds(lambda random: random.normal(size=150)) <= 0.99
