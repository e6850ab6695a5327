"""Losses: functions of scores and a mask."""

from torch import Tensor
from torch.nn import functional as F


def bce(positive: Tensor, negatives: Tensor, known: Tensor, drawn: Tensor) -> Tensor:
    """Binary cross-entropy with sampled negatives (Kang & McAuley, ICDM 2018, equation 7).

    The mean of -log sigma(r) over the targets plus the mean of -log(1 - sigma(r)) over the
    negatives.

    Args:
        positive: scores of the targets, (T,).
        negatives: scores of the negatives, (T, K).
        known: 1.0 where there is a target, 0.0 at padding, (T,).
        drawn: 1.0 where there is a negative, 0.0 at padding or where none could be drawn, (T, K).
    """
    attract = (F.softplus(-positive) * known).sum() / known.sum()
    repel = (F.softplus(negatives) * drawn).sum() / drawn.sum().clamp(min=1)
    return attract + repel
