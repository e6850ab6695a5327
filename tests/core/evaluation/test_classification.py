"""Metrics of rankings against scikit-learn, and against arithmetic by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as their_log_loss
from sklearn.metrics import roc_auc_score

from seqrec_cli.core.evaluation import classification as metrics

ONE = np.ones((1, 1))


def weights(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float64)


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-4, 4), st.integers(0, 3)), min_size=2, max_size=60
    )
)
def test_auc_is_scikit_learns_with_ties_and_weights(rows: list[tuple[bool, int, int]]) -> None:
    labels, scores, counts = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    counts[[0, 1]] = 1
    labels[:2] = 0, 1
    found = metrics.auc(labels, scores, np.stack((np.ones(len(labels)), counts)))
    assert abs(found[0] - roc_auc_score(labels, scores)) < 1e-9
    assert abs(found[1] - roc_auc_score(labels, scores, sample_weight=counts)) < 1e-9


def test_auc_of_many_rows_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    labels = (random.random(20_000) < 0.3).astype(np.float64)
    scores = np.round(random.normal(size=20_000) + labels, 2)
    found = metrics.auc(labels, scores, np.ones((1, 20_000)))[0]
    assert abs(found - roc_auc_score(labels, scores)) < 1e-9


def test_auc_of_one_kind_of_label_is_nothing() -> None:
    assert np.isnan(metrics.auc(np.ones(3), np.arange(3.0), np.ones((1, 3)))).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.booleans(), st.integers(-2, 2)), min_size=1, max_size=60
    )
)
def test_user_aucs_are_those_of_each_users_rows(rows: list[tuple[int, bool, int]]) -> None:
    users = np.array([user for user, _, _ in rows])
    labels = np.array([label for _, label, _ in rows], np.float64)
    scores = np.array([score for _, _, score in rows], np.float64)
    found = metrics.user_aucs(labels, scores, users)
    assert len(found) == users.max() + 1
    for user in range(len(found)):
        own = users == user
        if len(set(labels[own])) < 2:
            assert np.isnan(found[user])
        else:
            assert abs(found[user] - roc_auc_score(labels[own], scores[own])) < 1e-9


def test_gauc_weighs_users_by_their_rows_and_leaves_out_who_has_one_kind() -> None:
    aucs, rows = np.array([1.0, 0.5, np.nan]), np.array([2.0, 6.0, 50.0])
    counts = weights([1, 1, 1], [3, 1, 9], [0, 0, 4])
    found = metrics.grouped(aucs, rows, counts)
    np.testing.assert_allclose(found[:2], [(2 + 3) / 8, (6 + 3) / 12])
    assert np.isnan(found[2])


def test_log_loss_is_scikit_learns_and_survives_certainty() -> None:
    random = np.random.default_rng(0)
    labels, logits = (random.random(50) < 0.5).astype(np.float64), random.normal(size=50)
    found = metrics.log_loss(labels, logits, np.ones((1, 50)))[0]
    assert abs(found - their_log_loss(labels, 1 / (1 + np.exp(-logits)))) < 1e-12
    sure = metrics.log_loss(np.array([0.0, 1.0]), np.array([1000.0, 1000.0]), np.ones((1, 2)))
    assert sure[0] == 500


def test_calibration_by_hand() -> None:
    """Chances 0.2 and 0.3 in one bin each, 0.9 and 0.95 in a third."""
    chances = np.array([0.22, 0.35, 0.9, 0.95])
    logits = np.log(chances / (1 - chances))
    labels = np.array([0.0, 1.0, 1.0, 0.0])
    counted = weights([1, 1, 1, 1], [1, 0, 0, 3])
    found = metrics.calibration_error(labels, logits, counted)
    np.testing.assert_allclose(found, [(0.22 + 0.65 + 0.85) / 4, (0.22 + 3 * 0.95) / 4])
    ratio = metrics.predicted_to_observed(labels, logits, counted)
    np.testing.assert_allclose(ratio[0], chances.sum() / 2)
    assert np.isnan(ratio[1])


@pytest.mark.parametrize("logit", [-1000.0, 0.0, 1000.0])
def test_chances_stay_in_their_bounds(logit: float) -> None:
    assert 0 <= metrics.probabilities(np.array([logit]))[0] <= 1
    assert np.isfinite(metrics.calibration_error(np.ones(1), np.array([logit]), ONE)).all()
