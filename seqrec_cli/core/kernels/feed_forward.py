"""The feed-forward network of a block, forward and backward."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.kernels.scripting import scripted


def feed_forward(
    x: Tensor, inner: nn.Linear, outer: nn.Linear, drop: float, noise: Noise | None
) -> Tensor:
    """dropout(outer(dropout(relu(inner(x))))), (T, D) -> (T, D)."""
    if noise is None or drop == 0 or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return dropout(outer(dropout(F.relu(inner(x)), drop, noise)), drop, noise)
    weights = inner.weight, inner.bias, outer.weight, outer.bias
    return FeedForward.apply(x, *weights, drop, noise)  # type: ignore[no-any-return, no-untyped-call]


class FeedForward(torch.autograd.Function):
    """The same with half of the passes over memory.

    The two scales of dropout are taken into the outer weights, which are smaller, and what is 0
    after the inner dropout needs no other mask.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        inner: Tensor,
        inner_bias: Tensor,
        outer: Tensor,
        outer_bias: Tensor,
        drop: float,
        noise: Noise,
    ) -> Tensor:
        ctx.scale = 1 / (1 - drop)
        kept, mask = noise.kept((len(x), len(inner)), drop), noise.kept(x.shape, drop)
        out, h, outer = through(x, inner, inner_bias, outer, outer_bias, kept, mask, ctx.scale)
        ctx.save_for_backward(x, h, mask, inner, outer)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, h, mask, inner, outer = ctx.saved_tensors
        return *through_back(grad, x, h, mask, inner, outer, ctx.scale), None, None


@scripted
def through(
    x: Tensor,
    inner: Tensor,
    inner_bias: Tensor,
    outer: Tensor,
    outer_bias: Tensor,
    kept: Tensor,
    mask: Tensor,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The output, what is kept of the inner layer (T, inner), and the scaled outer weights."""
    outer = outer * scale**2
    h = torch.addmm(inner_bias, x, inner.T, out=x.new_empty(kept.shape))
    h.relu_().mul_(kept)
    out = torch.addmm(outer_bias * scale, h, outer.T, out=x.new_empty(mask.shape))
    return out.mul_(mask), h, outer


@scripted
def through_back(
    grad: Tensor, x: Tensor, h: Tensor, mask: Tensor, inner: Tensor, outer: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients by x and the four weights."""
    grad = grad * mask
    dh = torch.ops.aten.threshold_backward(grad @ outer, h, 0)
    douter = (grad.T @ h).mul_(scale**2)
    return dh @ inner, dh.T @ x, dh.sum(0), douter, grad.sum(0).mul_(scale)
