"""Softmax cross-entropy over shared candidates or the whole catalogue, a piece at a time.

Shapes: T targets, R of them in a piece, K shared negatives, D hidden size, N items, X excluded
items. Target 0 is padding and does not count.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.switch import fast

# What a piece of the logits may take: small enough for a core's own cache.
LOGIT_BYTES = 2 * 2**20


def linear_cross_entropy(
    states: Tensor,
    table: Tensor,
    targets: Tensor,
    weights: Tensor,
    smoothing: float,
    excluded: Tensor,
) -> Tensor:
    """The weighted mean cross-entropy of targets among all items, (), float32.

    Args:
        states: (T, D).
        table: (N + 1, D); the logits are products with it.
        targets: int64 (T,).
        weights: float32 (T,).
        smoothing: the share of a target's probability that is spread over all items.
        excluded: int64 (X,), the rows of the table that are no candidates.
    """
    compute = LinearCrossEntropy.apply if fast("cross_entropy") else plain_linear
    return compute(states, table, targets, weights, smoothing, excluded)  # type: ignore[no-any-return]


@torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]
def plain_linear(
    states: Tensor,
    table: Tensor,
    targets: Tensor,
    weights: Tensor,
    smoothing: float,
    excluded: Tensor,
) -> Tensor:
    """Compute what `LinearCrossEntropy` computes with all logits at once, gradients by autograd."""
    real = targets != PAD
    logits = F.linear(states[real].float(), table.float()).index_fill(1, excluded, -torch.inf)
    log_probabilities = logits.log_softmax(-1)  # (T, N + 1)
    losses = -log_probabilities.gather(1, targets[real].unsqueeze(1)).squeeze(1)
    if smoothing:
        spread = log_probabilities.index_fill(1, excluded, 0).sum(1) / (len(table) - len(excluded))
        losses = (1 - smoothing) * losses - smoothing * spread
    weights = weights[real]
    return (losses * weights).sum() / (float(weights.sum()) or 1.0)


def shared_cross_entropy(
    states: Tensor, own: Tensor, others: Tensor, targets: Tensor, negatives: Tensor, bias: Tensor
) -> Tensor:
    """The mean cross-entropy of each target among itself and shared negatives, (), float32.

    Args:
        states: (T, D).
        own: the vectors of the targets, (T, D).
        others: the vectors of the negatives, (K, D).
        targets: int64 (T,).
        negatives: int64 (K,); one that is the target itself does not count for it.
        bias: added to the logits of the negatives, float32 (K,).
    """
    compute = SharedCrossEntropy.apply if fast("shared_cross_entropy") else plain_shared
    return compute(states, own, others, targets, negatives, bias)  # type: ignore[no-any-return]


@torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]
def plain_shared(
    states: Tensor, own: Tensor, others: Tensor, targets: Tensor, negatives: Tensor, bias: Tensor
) -> Tensor:
    """Compute what `SharedCrossEntropy` computes with all logits at once, gradients by autograd."""
    real = targets != PAD
    x, own, others = states[real].float(), own[real].float(), others.float()
    logits = torch.addmm(bias, x, others.T)  # (T, K)
    logits = logits.masked_fill(targets[real].unsqueeze(1) == negatives, -torch.inf)
    logits = torch.cat(((x * own).sum(1, keepdim=True), logits), dim=1)
    return -logits.log_softmax(1)[:, 0].sum() / max(1, len(x))


class SharedCrossEntropy(torch.autograd.Function):
    """As `LinearCrossEntropy`, with a logit of its own for each target before the shared ones."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any,
        states: Tensor,
        own: Tensor,
        others: Tensor,
        targets: Tensor,
        negatives: Tensor,
        bias: Tensor,
    ) -> Tensor:
        """Map to the mean loss, float32 (); arguments as for `shared_cross_entropy`, float32."""
        real = (targets != PAD).nonzero().squeeze(1)
        states_grad, own_grad = torch.zeros_like(states), torch.zeros_like(own)
        others_grad = torch.zeros_like(others)
        total = states.new_zeros(())
        size = max(1, LOGIT_BYTES // (4 * len(others)))
        room = states.new_empty(min(size, len(real)), len(others))
        for rows in torch.split(real, size):
            x, vector, logits = states[rows], own[rows], room[: len(rows)]
            torch.addmm(bias, x, others.T, out=logits)
            logits.masked_fill_(targets[rows].unsqueeze(1) == negatives, -torch.inf)
            first = (x * vector).sum(1, keepdim=True)
            top = torch.maximum(first, logits.amax(1, keepdim=True))
            logits.sub_(top).exp_()
            mass = (first - top).exp()
            whole = logits.sum(1, keepdim=True) + mass
            total += (whole.log() + top - first).sum()
            # What is left of `logits` is the gradient by them.
            logits.div_(whole)
            miss = mass / whole - 1
            states_grad[rows] = (logits @ others).addcmul_(miss, vector)
            own_grad[rows] = miss * x
            others_grad.addmm_(logits.T, x)
        ctx.save_for_backward(states_grad, own_grad, others_grad)
        ctx.count = max(1, len(real))
        mean: Tensor = total / ctx.count
        return mean

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the loss's gradient () to those of states (T, D), own (T, D) and others (K, D)."""
        scale = grad / ctx.count
        states_grad, own_grad, others_grad = ctx.saved_tensors
        return states_grad * scale, own_grad * scale, others_grad * scale, None, None, None


class LinearCrossEntropy(torch.autograd.Function):
    """Logits, softmax and gradients, a piece of the targets at a time.

    The gradients are taken while a piece is in the cache, so that its logits are computed once
    and never kept: memory is bounded by LOGIT_BYTES, not by targets x items.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any,
        states: Tensor,
        table: Tensor,
        targets: Tensor,
        weights: Tensor,
        smoothing: float,
        excluded: Tensor,
    ) -> Tensor:
        """Map to the mean loss, float32 (); arguments as for `linear_cross_entropy`, float32."""
        real = (targets != PAD).nonzero().squeeze(1)
        x, weight, wanted = (each[real] for each in (states, weights.unsqueeze(1), targets))
        # Transposed once: products with it, and sums of products into it, read memory as it lies.
        table_t = table.T.contiguous()  # (D, N + 1)
        table_t_grad, x_grad = torch.zeros_like(table_t), torch.empty_like(x)
        total = states.new_zeros((), dtype=torch.float32)
        size = max(1, LOGIT_BYTES // (4 * len(table)))
        room = states.new_empty(min(size, len(real)), len(table), dtype=torch.float32)
        items = len(table) - len(excluded)
        mean = (table.sum(dim=0) - table[excluded].sum(dim=0)) / items if smoothing else None
        pieces = (torch.split(each, size) for each in (x, x_grad, weight, wanted.unsqueeze(1)))
        for rows, rows_grad, weigh, own in zip(*pieces, strict=True):
            probability = room[: len(rows)]
            torch.mm(rows, table_t, out=probability)
            probability.index_fill_(1, excluded, -torch.inf)
            logit = probability.gather(1, own)
            torch.softmax(probability, dim=-1, out=probability)
            target_probability = probability.gather(1, own)
            lost = negative_log_likelihood(target_probability, rows, table_t, own, excluded)
            # What is left of `probability` is the gradient by the logits.
            if mean is not None:
                lost = lost + smoothing * (logit - (rows @ mean).unsqueeze(1))
                probability.sub_(smoothing / items).index_fill_(1, excluded, 0)
                target_probability = target_probability - smoothing / items
            probability.scatter_(1, own, target_probability - (1 - smoothing))
            total += (lost * weigh).sum()
            torch.mm(probability, table, out=rows_grad)
            table_t_grad.addmm_((rows * weigh).T, probability)
        states_grad = torch.zeros_like(states).index_copy_(0, real, x_grad.mul_(weight))
        ctx.save_for_backward(states_grad, table_t_grad.T)
        weighed = float(weight.sum()) or 1.0
        ctx.weight = weighed
        return total / weighed

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the loss's gradient () to those of states (T, D) and table (N + 1, D)."""
        states_grad, table_grad = ctx.saved_tensors
        scale = grad / ctx.weight
        return states_grad * scale, table_grad * scale, None, None, None, None


def negative_log_likelihood(
    target_probability: Tensor, x: Tensor, table_t: Tensor, own: Tensor, excluded: Tensor
) -> Tensor:
    """-log of the targets' probabilities (R, 1); of those near 0 from their logits, computed again.

    States x (R, D) against the transposed table (D, N + 1); `own` int64 (R, 1), the targets.
    """
    # A probability below float32's range has a logarithm of -inf, its logits have not.
    losses, tiny = -target_probability.log(), (target_probability < 1e-30).squeeze(1)
    if bool(tiny.any()):
        logits = (x[tiny] @ table_t).index_fill_(1, excluded, -torch.inf)
        losses[tiny] = logits.logsumexp(-1, keepdim=True) - logits.gather(1, own[tiny])
    return losses
