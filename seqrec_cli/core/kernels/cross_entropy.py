"""Softmax cross-entropy over shared candidates or the whole catalogue, a tile at a time."""

from typing import Any

import torch
from torch import Tensor

from seqrec_cli.core.data.sequences import PAD

# What a piece of the logits may take: small enough for a core's own cache.
LOGIT_BYTES = 2 * 2**20


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
        barred: Tensor,
    ) -> Tensor:
        real = (targets != PAD).nonzero().squeeze(1)
        x, weight, wanted = (each[real] for each in (states, weights.unsqueeze(1), targets))
        # Turned once: products with it, and sums of products into it, read memory as it lies.
        turned = table.T.contiguous()  # (D, N + 1)
        turned_grad, x_grad = torch.zeros_like(turned), torch.empty_like(x)
        total = states.new_zeros((), dtype=torch.float32)
        size = max(1, LOGIT_BYTES // (4 * len(table)))
        room = states.new_empty(min(size, len(real)), len(table), dtype=torch.float32)
        items = len(table) - len(barred)
        mean = (table.sum(dim=0) - table[barred].sum(dim=0)) / items if smoothing else None
        pieces = (torch.split(each, size) for each in (x, x_grad, weight, wanted.unsqueeze(1)))
        for rows, rows_grad, weigh, own in zip(*pieces, strict=True):
            chance = room[: len(rows)]
            torch.mm(rows, turned, out=chance)
            chance.index_fill_(1, barred, -torch.inf)
            logit = chance.gather(1, own)
            torch.softmax(chance, dim=-1, out=chance)
            likely = chance.gather(1, own)
            lost = surprise(likely, rows, turned, own, barred)
            # What is left of `chance` is the gradient by the logits.
            if mean is not None:
                lost = lost + smoothing * (logit - (rows @ mean).unsqueeze(1))
                chance.sub_(smoothing / items).index_fill_(1, barred, 0)
                likely = likely - smoothing / items
            chance.scatter_(1, own, likely - (1 - smoothing))
            total += (lost * weigh).sum()
            torch.mm(chance, table, out=rows_grad)
            turned_grad.addmm_((rows * weigh).T, chance)
        states_grad = torch.zeros_like(states).index_copy_(0, real, x_grad.mul_(weight))
        ctx.save_for_backward(states_grad, turned_grad.T)
        weighed = float(weight.sum()) or 1.0
        ctx.weight = weighed
        return total / weighed

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        states_grad, table_grad = ctx.saved_tensors
        scale = grad / ctx.weight
        return states_grad * scale, table_grad * scale, None, None, None, None


def surprise(likely: Tensor, x: Tensor, turned: Tensor, own: Tensor, barred: Tensor) -> Tensor:
    """-log of the targets' chances (R, 1), from their logits where a chance is too small for that.

    Those are looked up again: states x (R, D) against the turned table (D, N + 1).
    """
    found, tiny = -likely.log(), (likely < 1e-30).squeeze(1)
    if bool(tiny.any()):
        logits = (x[tiny] @ turned).index_fill_(1, barred, -torch.inf)
        found[tiny] = logits.logsumexp(-1, keepdim=True) - logits.gather(1, own[tiny])
    return found
