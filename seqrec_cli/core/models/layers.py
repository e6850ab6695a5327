"""What models are built of: dropout, look-ups, attention and convolution over packed histories."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.dataset import PAD
from seqrec_cli.core.packing import Packed, pack_padded
from seqrec_cli.core.randomness import Noise

# Queries are taken in bands of this many rows, each against the keys up to its end, so that
# little is computed above the diagonal. Smaller bands save arithmetic and cost calls.
BAND = 64

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
        scale = 1 / (1 - drop)
        outer = outer * scale**2
        h = torch.addmm(inner_bias, x, inner.T).relu_()
        h.mul_(noise.kept(h.shape, drop))
        out = torch.addmm(outer_bias * scale, h, outer.T)
        mask = noise.kept(out.shape, drop)
        ctx.save_for_backward(x, h, mask, inner, outer)
        ctx.scale = scale
        return out.mul_(mask)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, h, mask, inner, outer = ctx.saved_tensors
        grad = grad * mask
        dh = torch.ops.aten.threshold_backward(grad @ outer, h, 0)
        return (
            dh @ inner,
            dh.T @ x,
            dh.sum(0),
            (grad.T @ h).mul_(ctx.scale**2),
            grad.sum(0).mul_(ctx.scale),
            None,
            None,
        )


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
        x, to_key, to_query, to_value, query, query_bias, value, value_bias, outer = rest
        dq, dsource, dv = attend_back(grad.contiguous(), attended, ctx.cuts, ctx.keep)
        dto_query, dq_bias = dq.T @ x, dq.sum(0)
        dto_value, dv_bias = dv.T @ attended[1], dv.sum(0)
        dto_key = (dto_query @ query.T).addr_(dq_bias, query_bias)
        return (
            dq @ to_query,
            dsource.addmm_(dv, to_value),
            to_key.T @ dto_query,
            to_key.T @ dq_bias,
            dto_key.T.contiguous() * ctx.scale,
            outer.T @ dto_value,
            outer.T @ dv_bias,
            (dto_value @ value.T).addr_(dv_bias, value_bias),
            grad.sum(0),
            None,
            None,
            None,
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
    the textbook formula: tests/core/models/test_layers.py.

    Returns:
        the output (T, D), and what `attend_back` wants: v scaled for dropout, the weights, and
        those that were kept, flat.
    """
    dropped = noise is not None and drop > 0
    # Scaled here, and not the weights, which are larger.
    v, out = v * keep_scale(drop, noise) if dropped else v, torch.empty_like(q)
    weights = q.new_empty(cuts.size)
    kept = noise.kept((cuts.size,), drop) if noise is not None and dropped else weights
    for band in cuts.bands:
        weight, used = band.weights(weights), band.weights(kept)
        torch.bmm(band.queries(q), band.keys(k).mT, out=weight)
        weight[..., band.begin :].add_(future(band.height))
        torch.softmax(weight, dim=-1, out=weight)
        if dropped:
            used.mul_(weight)
        band.queries(out).copy_(torch.bmm(used, band.keys(v)))
    return out, v, weights, kept


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
    delta = (grad * out).sum(dim=1, keepdim=True)  # (T, 1)
    dq, dk, dv = (torch.empty_like(x) for x in (q, k, v))
    # From the last band of a block, which sees all keys: the others add to what is there.
    for band in reversed(cuts.bands):
        used, g = band.weights(kept), band.queries(grad)
        dscores = torch.bmm(g, band.keys(v).mT)
        dscores.mul_(used).addcmul_(band.weights(weights), band.queries(delta), value=-1)
        band.queries(dq).copy_(torch.bmm(dscores, band.keys(k)))
        dkey, dvalue = band.keys(dk), band.keys(dv)
        if band.begin + band.height == band.length:
            torch.bmm(dscores.mT, band.queries(q), out=dkey)
            torch.bmm(used.mT, g, out=dvalue)
        else:
            dkey.add_(torch.bmm(dscores.mT, band.queries(q)))
            dvalue.add_(torch.bmm(used.mT, g))
    return dq, dk, dv.mul_(keep)


@dataclass(frozen=True)
class Band:
    """Queries `begin` to `begin` + `height` of each of `rows` histories of `length` slots."""

    first: int  # the block's first slot
    rows: int
    length: int
    begin: int
    height: int
    offset: int  # of its weights

    def queries(self, x: Tensor) -> Tensor:
        """View (T, D) as the (rows, height, D) of the queries."""
        d = x.shape[1]
        return x.as_strided(
            (self.rows, self.height, d), (self.length * d, d, 1), (self.first + self.begin) * d
        )

    def keys(self, x: Tensor) -> Tensor:
        """View (T, D) as the (rows, begin + height, D) that those queries see."""
        d = x.shape[1]
        return x.as_strided(
            (self.rows, self.begin + self.height, d), (self.length * d, d, 1), self.first * d
        )

    def weights(self, flat: Tensor) -> Tensor:
        """View all weights, flat, as this band's (rows, height, begin + height)."""
        end = self.begin + self.height
        return flat.as_strided(
            (self.rows, self.height, end), (self.height * end, end, 1), self.offset
        )


@dataclass(frozen=True)
class Bands:
    """How the attention of a batch is cut up, and how many weights it has."""

    bands: tuple[Band, ...]
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
        return cls(tuple(found), offset)


@lru_cache(maxsize=BAND)
def future(length: int) -> Tensor:
    """What to add to the scores of `length` queries against their own keys: -inf if later."""
    return torch.full((length, length), -torch.inf).triu_(1)


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
