"""What more than one model is built of: dropout and causal attention over packed histories."""

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.packing import Packed
from seqrec_cli.core.randomness import Noise

# Queries are taken in bands of this many rows, each against the keys up to its end, so that
# little is computed above the diagonal. Smaller bands save arithmetic and cost calls.
BAND = 64


def dropout(x: Tensor, drop: float, noise: Noise | None) -> Tensor:
    """Zero each element of `x` with probability `drop` and scale the rest; without noise, x."""
    if noise is None or drop == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, drop)
    return x * noise.mask(x.shape, drop).to(x.dtype)


def causal_attention(
    q: Tensor, k: Tensor, v: Tensor, batch: Packed, heads: int, drop: float, noise: Noise | None
) -> Tensor:
    """Attend from every item to itself and to earlier items of its history, (T, D) -> (T, D).

    softmax(q kᵀ / sqrt(D / heads)) v for each head, dropout on the weights.
    """
    if q.device.type == "cpu":
        return CPUAttention.apply(q, k, v, batch, heads, drop, noise)  # type: ignore[no-any-return, no-untyped-call]
    outputs = []
    for block in batch.views(q, k, v):
        queries, keys, values = (
            x.view(*x.shape[:2], heads, -1).transpose(1, 2) for x in block
        )  # (R, heads, L, D / heads)
        out = F.scaled_dot_product_attention(
            queries, keys, values, is_causal=True, dropout_p=drop if noise else 0.0
        )
        outputs.append(out.transpose(1, 2).flatten(2).flatten(0, 1))
    return torch.cat(outputs)


class CPUAttention(torch.autograd.Function):
    """Attention with dropout on the weights, block by block and band by band.

    torch's fused kernel for the CPU has no dropout, and its plain path draws it slowly, keeps
    five copies of the weights and computes all of what the mask throws away. Same numbers as
    the textbook formula: tests/core/models/test_layers.py.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        batch: Packed,
        heads: int,
        drop: float,
        noise: Noise | None,
    ) -> Tensor:
        out = torch.empty_like(q)
        scale = math.sqrt(heads / q.shape[-1])
        weights, masks = [], []
        for queries, keys, values, target in batch.views(q, k, v, out):
            qs, ks, vs = (split_heads(x, heads) for x in (queries, keys, values))
            for begin, end in bands(qs.shape[1]):
                scores = torch.bmm(qs[:, begin:end], ks[:, :end].mT).float().mul_(scale)
                hide_future(scores, begin)
                weight = torch.softmax(scores, dim=-1)
                weights.append(weight)
                if noise is not None and drop > 0:
                    masks.append(noise.mask(weight.shape, drop))
                    weight = weight * masks[-1]
                attended = torch.bmm(weight.to(q.dtype), vs[:, :end])
                target[:, begin:end] = join_heads(attended, heads)
        ctx.save_for_backward(q, k, v, *weights, *masks)
        ctx.batch, ctx.heads, ctx.scale, ctx.dropped = batch, heads, scale, bool(masks)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *saved = ctx.saved_tensors
        half = len(saved) // 2 if ctx.dropped else len(saved)
        weights, masks = iter(saved[:half]), iter(saved[half:])
        dq, dk, dv = (torch.empty_like(x) for x in (q, k, v))
        for block in ctx.batch.views(q, k, v, grad, dq, dk, dv):
            qs, ks, vs, gs = (split_heads(x, ctx.heads) for x in block[:4])
            dks, dvs = torch.zeros_like(ks), torch.zeros_like(vs)
            for begin, end in bands(qs.shape[1]):
                weight = next(weights)
                used = weight
                dweight = torch.bmm(gs[:, begin:end], vs[:, :end].mT).float()
                if ctx.dropped:
                    mask = next(masks)
                    used = weight * mask
                    dweight.mul_(mask)
                dvs[:, :end].baddbmm_(used.to(q.dtype).mT, gs[:, begin:end])
                dscores = torch._softmax_backward_data(dweight, weight, -1, torch.float32)
                dscores = dscores.mul_(ctx.scale).to(q.dtype)
                block[4][:, begin:end] = join_heads(torch.bmm(dscores, ks[:, :end]), ctx.heads)
                dks[:, :end].baddbmm_(dscores.mT, qs[:, begin:end])
            block[5].copy_(join_heads(dks, ctx.heads))
            block[6].copy_(join_heads(dvs, ctx.heads))
        return dq, dk, dv, None, None, None, None


def bands(length: int) -> list[tuple[int, int]]:
    """Cut the rows 0 to `length` into bands of about equal height, at most BAND."""
    count = -(-length // BAND)
    return list(pairwise(length * number // count for number in range(count + 1)))


def hide_future(scores: Tensor, begin: int) -> None:
    """Set to -inf what lies after the query: row r of (B, R, K) is query `begin` + r."""
    rows, keys = scores.shape[-2:]
    future = torch.full((rows, keys - begin), -torch.inf).triu_(1)
    scores[..., begin:].add_(future)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(R, L, D) -> (R * heads, L, D / heads)."""
    if heads == 1:
        return x
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2).flatten(0, 1)


def join_heads(x: Tensor, heads: int) -> Tensor:
    """(R * heads, L, D / heads) -> (R, L, D)."""
    if heads == 1:
        return x
    return x.view(-1, heads, *x.shape[1:]).transpose(1, 2).flatten(2)
