"""Means and standard deviations over runs that differ in their seeds alone."""

import statistics

import numpy as np
import pytest

from seqrec_cli.core.evaluation.groups import Spread, mean_outcomes, spreads_of
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.evaluation.summary import Figure
from tests.core.evaluation.tables import Table, random_dataset, random_table

VALUES = {"a": 0.1, "b": 0.4, "c": 0.25, "d": 0.9}


def test_a_spread_is_the_mean_and_the_sample_standard_deviation() -> None:
    figures = {name: {"hr@1": Figure(value, 0.0, 1.0)} for name, value in VALUES.items()}
    found = spreads_of(figures, {"x": ["a", "b", "c"], "y": ["d"]})
    three = [VALUES[name] for name in "abc"]
    spread = found["x"]["hr@1"]
    assert spread.mean == pytest.approx(statistics.mean(three))
    assert spread.deviation == pytest.approx(statistics.stdev(three))
    assert spread.runs == 3
    assert found["y"]["hr@1"] == Spread(0.9, None, 1)


def test_each_users_metrics_are_means_over_the_runs_of_a_group() -> None:
    data = random_dataset(0)
    outcomes = {
        str(seed): evaluate(Table(random_table(seed)), data, "test", ks=[3]) for seed in range(3)
    }
    found = mean_outcomes(outcomes, {"x": ["0", "2"], "y": ["1"]})
    for metric, values in found["x"].per_user.items():
        both = zip(outcomes["0"].per_user[metric], outcomes["2"].per_user[metric], strict=True)
        np.testing.assert_allclose(values, [(a + b) / 2 for a, b in both])
    np.testing.assert_array_equal(found["y"].per_user["hr@3"], outcomes["1"].per_user["hr@3"])
    np.testing.assert_array_equal(found["x"].users, outcomes["0"].users)
