"""Causal attention over packed histories, with dropout on its weights.

On the CPU a block of histories is taken in bands of queries, each against the keys up to its end,
so that little is computed of what the mask takes away. Elsewhere it is torch's fused kernel.

Shapes: T slots (see packing.py), D hidden size, R histories of a block, L their length.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import Packed
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.scripting import scripted

# Rows of a band. Smaller bands save arithmetic and cost calls.
BAND = 64


def causal_attention(
    q: Tensor, k: Tensor, v: Tensor, batch: Packed, heads: int, drop: float, noise: Noise | None
) -> Tensor:
    """Attend from every item to itself and to earlier items of its history, (T, D) -> (T, D).

    softmax(q kᵀ) v for each head, dropout on the weights. What scales the scores, 1 / sqrt(D /
    heads), is to be in q: the caller can have it for nothing in what makes q.
    """
    if q.device.type == "cpu":
        blocks = tuple((rows * heads, length) for rows, length in batch.blocks)
        parts = (split_heads(x, batch, heads).contiguous() for x in (q, k, v))
        out = CPUAttention.apply(*parts, blocks, drop, noise)  # type: ignore[no-untyped-call]
        return join_heads(out, batch, heads).to(q.dtype)
    outputs = []
    for block in batch.views(q, k, v):
        queries, keys, values = (
            x.view(*x.shape[:2], heads, -1).transpose(1, 2) for x in block
        )  # (R, heads, L, D / heads)
        out = F.scaled_dot_product_attention(
            queries, keys, values, is_causal=True, dropout_p=drop if noise else 0.0, scale=1.0
        )
        outputs.append(out.transpose(1, 2).flatten(2).flatten(0, 1))
    return torch.cat(outputs)


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
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        scale = 1 / math.sqrt(x.shape[-1])
        q = F.linear(x, query.weight * scale, query.bias * scale)
        attended = causal_attention(q, key(source), value(source), batch, 1, drop, noise)
        return outer(attended)  # type: ignore[no-any-return]
    inner = query.weight, query.bias, key.weight, value.weight, value.bias
    return OneHead.apply(  # type: ignore[no-any-return, no-untyped-call]
        x, source, *inner, outer.weight, outer.bias, batch.blocks, drop, noise
    )


def split_heads(x: Tensor, batch: Packed, heads: int) -> Tensor:
    """(T, D) -> (T * heads, D / heads), each block's heads as further rows of it."""
    if heads == 1:
        return x
    split = [
        block.view(*block.shape[:2], heads, -1).transpose(1, 2).flatten(0, 2)
        for (block,) in batch.views(x)
    ]
    return torch.cat(split)


def join_heads(x: Tensor, batch: Packed, heads: int) -> Tensor:
    """(T * heads, D / heads) -> (T, D), what `split_heads` undoes."""
    if heads == 1:
        return x
    joined = []
    for start, end, rows, length in batch.bounds:
        block = x[start * heads : end * heads].view(rows, heads, length, -1)
        joined.append(block.transpose(1, 2).flatten(2).flatten(0, 1))
    return torch.cat(joined)


class CPUAttention(torch.autograd.Function):
    """Causal attention with dropout on the weights: `attend`, and what it takes to go back."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        blocks: tuple[tuple[int, int], ...],
        drop: float,
        noise: Noise | None,
    ) -> Tensor:
        ctx.cuts, ctx.keep = Bands.of(blocks), keep_scale(drop, noise)
        out, *saved = attend(q, k, v, ctx.cuts, drop, noise)
        ctx.save_for_backward(q, k, *saved, out)
        return out

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        dq, dk, dv = attend_back(grad.contiguous(), ctx.saved_tensors, ctx.cuts, ctx.keep)
        return dq, dk, dv, None, None, None


class OneHead(torch.autograd.Function):
    """One head of attention with what makes its queries, keys and values, and its output.

    (Q x + b) . K s = (K'Q x + K'b) . s, and O sum a (V s + c) = sum a (OV s + Oc), so products of
    (D, D) matrices take the place of two of (T, D) by (D, D). One node instead of 25: for a part
    of a batch what a node costs by itself counts.
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
        source = source.contiguous()
        ctx.scale = 1 / math.sqrt(x.shape[-1])
        ctx.cuts, ctx.keep = Bands.of(blocks), keep_scale(drop, noise)
        to_key = key.T * ctx.scale
        to_query, to_value = to_key @ query, outer @ value
        q = torch.addmm(to_key @ query_bias, x, to_query.T)
        v = torch.addmm(outer @ value_bias, source, to_value.T)
        out, *saved = attend(q, source, v, ctx.cuts, drop, noise)
        ctx.save_for_backward(
            *(q, source, *saved, out),
            *(x, to_key, to_query, to_value, query, query_bias, value, value_bias, outer),
        )
        return out + outer_bias

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        attended, rest = ctx.saved_tensors[:6], ctx.saved_tensors[6:]
        dq, dsource, dv = attend_back(grad.contiguous(), attended, ctx.cuts, ctx.keep)
        found = project_back(grad, dq, dsource, dv, attended[1], ctx.scale, *rest)
        return *found, None, None, None


@scripted
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
    """The gradients by all that `OneHead` reads, of those by what attention does."""
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


def keep_scale(drop: float, noise: Noise | None) -> float:
    """What dropout multiplies the kept weights by."""
    return 1.0 if noise is None else 1 / (1 - drop)


