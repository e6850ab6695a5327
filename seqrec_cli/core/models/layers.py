"""What models are built of: dropout, look-ups, networks and convolution over packed histories."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import Packed, pack_padded
from seqrec_cli.core.data.dataset import PAD
from seqrec_cli.core.kernels.scripting import scripted
from seqrec_cli.core.randomness import Noise

Pooling = Literal["mean", "sum", "max"]


def dropout(x: Tensor, drop: float, noise: Noise | None) -> Tensor:
    """Zero each element of `x` with probability `drop` and scale the rest; without noise, x."""
    if noise is None or drop == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, drop)
    return x * noise.kept(x.shape, drop).div_(1 - drop).to(x.dtype)


def add_onto(y: Tensor, x: Tensor) -> Tensor:
    """x + y, into y where that loses no precision; nothing else may need y any more."""
    return y.add_(x) if y.dtype == x.dtype else x + y


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


def look_up(table: nn.Embedding, ids: Tensor) -> Tensor:
    """The rows of a table, ids (...) -> (..., D), with the table's `padding_idx` and `sparse`."""
    if table.sparse or ids.device.type != "cpu":
        return table(ids)  # type: ignore[no-any-return]
    return Rows.apply(table.weight, ids, table.padding_idx)  # type: ignore[no-any-return, no-untyped-call]


class Rows(torch.autograd.Function):
    """torch's embedding with a gradient that takes a third of the time on one core."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor, padding: int | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.size, ctx.padding = table.shape, padding
        return F.embedding(ids, table)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (ids,) = ctx.saved_tensors
        found = grad.new_zeros(ctx.size)
        found.index_add_(0, ids.flatten(), grad.flatten(0, -2))
        if ctx.padding is not None:
            found[ctx.padding] = 0
        return found, None, None


def encode_padded(model: Any, history: Tensor, noise: Noise | None) -> Tensor:
    """A model's states (B, L, D) of histories (B, L), padding on the left; 0 at padding."""
    batch, cells, slots = pack_padded(history)
    states = model.encode(batch, noise)  # (T, D)
    flat = states.new_zeros(history.numel(), states.shape[-1])
    flat = flat.index_copy(0, cells, states[slots]).view(*history.shape, -1)  # (B, L, D)
    return torch.where((history != PAD).unsqueeze(-1), flat, 0.0)


def pool(vectors: Tensor, real: Tensor, how: Pooling) -> Tensor:
    """One vector of several: (R, M, D) and where they count (R, M) to (R, D); 0 of none."""
    mask = real.unsqueeze(-1)
    if how == "max":
        found = vectors.masked_fill(~mask, -torch.inf).amax(1) if vectors.shape[1] else None
        zeros = vectors.new_zeros(len(vectors), vectors.shape[2])
        return zeros if found is None else torch.where(mask.any(1), found, zeros)
    total = (vectors * mask).sum(1)
    return total if how == "sum" else total / mask.sum(1).clamp(min=1)


def convolve(x: Tensor, weights: Tensor, batch: Packed) -> Tensor:
    """Add to every slot its row's earlier ones: x[t] + sum over l of weights[l - 1] * x[t - l].

    A depthwise causal convolution with a residual: x (T, D), weights (lags, D) -> (T, D).
    """
    return Convolution.apply(x, weights, batch)  # type: ignore[no-any-return, no-untyped-call]


class Convolution(torch.autograd.Function):
    """The convolution block by block, in place of a padded copy for each lag."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, batch: Packed) -> Tensor:
        ctx.save_for_backward(x, weights)
        ctx.batch = batch
        out = x.clone(memory_format=torch.contiguous_format)
        for rows, sums in batch.views(x, out):
            for lag, weight in enumerate(weights[: rows.shape[1] - 1], 1):
                sums[:, lag:].addcmul_(rows[:, :-lag], weight.to(x.dtype))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weights = ctx.saved_tensors
        grad = grad.contiguous()
        x_grad, weights_grad = grad.clone(), torch.zeros_like(weights)
        for rows, g, sums in ctx.batch.views(x, grad, x_grad):
            for lag, weight in enumerate(weights[: rows.shape[1] - 1], 1):
                sums[:, :-lag].addcmul_(g[:, lag:], weight.to(x.dtype))
                weights_grad[lag - 1] += (g[:, lag:] * rows[:, :-lag]).sum((0, 1))
        return x_grad, weights_grad, None


@torch.no_grad()
def init_weights(model: nn.Module, generator: torch.Generator | None) -> None:
    """Xavier-normal matrices (Glorot & Bengio 2010), zero biases, zero rows for padding."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.xavier_normal_(module.weight, generator=generator)
        if isinstance(module, nn.GRU):
            for name, weights in module.named_parameters():
                if "bias" in name:
                    weights.zero_()
                else:
                    nn.init.xavier_normal_(weights, generator=generator)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.zero_()
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
