"""Softmax cross-entropy over shared negatives or the whole catalogue, a piece at a time.

Shapes: T targets, R of them in a piece, A items ahead that share a target's place, K shared
negatives, D hidden size, N items, X excluded items. Target 0 is padding and does not count.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.switch import fast

# Memory for a piece of the logits: small enough for the cache of one core.
LOGIT_BYTES = 2 * 2**20
GPU_LOGIT_BYTES = 256 * 2**20  # where small pieces leave most of a device idle
# But no fewer targets than this, which share one pass over the item vectors: with 100 thousand
# items 5 targets a piece take 4.3 times as long as 64, and larger pieces gain nothing.
FEWEST_TARGETS = 64
MOST_BYTES = 256 * 2**20  # of a piece with that many


def linear_cross_entropy(
    states: Tensor,
    table: Tensor,
    targets: Tensor,
    shares: Tensor,
    weights: Tensor,
    smoothing: float,
    excluded: Tensor,
) -> Tensor:
    """The weighted mean cross-entropy of targets among all items, (), float32.

    Args:
        states: (T, D).
        table: (N + 1, D); the logits are products with it.
        targets: int64 (T, 1 + A), candidates all; where the first is padding, none counts.
        shares: float32 (T, 1 + A), how a target's probability is shared among these; they sum to 1.
        weights: float32 (T,).
        smoothing: the share of a target's probability that is spread over all items.
        excluded: int64 (X,), the rows of the table that are not candidates.
    """
    compute = LinearCrossEntropy.apply if fast("cross_entropy") else plain_linear
    return compute(states, table, targets, shares, weights, smoothing, excluded)  # type: ignore[no-any-return]


@torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]
def plain_linear(
    states: Tensor,
    table: Tensor,
    targets: Tensor,
    shares: Tensor,
    weights: Tensor,
    smoothing: float,
    excluded: Tensor,
) -> Tensor:
    """The plain twin of `LinearCrossEntropy`: all logits at once, gradients by autograd."""
    real = targets[:, 0] != PAD
    logits = F.linear(states[real].float(), table.float()).index_fill(1, excluded, -torch.inf)
    log_probabilities = logits.log_softmax(-1)  # (T, N + 1)
    losses = -(log_probabilities.gather(1, targets[real]) * shares[real]).sum(1)
    if smoothing:
        spread = log_probabilities.index_fill(1, excluded, 0).sum(1) / (len(table) - len(excluded))
        losses = (1 - smoothing) * losses - smoothing * spread
    weights = weights[real]
    return (losses * weights).sum() / (float(weights.sum()) or 1.0)


def shared_cross_entropy(
    states: Tensor,
    target_vectors: Tensor,
    negative_vectors: Tensor,
    targets: Tensor,
    negatives: Tensor,
    bias: Tensor,
) -> Tensor:
    """The mean cross-entropy of each target among itself and shared negatives, (), float32.

    Args:
        states: (T, D).
        target_vectors: (T, D).
        negative_vectors: (K, D).
        targets: int64 (T,).
        negatives: int64 (K,); a negative that equals the target is ignored for it.
        bias: added to the logits of the negatives, float32 (K,).
    """
    compute = SharedCrossEntropy.apply if fast("shared_cross_entropy") else plain_shared
    return compute(states, target_vectors, negative_vectors, targets, negatives, bias)  # type: ignore[no-any-return]


@torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]
def plain_shared(
    states: Tensor,
    target_vectors: Tensor,
    negative_vectors: Tensor,
    targets: Tensor,
    negatives: Tensor,
    bias: Tensor,
) -> Tensor:
    """The plain twin of `SharedCrossEntropy`: all logits at once, gradients by autograd."""
    real = targets != PAD
    x, target_vectors, negative_vectors = (
        states[real].float(),
        target_vectors[real].float(),
        negative_vectors.float(),
    )
    logits = torch.addmm(bias, x, negative_vectors.T)  # (T, K)
    logits = logits.masked_fill(targets[real].unsqueeze(1) == negatives, -torch.inf)
    logits = torch.cat(((x * target_vectors).sum(1, keepdim=True), logits), dim=1)
    return -logits.log_softmax(1)[:, 0].sum() / max(1, len(x))


class SharedCrossEntropy(torch.autograd.Function):
    """As `LinearCrossEntropy`, over the logit of each target and those of the shared negatives."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any,
        states: Tensor,
        target_vectors: Tensor,
        negative_vectors: Tensor,
        targets: Tensor,
        negatives: Tensor,
        bias: Tensor,
    ) -> Tensor:
        """Map to the mean loss, float32 (); arguments as for `shared_cross_entropy`, float32."""
        real = (targets != PAD).nonzero().squeeze(1)
        states_grad, targets_grad = torch.zeros_like(states), torch.zeros_like(target_vectors)
        negatives_grad = torch.zeros_like(negative_vectors)
        total = states.new_zeros(())
        size = max(1, logit_bytes(states.device) // (4 * len(negative_vectors)))
        buffer = states.new_empty(min(size, len(real)), len(negative_vectors))
        for rows in torch.split(real, size):
            x, vector, logits = states[rows], target_vectors[rows], buffer[: len(rows)]
            torch.addmm(bias, x, negative_vectors.T, out=logits)
            logits.masked_fill_(targets[rows].unsqueeze(1) == negatives, -torch.inf)
            target_logit = (x * vector).sum(1, keepdim=True)
            top = torch.maximum(target_logit, logits.amax(1, keepdim=True))
            logits.sub_(top).exp_()
            target_mass = (target_logit - top).exp()
            total_mass = logits.sum(1, keepdim=True) + target_mass
            total += (total_mass.log() + top - target_logit).sum()
            # `logits` now holds its own gradient.
            logits.div_(total_mass)
            target_grad = target_mass / total_mass - 1
            states_grad[rows] = (logits @ negative_vectors).addcmul_(target_grad, vector)
            targets_grad[rows] = target_grad * x
            negatives_grad.addmm_(logits.T, x)
        ctx.save_for_backward(states_grad, targets_grad, negatives_grad)
        ctx.count = max(1, len(real))
        mean: Tensor = total / ctx.count
        return mean

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the loss's gradient () to those of states, target and negative vectors."""
        scale = grad / ctx.count
        states_grad, targets_grad, negatives_grad = ctx.saved_tensors
        return states_grad * scale, targets_grad * scale, negatives_grad * scale, None, None, None


class LinearCrossEntropy(torch.autograd.Function):
    """Logits, softmax and gradients, a piece of the targets at a time.

    The gradients are computed while a piece is in the cache, so that its logits are computed once
    and never kept: memory is bounded by `logit_bytes`, or by the logits of FEWEST_TARGETS, and not
    by targets x items.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any,
        states: Tensor,
        table: Tensor,
        targets: Tensor,
        shares: Tensor,
        weights: Tensor,
        smoothing: float,
        excluded: Tensor,
    ) -> Tensor:
        """Map to the mean loss, float32 (); arguments as for `linear_cross_entropy`, float32."""
        real = (targets[:, 0] != PAD).nonzero().squeeze(1)
        x, weight = states[real], weights[real].unsqueeze(1)
        # Transposed once: the products below then read memory in order.
        table_t = table.T.contiguous()  # (D, N + 1)
        table_t_grad, x_grad = torch.zeros_like(table_t), torch.empty_like(x)
        total = states.new_zeros((), dtype=torch.float32)
        size = piece_of(len(table), states.device)
        buffer = states.new_empty(min(size, len(real)), len(table), dtype=torch.float32)
        items = len(table) - len(excluded)
        mean = (table.sum(dim=0) - table[excluded].sum(dim=0)) / items if smoothing else None
        cut = (x, x_grad, weight, targets[real], shares[real])
        pieces = (torch.split(each, size) for each in cut)
        for rows, rows_grad, piece_weight, target, share in zip(*pieces, strict=True):
            probability = buffer[: len(rows)]
            torch.mm(rows, table_t, out=probability)
            probability.index_fill_(1, excluded, -torch.inf)
            logit = (probability.gather(1, target) * share).sum(1, keepdim=True)
            torch.softmax(probability, dim=-1, out=probability)
            found = probability.gather(1, target)
            losses = negative_log_likelihood(found, rows, table_t, target, excluded)
            losses = (losses * share).sum(1, keepdim=True)
            # From here on `probability` becomes the gradient of the logits.
            if mean is not None:
                losses = losses + smoothing * (logit - (rows @ mean).unsqueeze(1))
                probability.sub_(smoothing / items).index_fill_(1, excluded, 0)
            # An item may stand there twice: its shares add up.
            probability.scatter_add_(1, target, share * (smoothing - 1))
            total += (losses * piece_weight).sum()
            torch.mm(probability, table, out=rows_grad)
            table_t_grad.addmm_((rows * piece_weight).T, probability)
        states_grad = torch.zeros_like(states).index_copy_(0, real, x_grad.mul_(weight))
        ctx.save_for_backward(states_grad, table_t_grad.T)
        total_weight = float(weight.sum()) or 1.0
        ctx.weight = total_weight
        return total / total_weight

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the loss's gradient () to those of states (T, D) and table (N + 1, D)."""
        states_grad, table_grad = ctx.saved_tensors
        scale = grad / ctx.weight
        return states_grad * scale, table_grad * scale, None, None, None, None, None


def logit_bytes(device: torch.device) -> int:
    """The memory for a piece of the logits."""
    return LOGIT_BYTES if device.type == "cpu" else GPU_LOGIT_BYTES


def piece_of(items: int, device: torch.device) -> int:
    """How many targets are held against that many items at a time."""
    fewest = min(FEWEST_TARGETS, MOST_BYTES // (4 * items))
    return max(1, fewest, logit_bytes(device) // (4 * items))


def negative_log_likelihood(
    target_probability: Tensor, x: Tensor, table_t: Tensor, target: Tensor, excluded: Tensor
) -> Tensor:
    """-log of the targets' probabilities, (R, 1 + A); those near 0 again from the logits.

    x are states (R, D), `table_t` is (D, N + 1), `target` int64 (R, 1 + A).
    """
    # A probability that underflows in float32 has a log of -inf; its logits are finite.
    losses, tiny = -target_probability.log(), (target_probability < 1e-30).any(1)
    if bool(tiny.any()):
        # A GPU's autocast would have them in bfloat16.
        logits = (x[tiny] @ table_t).float().index_fill_(1, excluded, -torch.inf)
        losses[tiny] = logits.logsumexp(-1, keepdim=True) - logits.gather(1, target[tiny])
    return losses
