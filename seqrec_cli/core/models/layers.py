"""What more than one model is built of: dropout and causal attention over packed histories."""

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.packing import Packed
from seqrec_cli.core.randomness import Noise, keep_scale

# Queries are taken in bands of this many rows, each against the keys up to its end, so that
# little is computed above the diagonal. Smaller bands save arithmetic and cost calls.
BAND = 64


def dropout(x: Tensor, drop: float, noise: Noise | None) -> Tensor:
    """Zero each element of `x` with probability `drop` and scale the rest; without noise, x."""
    if noise is None or drop == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, drop)
    return x * noise.kept(x.shape, drop).mul_(keep_scale(drop)).to(x.dtype)


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
    the textbook formula: tests/core/models/test_layers.py. What can be scaled on (T, D) is not
    scaled on the weights, which are larger.
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
        q = q * math.sqrt(heads / q.shape[-1])
        dropped = noise is not None and drop > 0
        weights, masks = [], []
        for queries, keys, values, target in batch.views(q, k, v, out):
            qs, ks, vs = (split_heads(x, heads) for x in (queries, keys, values))
            for begin, end in bands(qs.shape[1]):
                scores = torch.bmm(qs[:, begin:end], ks[:, :end].mT).float()
                scores[..., begin:].add_(future(end - begin))
                weight = torch.softmax(scores, dim=-1)
                weights.append(weight)
                if noise is not None and dropped:
                    masks.append(noise.kept(weight.shape, drop))
                    weight = torch.mul(weight, masks[-1], out=scores)
                attended = torch.bmm(weight.to(q.dtype), vs[:, :end])
                target[:, begin:end] = join_heads(attended, heads)
        ctx.save_for_backward(q, k, v, *weights, *masks)
        ctx.batch, ctx.heads, ctx.dropped = batch, heads, dropped
        ctx.keep = keep_scale(drop) if dropped else 1.0
        return out.mul_(ctx.keep) if dropped else out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *saved = ctx.saved_tensors
        half = len(saved) // 2 if ctx.dropped else len(saved)
        rest = list(zip(saved[:half], saved[half:] or saved, strict=False))
        if ctx.dropped:
            grad = grad * ctx.keep
        dq, dk, dv = (torch.empty_like(x) for x in (q, k, v))
        for *block, dqueries, dkeys, dvalues in ctx.batch.views(q, k, v, grad, dq, dk, dv):
            qs, ks, vs, gs = (split_heads(x, ctx.heads) for x in block)
            cuts = bands(qs.shape[1])
            own, rest = rest[: len(cuts)], rest[len(cuts) :]
            dks = dvs = torch.empty(0)
            # From the last band, which sees all keys, so that the others add to what is there.
            for (begin, end), (weight, mask) in zip(reversed(cuts), reversed(own), strict=True):
                used = weight
                dweight = torch.bmm(gs[:, begin:end], vs[:, :end].mT).float()
                if ctx.dropped:
                    used = weight * mask
                    dweight.mul_(mask)
                dvalue = torch.bmm(used.to(q.dtype).mT, gs[:, begin:end])
                dscores = torch._softmax_backward_data(dweight, weight, -1, torch.float32)
                dscores = dscores.to(q.dtype)
                dkey = torch.bmm(dscores.mT, qs[:, begin:end])
                dquery = torch.bmm(dscores, ks[:, :end])
                dqueries[:, begin:end] = join_heads(dquery, ctx.heads)
                if end == qs.shape[1]:
                    dks, dvs = dkey, dvalue
                else:
                    dks[:, :end] += dkey
                    dvs[:, :end] += dvalue
            dkeys.copy_(join_heads(dks, ctx.heads))
            dvalues.copy_(join_heads(dvs, ctx.heads))
        return dq.mul_(math.sqrt(ctx.heads / q.shape[-1])), dk, dv, None, None, None, None


def bands(length: int) -> list[tuple[int, int]]:
    """Cut the rows 0 to `length` into bands of about equal height, at most BAND."""
    count = -(-length // BAND)
    return list(pairwise(length * number // count for number in range(count + 1)))


@lru_cache(maxsize=BAND)
def future(length: int) -> Tensor:
    """What to add to the scores of `length` queries against their own keys: -inf if later."""
    return torch.full((length, length), -torch.inf).triu_(1)


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
