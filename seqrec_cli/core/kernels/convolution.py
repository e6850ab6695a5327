"""A causal depthwise convolution over packed histories."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import Packed
from seqrec_cli.core.kernels.switch import fast


def convolve(x: Tensor, weights: Tensor, batch: Packed) -> Tensor:
    """Mix each slot with earlier ones of its row: x[t] + sum over l of weights[l - 1] * x[t - l].

    A depthwise causal convolution with a residual: x (T, D), weights (lags, D) -> (T, D).
    """
    if not fast("convolution"):
        return plain_convolve(x, weights, batch)
    return Convolution.apply(x, weights, batch)  # type: ignore[no-any-return, no-untyped-call]


def plain_convolve(x: Tensor, weights: Tensor, batch: Packed) -> Tensor:
    """The plain twin of `Convolution`: torch's depthwise convolution, block by block."""
    lags, width = weights.shape
    kernel = weights.flip(0).T.unsqueeze(1).to(x.dtype)  # (D, 1, lags)
    outputs = []
    for (rows,) in batch.views(x):
        earlier = F.pad(rows.mT, (lags, -1))  # (R, D, lags + L - 1): nothing reads the last
        mixed = F.conv1d(earlier, kernel, groups=width).mT
        outputs.append((rows + mixed).flatten(0, 1))
    return torch.cat(outputs)


class Convolution(torch.autograd.Function):
    """The convolution block by block, without a padded copy for each lag."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, batch: Packed) -> Tensor:
        """Map x (T, D) and weights (lags, D) to (T, D) in x's dtype, float32 or bfloat16."""
        ctx.save_for_backward(x, weights)
        ctx.batch = batch
        out = x.clone(memory_format=torch.contiguous_format)
        for rows, sums in batch.views(x, out):
            for lag, weight in enumerate(weights[: rows.shape[1] - 1], 1):
                sums[:, lag:].addcmul_(rows[:, :-lag], weight.to(x.dtype))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the output's gradient (T, D) to those of x (T, D) and weights (lags, D)."""
        x, weights = ctx.saved_tensors
        grad = grad.contiguous()
        x_grad, weights_grad = grad.clone(), torch.zeros_like(weights)
        for rows, g, sums in ctx.batch.views(x, grad, x_grad):
            for lag, weight in enumerate(weights[: rows.shape[1] - 1], 1):
                sums[:, :-lag].addcmul_(g[:, lag:], weight.to(x.dtype))
                weights_grad[lag - 1] += (g[:, lag:] * rows[:, :-lag]).sum((0, 1))
        return x_grad, weights_grad, None
