"""Losses: functions of scores and masks; the softmax over the catalogue, of states and a table.

Shapes: T targets, K negatives, D hidden size, N items. Masks are 1.0 where something counts and
0.0 elsewhere. Every loss is a mean over the targets.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.kernels.cross_entropy import linear_cross_entropy, shared_cross_entropy


def bce(positive: Tensor, negatives: Tensor, known: Tensor, drawn: Tensor) -> Tensor:
    """Binary cross-entropy with sampled negatives (Kang & McAuley, ICDM 2018, equation 7).

    The mean over the targets of -log sigma(r) plus the mean of -log(1 - sigma(r)) over the target's
    negatives.

    Args:
        positive: scores of the targets, (T,).
        negatives: scores of the negatives, (T, K).
        known: where there is a target, (T,).
        drawn: where there is a negative, (T, K).
    """
    attract = (F.softplus(-positive) * known).sum() / known.sum()
    repel = mean_drawn(F.softplus(negatives), drawn) * known
    return attract + repel.sum() / known.sum()


def mean_drawn(values: Tensor, drawn: Tensor) -> Tensor:
    """The mean over each target's negatives, (T, K) -> (T,); 0 where there are none."""
    return (values * drawn).sum(-1) / drawn.sum(-1).clamp(min=1)


def gbce(positive: Tensor, negatives: Tensor, known: Tensor, drawn: Tensor, beta: float) -> Tensor:
    """Generalised binary cross-entropy (Petrov & Macdonald, RecSys 2023, equation 11).

    -(log sigma(r)^beta + sum over negatives of log(1 - sigma(r))) / (K + 1), which undoes the
    overconfidence that comes of drawing few of many negatives. Arguments as for `bce`.
    """
    attract = beta * F.softplus(-positive) * known
    repel = (F.softplus(negatives) * drawn).sum(-1) * known
    return (attract + repel).sum() / (known.sum() * (negatives.shape[-1] + 1))


def gbce_beta(calibration: float, num_negatives: int, num_items: int) -> float:
    """The power of gBCE for a calibration t in [0, 1] (equation 12): 1 is plain BCE.

    alpha (t (1 - 1 / alpha) + 1 / alpha) with the sampling rate alpha = K / (N - 1).
    """
    alpha = min(1.0, num_negatives / max(1, num_items - 1))
    return alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)


def sampled_softmax(
    positive: Tensor,
    negatives: Tensor,
    known: Tensor,
    drawn: Tensor,
    log_probabilities: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of the target among itself and its negatives (Jean et al., ACL 2015).

    With `log_probabilities` (T, K), the log of each draw's probability q, a negative's logit r
    counts as r - log(K q): then the sum over the negatives estimates, without bias, the sum of
    exp(r) over all items that can be drawn (Bengio & Senécal, IEEE TNN 2008). Other arguments as
    for `bce`.
    """
    others = negatives
    if log_probabilities is not None:
        others = others - log_probabilities - math.log(negatives.shape[-1])
    others = others.masked_fill(drawn == 0, -torch.inf)
    logits = torch.cat((positive.unsqueeze(-1), others), dim=-1)  # (T, 1 + K)
    return ((logits.logsumexp(-1) - positive) * known).sum() / known.sum()


def shared_softmax(
    states: Tensor,
    own: Tensor,
    others: Tensor,
    targets: Tensor,
    negatives: Tensor,
    log_probabilities: Tensor | None = None,
) -> Tensor:
    """`sampled_softmax` with negatives that all targets share, without holding all logits.

    Args:
        states: (T, D).
        own: the vectors of the targets, (T, D).
        others: the vectors of the negatives, (K, D).
        targets: int64 (T,); 0 does not count.
        negatives: int64 (K,); one that is the target itself does not count for it.
        log_probabilities: the logs of each negative's probability, (K,), or None.
    """
    bias = torch.zeros(len(others), device=states.device)
    if log_probabilities is not None:
        bias = -log_probabilities - math.log(len(others))
    return shared_cross_entropy(states, own, others, targets, negatives, bias)


def bpr(positive: Tensor, negatives: Tensor, known: Tensor, drawn: Tensor) -> Tensor:
    """Bayesian personalised ranking (Rendle et al., UAI 2009): -log sigma(r - r_negative).

    The mean over the targets of the mean over their negatives. Arguments as for `bce`.
    """
    pairs = F.softplus(negatives - positive.unsqueeze(-1))
    return (mean_drawn(pairs, drawn) * known).sum() / known.sum()


def bpr_max(
    positive: Tensor, negatives: Tensor, known: Tensor, drawn: Tensor, regularisation: float
) -> Tensor:
    """BPR-max (Hidasi & Karatzoglou, CIKM 2018, equations 10 and 11).

    With s the softmax of the negatives' scores among themselves:
    -log sum(s sigma(r - r_negative)) + regularisation * sum(s r_negative^2). Arguments as for
    `bce`; a target without any negative counts as 0.
    """
    others = negatives.masked_fill(drawn == 0, -1e30)
    log_s = others.log_softmax(-1)  # (T, K)
    log_terms = (log_s + F.logsigmoid(positive.unsqueeze(-1) - negatives)).masked_fill(
        drawn == 0, -1e30
    )
    penalty = (log_s.exp() * drawn * negatives.square()).sum(-1)
    counts = known * drawn.amax(-1)
    each = torch.where(counts > 0, regularisation * penalty - log_terms.logsumexp(-1), 0.0)
    return (each * counts).sum() / known.sum()


def softmax(
    states: Tensor,
    table: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    smoothing: float = 0.0,
    excluded_items: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of the target among all items, without holding all logits.

    Args:
        states: (T, D).
        table: (N + 1, D).
        targets: int64 (T,); 0 does not count.
        weights: of the targets, (T,); None: 1 each.
        smoothing: the share of the target's probability that is spread over all items (Szegedy et
            al., CVPR 2016, section 7).
        excluded_items: int64, the rows that are no candidates; None: row 0, padding, alone.
    """
    if excluded_items is None:
        excluded_items = torch.zeros(1, dtype=torch.int64, device=targets.device)
    if weights is None:
        weights = torch.ones_like(targets, dtype=torch.float32)
    return linear_cross_entropy(states, table, targets, weights, smoothing, excluded_items)
