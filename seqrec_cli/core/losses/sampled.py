"""Losses of a target's score and of those of sampled negatives.

Shapes: T targets, K negatives, N items.
"""

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.kernels.cross_entropy import shared_cross_entropy
from seqrec_cli.core.losses.interface import LossSettings, Scores, SharedNegatives


def mean_drawn(values: Tensor, drawn: Tensor) -> Tensor:
    """The mean over each target's negatives, (T, K) -> (T,); 0 where there are none."""
    return (values * drawn).sum(-1) / drawn.sum(-1).clamp(min=1)


class BCESettings(LossSettings):
    """The settings of `loss: bce`."""

    name: Literal["bce"] = "bce"


def bce(scores: Scores, settings: BCESettings) -> Tensor:
    """Binary cross-entropy with sampled negatives (Kang & McAuley, ICDM 2018, equation 7).

    The mean over the targets of -log sigma(r) plus the mean of -log(1 - sigma(r)) over the target's
    negatives.
    """
    known = scores.known
    attract = (F.softplus(-scores.positive) * known).sum() / known.sum()
    repel = mean_drawn(F.softplus(scores.negatives), scores.drawn) * known
    return attract + repel.sum() / known.sum()


class GBCESettings(LossSettings):
    """The settings of `loss: gbce`."""

    name: Literal["gbce"] = "gbce"
    gbce_t: float = Field(
        0.75, ge=0, le=1, description="calibration t of gbce; 0: plain bce, 1: fully calibrated"
    )


def gbce(scores: Scores, settings: GBCESettings) -> Tensor:
    """Generalised binary cross-entropy (Petrov & Macdonald, RecSys 2023, equation 11).

    -(log sigma(r)^beta + sum over negatives of log(1 - sigma(r))) / (K + 1), which undoes the
    overconfidence that comes of drawing few of many negatives.
    """
    num_negatives = scores.negatives.shape[-1]
    beta = gbce_beta(settings.gbce_t, num_negatives, scores.num_items)
    attract = beta * F.softplus(-scores.positive) * scores.known
    repel = (F.softplus(scores.negatives) * scores.drawn).sum(-1) * scores.known
    return (attract + repel).sum() / (scores.known.sum() * (num_negatives + 1))


def gbce_beta(calibration: float, num_negatives: int, num_items: int) -> float:
    """The power of gBCE for a calibration t in [0, 1] (equation 12): 1 is plain BCE.

    alpha (t (1 - 1 / alpha) + 1 / alpha) with the sampling rate alpha = K / (N - 1).
    """
    alpha = min(1.0, num_negatives / max(1, num_items - 1))
    return alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)


class SampledSoftmaxSettings(LossSettings):
    """The settings of `loss: sampled_softmax`."""

    name: Literal["sampled_softmax"] = "sampled_softmax"
    logq: bool = Field(False, description="correct for the probability of each draw (logQ)")

    @property
    def corrects_sampling(self) -> bool:
        return self.logq


def sampled_softmax(scores: Scores, settings: SampledSoftmaxSettings) -> Tensor:
    """Cross-entropy of the target among itself and its negatives (Jean et al., ACL 2015).

    With the log of each draw's probability q, a negative's logit r counts as r - log(K q): then the
    sum over the negatives estimates, without bias, the sum of exp(r) over all items that can be
    drawn (Bengio & Senécal, IEEE TNN 2008).
    """
    others = scores.negatives
    if scores.log_probabilities is not None:
        others = others - scores.log_probabilities - math.log(others.shape[-1])
    others = others.masked_fill(scores.drawn == 0, -torch.inf)
    logits = torch.cat((scores.positive.unsqueeze(-1), others), dim=-1)  # (T, 1 + K)
    return ((logits.logsumexp(-1) - scores.positive) * scores.known).sum() / scores.known.sum()


def shared_softmax(inputs: SharedNegatives, settings: SampledSoftmaxSettings) -> Tensor:
    """`sampled_softmax` with negatives that all targets share, without holding all logits."""
    bias = torch.zeros(len(inputs.others), device=inputs.states.device)
    if inputs.log_probabilities is not None:
        bias = -inputs.log_probabilities - math.log(len(inputs.others))
    return shared_cross_entropy(
        inputs.states, inputs.own, inputs.others, inputs.targets, inputs.negatives, bias
    )


class BPRSettings(LossSettings):
    """The settings of `loss: bpr`."""

    name: Literal["bpr"] = "bpr"
    score_elu: float | None = Field(
        None, gt=0, description="alpha of an ELU that scores go through first; null: no ELU"
    )


def bpr(scores: Scores, settings: BPRSettings) -> Tensor:
    """Bayesian personalised ranking (Rendle et al., UAI 2009): -log sigma(r - r_negative).

    The mean over the targets of the mean over their negatives.
    """
    positive, negatives = bounded(scores, settings.score_elu)
    pairs = F.softplus(negatives - positive.unsqueeze(-1))
    return (mean_drawn(pairs, scores.drawn) * scores.known).sum() / scores.known.sum()


class BPRMaxSettings(LossSettings):
    """The settings of `loss: bpr_max`."""

    renamed: ClassVar = {"bpr_max_regularisation": "bpr_max_regularization"}

    name: Literal["bpr_max"] = "bpr_max"
    bpr_max_regularization: float = Field(
        1.0, ge=0, description="weight of the negatives' squared scores"
    )
    score_elu: float | None = Field(
        None, gt=0, description="alpha of an ELU that scores go through first; null: no ELU"
    )


def bpr_max(scores: Scores, settings: BPRMaxSettings) -> Tensor:
    """BPR-max (Hidasi & Karatzoglou, CIKM 2018, equations 10 and 11).

    With s the softmax of the negatives' scores among themselves:
    -log sum(s sigma(r - r_negative)) + regularization * sum(s r_negative^2). A target without any
    negative counts as 0.
    """
    positive, negatives = bounded(scores, settings.score_elu)
    missing = scores.drawn == 0
    log_s = negatives.masked_fill(missing, -1e30).log_softmax(-1)  # (T, K)
    log_wins = log_s + F.logsigmoid(positive.unsqueeze(-1) - negatives)
    log_wins = log_wins.masked_fill(missing, -1e30)
    penalty = (log_s.exp() * scores.drawn * negatives.square()).sum(-1)
    counts = scores.known * scores.drawn.amax(-1)
    each = settings.bpr_max_regularization * penalty - log_wins.logsumexp(-1)
    return (torch.where(counts > 0, each, 0.0) * counts).sum() / scores.known.sum()


def bounded(scores: Scores, alpha: float | None) -> tuple[Tensor, Tensor]:
    """The scores of targets and negatives, through an ELU if `alpha` is given."""
    if alpha is None:
        return scores.positive, scores.negatives
    return F.elu(scores.positive, alpha), F.elu(scores.negatives, alpha)
