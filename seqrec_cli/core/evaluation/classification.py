"""Metrics of labels and logits.

Each takes weights of the rows, (W, R), and returns W values. The weights are how often a bootstrap
drew each row; weights of 1 give the metric itself. Without anything to compare the value is NaN.

Sources: Fawcett (Pattern Recognition Letters 2006) for AUC, ties counting half; Zhou et al. (KDD
2018) for GAUC, weighted by rows; Naeini et al. (AAAI 2015) for the calibration error.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

BINS = 10  # of predicted probabilities, of equal width


def auc(labels: Values, logits: Values, weights: Values) -> Values:
    """The probability that a positive row scores higher than a negative one, (W,)."""
    order = np.argsort(logits, kind="stable")
    ordered = logits[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    weighed = weights[:, order]
    positive = np.add.reduceat(weighed * labels[order], starts, axis=1)
    negative = np.add.reduceat(weighed * (1 - labels[order]), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    won: Values = (positive * (below + negative / 2)).sum(axis=1)
    return ratio(won, pairs)


def user_aucs(labels: Values, logits: Values, users: NDArray[np.int64]) -> Values:
    """The AUC of each user's rows, (U,), users being 0 to U - 1; NaN with one kind of label."""
    count = int(users.max(initial=-1)) + 1
    order = np.lexsort((logits, users))
    who, scores, positive = users[order], logits[order], labels[order]
    change = (who[1:] != who[:-1]) | (scores[1:] != scores[:-1])
    starts = np.flatnonzero(np.concatenate(([True], change)))
    owner = who[starts]
    tied_positive = np.add.reduceat(positive, starts)
    tied_negative = np.add.reduceat(1 - positive, starts)
    positives = total(users, labels, count)
    negatives = total(users, 1 - labels, count)
    earlier = np.cumsum(negatives) - negatives  # negative rows of the users before
    below = np.cumsum(tied_negative) - tied_negative - earlier[owner]
    won = total(owner, tied_positive * (below + tied_negative / 2), count)
    pairs: Values = positives * negatives
    return ratio(won, pairs)


def grouped(aucs: Values, rows: Values, counts: Values) -> Values:
    """GAUC: the mean of the users' AUCs (U,) by their rows (U,) and counts (W, U); (W,)."""
    defined = ~np.isnan(aucs)
    weights = counts[:, defined] * rows[defined]
    won: Values = weights @ aucs[defined]
    return ratio(won, weights.sum(axis=1))


def log_loss(labels: Values, logits: Values, weights: Values) -> Values:
    """The mean negative log-likelihood, natural logarithm, (W,)."""
    each = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))
    result: Values = (weights @ each) / weights.sum(axis=1)
    return result


def probabilities(logits: Values) -> Values:
    """The sigmoid, without overflow."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))


def calibration_error(labels: Values, logits: Values, weights: Values) -> Values:
    """|mean predicted - share of positives| in bins of probability, weighted by rows, (W,)."""
    predicted = probabilities(logits)
    place = np.minimum((predicted * BINS).astype(np.int64), BINS - 1)
    inside = np.eye(BINS)[place]  # (R, BINS)
    gaps: Values = np.abs(weights @ (inside * (predicted - labels)[:, None])).sum(axis=1)
    return np.asarray(gaps / weights.sum(axis=1))


def predicted_to_observed(labels: Values, logits: Values, weights: Values) -> Values:
    """The mean predicted probability over the share of positives, 1 at best, (W,)."""
    observed = weights @ labels
    predicted: Values = weights @ probabilities(logits)
    return ratio(predicted, observed)


def total(groups: NDArray[np.int64], values: Values, count: int) -> Values:
    """The sum of `values` in each of the groups 0 to count - 1, (count,)."""
    return np.asarray(np.bincount(groups, weights=values, minlength=count), np.float64)


def ratio(part: Values, whole: Values) -> Values:
    """part / whole; NaN where the whole is 0."""
    ratios = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratios, where=whole > 0)
    return ratios