def attend(
    q: Tensor, k: Tensor, v: Tensor, cuts: "Bands", drop: float, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Attention with dropout on the weights, block by block and band by band.

    torch's fused kernel for the CPU has no dropout, and its plain path draws it slowly, keeps
    five copies of the weights and computes all of what the mask throws away. Same numbers as
    the textbook formula: tests/core/models/test_attention.py.

    Returns:
        the output (T, D), and what `attend_back` wants: v scaled for dropout, the weights, and
        those that were kept, flat.
    """
    weights = q.new_empty(cuts.size)
    kept = weights
    if noise is not None and drop > 0:
        # Scaled here, and not the weights, which are larger.
        v, kept = v * keep_scale(drop, noise), noise.kept((cuts.size,), drop)
    out = attend_bands(q, k, v, weights, kept, kept is not weights, cuts.bands, future(BAND))
    return out, v, weights, kept


class Band(NamedTuple):
    """Queries `begin` to `begin` + `height` of each of `rows` histories of `length` slots."""

    first: int  # the block's first slot
    rows: int
    length: int
    begin: int
    height: int
    offset: int  # of its weights


def queries_of(x: Tensor, band: Band) -> Tensor:
    """View (T, D) as the (rows, height, D) of a band's queries."""
    d = x.shape[1]
    start = x.storage_offset() + (band.first + band.begin) * d
    return x.as_strided([band.rows, band.height, d], [band.length * d, d, 1], start)


def keys_of(x: Tensor, band: Band) -> Tensor:
    """View (T, D) as the (rows, begin + height, D) that those queries see."""
    d = x.shape[1]
    start = x.storage_offset() + band.first * d
    return x.as_strided([band.rows, band.begin + band.height, d], [band.length * d, d, 1], start)


def weights_of(flat: Tensor, band: Band) -> Tensor:
    """View all weights, flat, as a band's (rows, height, begin + height)."""
    end = band.begin + band.height
    return flat.as_strided([band.rows, band.height, end], [band.height * end, end, 1], band.offset)


@scripted
def attend_bands(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    weights: Tensor,
    kept: Tensor,
    dropped: bool,
    bands: list[Band],
    later: Tensor,
) -> Tensor:
    """Fill `weights`, and multiply what `kept` says by them if they are `dropped`; the output."""
    out = torch.empty_like(q)
    for band in bands:
        weight = used = weights_of(weights, band)
        torch.bmm(queries_of(q, band), keys_of(k, band).mT, out=weight)
        last = weight.narrow(2, band.begin, band.height)
        last.add_(later[: band.height, : band.height])
        torch._softmax(weight, -1, False, out=weight)
        if dropped:
            used = weights_of(kept, band).mul_(weight)
        queries_of(out, band).copy_(torch.bmm(used, keys_of(v, band)))
    return out


def attend_back(
    grad: Tensor, saved: tuple[Tensor, ...], cuts: "Bands", keep: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients by q, k and v, each (T, D), of the output's gradient (T, D).

    `saved` are q, k, the three that `attend` returned beside the output, and the output.

    For weights w, kept ones u (w where kept, else 0; both R x H x E for a band of H queries and
    E keys), keep scale c and output o = c u v, the gradient by the scores is
    w (c m (g vᵀ) - d) = c u (g vᵀ) - w d, where d = rowsum(w c m (g vᵀ)) = rowsum(g o): so neither
    the mask m nor another pass for d is needed.
    """
    q, k, v, weights, kept, out = saved
    dq, dk, dv = attend_bands_back(grad, q, k, v, weights, kept, out, cuts.bands)
    return dq, dk, dv.mul_(keep)


@scripted
def attend_bands_back(
    grad: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    weights: Tensor,
    kept: Tensor,
    out: Tensor,
    bands: list[Band],
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients by q, k and the scaled v."""
    delta = (grad * out).sum(dim=1, keepdim=True)  # (T, 1)
    dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    # From the last band of a block, which sees all keys: the others add to what is there.
    for n in range(len(bands) - 1, -1, -1):
        band = bands[n]
        used, g = weights_of(kept, band), queries_of(grad, band)
        dscores = torch.bmm(g, keys_of(v, band).mT)
        dscores.mul_(used).addcmul_(weights_of(weights, band), queries_of(delta, band), value=-1)
        queries_of(dq, band).copy_(torch.bmm(dscores, keys_of(k, band)))
        dkey, dvalue = keys_of(dk, band), keys_of(dv, band)
        if band.begin + band.height == band.length:
            torch.bmm(dscores.mT, queries_of(q, band), out=dkey)
            torch.bmm(used.mT, g, out=dvalue)
        else:
            dkey.add_(torch.bmm(dscores.mT, queries_of(q, band)))
            dvalue.add_(torch.bmm(used.mT, g))
    return dq, dk, dv


@dataclass(frozen=True)
class Bands:
    """How the attention of a batch is cut up, and how many weights it has."""

    bands: list[Band]
    size: int

    @classmethod
    def of(cls, blocks: tuple[tuple[int, int], ...]) -> "Bands":
        """Cut blocks (rows, length) into bands of about equal height, at most BAND."""
        found, first, offset = [], 0, 0
        for rows, length in blocks:
            count = -(-length // BAND)
            for number in range(count):
                begin, end = length * number // count, length * (number + 1) // count
                found.append(Band(first, rows, length, begin, end - begin, offset))
                offset += rows * (end - begin) * end
            first += rows * length
        return cls(found, offset)


@lru_cache(maxsize=1)
def future(length: int) -> Tensor:
    """What to add to the scores of `length` queries against their own keys: -inf if later."""
    return torch.full((length, length), -torch.inf).triu_(1)
