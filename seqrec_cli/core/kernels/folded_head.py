"""One head of attention with its query, key, value and output layers folded together.

Shapes: T slots (see batching/packing.py), D hidden size.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import Packed
from seqrec_cli.core.kernels.attention import (
    Bands,
    attend,
    attend_back,
    causal_attention,
    from_start,
    keep_scale,
)
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.switch import fast


def one_head(
    x: Tensor,
    source: Tensor,
    layers: tuple[nn.Linear, nn.Linear, nn.Linear, nn.Linear],
    batch: Packed,
    drop: float,
    noise: Noise | None,
) -> Tensor:
    """Attention of one head, its query, key, value and output layers included, (T, D) -> (T, D).

    Queries come from x, keys and values from `source`; the key layer has no bias.
    """
    query, key, value, outer = layers
    folded = fast("folded_head") and fast("attention")
    if not folded or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        scale = 1 / math.sqrt(x.shape[-1])
        q = F.linear(x, query.weight * scale, query.bias * scale)
        attended = causal_attention(q, key(source), value(source), batch, 1, drop, noise)
        return outer(attended)  # type: ignore[no-any-return]
    inner = query.weight, query.bias, key.weight, value.weight, value.bias
    return OneHead.apply(  # type: ignore[no-any-return, no-untyped-call]
        x, source, *inner, outer.weight, outer.bias, batch.blocks, drop, noise
    )


class OneHead(torch.autograd.Function):
    """One head of attention with its query, key, value and output layers.

    (Q x + b) . K s = (K^T Q x + K^T b) . s, and O sum a (V s + c) = sum a (OV s + Oc): two products
    of (D, D) by (D, D) replace two of (T, D) by (D, D). One node of autograd replaces 25: parts of
    a batch are small, and every node has an overhead.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        source: Tensor,
        query: Tensor,
        query_bias: Tensor,
        key: Tensor,
        value: Tensor,
        value_bias: Tensor,
        outer: Tensor,
        outer_bias: Tensor,
        blocks: tuple[tuple[int, int], ...],
        drop: float,
        noise: Noise | None,
    ) -> Tensor:
        """Map x and source (T, D) to the output (T, D), all float32.

        Matrices are (D, D) and biases (D,), as in `nn.Linear`.
        """
        source = from_start(source)
        ctx.scale = 1 / math.sqrt(x.shape[-1])
        ctx.bands, ctx.keep = Bands.of(blocks), keep_scale(drop, noise)
        to_key = key.T * ctx.scale
        to_query, to_value = to_key @ query, outer @ value
        q = torch.addmm(to_key @ query_bias, x, to_query.T)
        v = torch.addmm(outer @ value_bias, source, to_value.T)
        out, *saved = attend(q, source, v, ctx.bands, drop, noise)
        ctx.save_for_backward(
            *(q, source, *saved, out),
            *(x, to_key, to_query, to_value, query, query_bias, value, value_bias, outer),
        )
        return out + outer_bias

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the output's gradient (T, D) to those of the nine tensors of `forward`, float32."""
        attended, rest = ctx.saved_tensors[:6], ctx.saved_tensors[6:]
        dq, dsource, dv = attend_back(from_start(grad), attended, ctx.bands, ctx.keep)
        gradients = project_back(grad, dq, dsource, dv, attended[1], ctx.scale, *rest)
        return *gradients, None, None, None


def project_back(
    grad: Tensor,
    dq: Tensor,
    dsource: Tensor,
    dv: Tensor,
    source: Tensor,
    scale: float,
    x: Tensor,
    to_key: Tensor,
    to_query: Tensor,
    to_value: Tensor,
    query: Tensor,
    query_bias: Tensor,
    value: Tensor,
    value_bias: Tensor,
    outer: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Map the gradients of the inputs of attention to those of the inputs of `OneHead`.

    grad, dq, dsource, dv, source and x are (T, D), matrices (D, D), biases (D,).
    """
    dto_query, dq_bias = dq.T @ x, dq.sum(0)
    dto_value, dv_bias = dv.T @ source, dv.sum(0)
    dto_key = (dto_query @ query.T).addr_(dq_bias, query_bias)
    return (
        dq @ to_query,
        dsource.addmm_(dv, to_value),
        to_key.T @ dto_query,
        to_key.T @ dq_bias,
        dto_key.T.contiguous() * scale,
        outer.T @ dto_value,
        outer.T @ dv_bias,
        (dto_value @ value.T).addr_(dv_bias, value_bias),
        grad.sum(0),
    )
