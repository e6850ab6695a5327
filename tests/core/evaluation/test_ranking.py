"""Figures of ranking models: their intervals, their comparison, and what needs no training."""

from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.evaluation import ranking as evaluation
from seqrec_cli.core.evaluation.ranking import Predictions
from seqrec_cli.errors import DatasetError
from tests.core.data.ranking.toy import toy_dataset


def predictions(rows: int = 400, signal: float = 1.0, seed: int = 0, per_user: int = 1):
    random = np.random.default_rng(seed)
    labels = (np.random.default_rng(99).random(rows) < 0.4).astype(np.float64)
    logits = random.normal(size=rows) + signal * labels
    users = np.arange(rows) // per_user
    aucs = evaluation.metrics.user_aucs(labels, logits, users)
    return Predictions(labels, logits, users, aucs)


def test_intervals_hold_the_estimate_and_narrow_with_more_users() -> None:
    widths = []
    for rows in (100, 1600):
        one = predictions(rows)
        found = evaluation.figures(one, evaluation.bootstrap(one, 0))
        for name, figure in found.items():
            assert figure.low <= figure.mean <= figure.high, name
        widths.append(found["auc"].high - found["auc"].low)
    assert 3 < widths[0] / widths[1] < 5.5  # a square root of 16


def test_the_interval_of_the_auc_is_that_of_hanley_and_mcneil() -> None:
    """Radiology 1982, formula 2: the standard error of an area."""
    one = predictions(1000)
    found = evaluation.figures(one, evaluation.bootstrap(one, 0))["auc"]
    a, positive, negative = found.mean, one.labels.sum(), (1 - one.labels).sum()
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = a * (1 - a) + (positive - 1) * (q1 - a * a) + (negative - 1) * (q2 - a * a)
    expected = 2 * 1.96 * np.sqrt(variance / (positive * negative))
    assert abs((found.high - found.low) / expected - 1) < 0.1


def test_users_are_drawn_with_all_their_rows() -> None:
    """Rows of one user that say the same make an interval as wide as that of users alone."""
    single = predictions(100)
    again = Predictions(
        *(np.repeat(x, 9) for x in (single.labels, single.logits)),
        np.repeat(np.arange(100), 9),
        single.user_aucs,
    )
    first, second = (evaluation.figures(p, evaluation.bootstrap(p, 0)) for p in (single, again))
    np.testing.assert_allclose(first["auc"].low, second["auc"].low)
    np.testing.assert_allclose(first["log_loss"].high, second["log_loss"].high)


def test_gauc_is_there_only_where_users_have_both_labels() -> None:
    alone, several = predictions(), predictions(per_user=8)
    assert "gauc" not in alone.means()
    assert alone.skipped_users == 400
    assert 0.5 < several.means()["gauc"] < 1
    found = evaluation.figures(several, evaluation.bootstrap(several, 0))["gauc"]
    assert found.low < found.mean < found.high


def test_differences_are_paired_and_tell_a_real_one() -> None:
    a, b = predictions(signal=2.0), predictions(signal=0.5, seed=1)
    draws = evaluation.bootstrap(a, 0), evaluation.bootstrap(b, 0)
    mean, p = evaluation.differences_of(a, b, draws)["auc"]
    assert mean > 0.1
    assert p < 0.01
    assert evaluation.differences_of(a, a, (draws[0], draws[0]))["auc"] == (0.0, 1.0)


def test_baselines_are_rates_of_the_train_part(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, users=200)
    assert data.test is not None
    constant = Predictions.of(data.test, evaluation.constant_rate(data.train, data.test))
    assert constant.means()["auc"] == 0.5
    rates = evaluation.item_rate(data.train, data.test)
    item = int(data.test.candidates[0])
    own = data.train.candidates == item
    rate = (data.train.labels.sum() + 0.5) / 201
    share = (data.train.labels[own].sum() + 5 * rate) / (own.sum() + 5)
    np.testing.assert_allclose(rates[0], np.log(share / (1 - share)), rtol=1e-5)


def test_a_part_that_cannot_be_evaluated_is_refused(tmp_path: Path) -> None:
    data = toy_dataset(tmp_path, users=40)
    with pytest.raises(DatasetError, match="has no valid part"):
        evaluation.check_part(data.valid, "toy", "valid")
    liked = data.train.take(np.flatnonzero(data.train.labels == 1))
    with pytest.raises(DatasetError, match="every row of the train part of `toy` has the same"):
        evaluation.check_part(liked, "toy", "train")
