"""Causal attention over packed histories, with dropout on its weights.

On the CPU a block of histories is computed in bands of queries, each against the keys up to its
end, so that few masked scores are computed. On other devices torch's fused kernel computes.

Shapes: T slots (see batching/packing.py), D hidden size, R histories of a block, L their length,
H queries of a band, E keys that they see, W weights of all bands.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import Packed
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.switch import fast

# The most queries of a band. Smaller bands save arithmetic and cost calls.
BAND = 64


def causal_attention(
    q: Tensor, k: Tensor, v: Tensor, batch: Packed, heads: int, drop: float, noise: Noise | None
) -> Tensor:
    """Attend from every item to itself and to earlier items of its history, (T, D) -> (T, D).

    softmax(q k^T) v for each head, with dropout on the weights. The caller scales q by
    1 / sqrt(D / heads), which costs nothing in the weights of the query layer.
    """
    if q.device.type == "cpu":
        blocks = tuple((rows * heads, length) for rows, length in batch.blocks)
        parts = (from_start(split_heads(x, batch, heads)) for x in (q, k, v))
        compute = CPUAttention.apply if fast("attention") else plain_attention
        out = compute(*parts, blocks, drop, noise)
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


@torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]
def plain_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    blocks: tuple[tuple[int, int], ...],
    drop: float,
    noise: Noise | None,
) -> Tensor:
    """The plain twin of `CPUAttention`: the textbook formula, (T, D) -> (T, D), float32.

    All L x L scores of a block at once, later keys masked, gradients by autograd.
    """
    bands = Bands.of(blocks)
    q, k, v = (x.float() for x in (q, k, v))
    drawn = None if noise is None or drop == 0 else noise.kept((bands.size,), drop)
    kept = None if drawn is None else iter(torch.split(drawn, bands.sizes))
    outputs = []
    slots = [rows * length for rows, length in blocks]
    pieces = (torch.split(x, slots) for x in (q, k, v))
    for (rows, length), heights, *block in zip(blocks, bands.heights, *pieces, strict=True):
        queries, keys, values = (x.view(rows, length, -1) for x in block)
        scores = torch.bmm(queries, keys.mT) + future(length)  # (R, L, L)
        weights = torch.softmax(scores, dim=-1)
        if kept is not None:
            # The kernel draws bits band by band, and none for masked weights: so does its twin.
            mask, begin = torch.zeros(rows, length, length), 0
            for height in heights:
                end = begin + height
                mask[:, begin:end, :end] = next(kept).view(rows, height, end)
                begin = end
            weights = weights * mask / (1 - drop)
        outputs.append(torch.bmm(weights, values).flatten(0, 1))
    return torch.cat(outputs)


def split_heads(x: Tensor, batch: Packed, heads: int) -> Tensor:
    """(T, D) -> (T * heads, D / heads): the heads become rows of their block."""
    if heads == 1:
        return x
    split = [
        block.view(*block.shape[:2], heads, -1).transpose(1, 2).flatten(0, 2)
        for (block,) in batch.views(x)
    ]
    return torch.cat(split)


def join_heads(x: Tensor, batch: Packed, heads: int) -> Tensor:
    """(T * heads, D / heads) -> (T, D): undo `split_heads`."""
    if heads == 1:
        return x
    joined = []
    for start, end, rows, length in batch.bounds:
        block = x[start * heads : end * heads].view(rows, heads, length, -1)
        joined.append(block.transpose(1, 2).flatten(2).flatten(0, 1))
    return torch.cat(joined)


class CPUAttention(torch.autograd.Function):
    """Causal attention with dropout on the weights, as one node of autograd."""

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
        """Map q, k, v, float32 (T, D) each, contiguous, to the output, float32 (T, D)."""
        ctx.bands, ctx.keep = Bands.of(blocks), keep_scale(drop, noise)
        out, *saved = attend(q, k, v, ctx.bands, drop, noise)
        ctx.save_for_backward(q, k, *saved, out)
        return out

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Map the output's gradient, float32 (T, D), to those of q, k and v, float32 (T, D)."""
        dq, dk, dv = attend_back(from_start(grad), ctx.saved_tensors, ctx.bands, ctx.keep)
        return dq, dk, dv, None, None, None


def from_start(x: Tensor) -> Tensor:
    """`x` if it is contiguous from the start of its storage, else a copy that is."""
    return x.clone(memory_format=torch.contiguous_format) if x.storage_offset() else x.contiguous()


def keep_scale(drop: float, noise: Noise | None) -> float:
    """The factor by which dropout scales the kept weights."""
    return 1.0 if noise is None else 1 / (1 - drop)


def attend(
    q: Tensor, k: Tensor, v: Tensor, bands: "Bands", drop: float, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Attend block by block and band by band; q, k, v are float32 (T, D), contiguous.

    torch's fused kernel for the CPU has no dropout, and its plain path draws dropout slowly, keeps
    five copies of the weights and computes all masked scores.

    Returns:
        the output (T, D), and the inputs of `attend_back`: v scaled for dropout (T, D), the
        weights (W,), and the weights after dropout (W,).
    """
    out, weights = torch.empty_like(q), q.new_empty(bands.size)
    kept = weights
    if noise is not None and drop > 0:
        # Scale v instead of the weights, which are larger.
        v, kept = v * keep_scale(drop, noise), noise.kept((bands.size,), drop)
    for band in bands.of_width(q.shape[1]):
        # `as_strided` makes a view in one call: a step makes thousands of views.
        weight = used = weights.as_strided(*band.weights)
        torch.bmm(q.as_strided(*band.queries), k.as_strided(*band.keys_t), out=weight)
        # Only the last H of the E keys can lie in the future of one of the H queries.
        weights.as_strided(*band.newest).add_(band.later)
        torch.softmax(weight, dim=-1, out=weight)
        if kept is not weights:
            used = kept.as_strided(*band.weights).mul_(weight)
        out.as_strided(*band.queries).copy_(torch.bmm(used, v.as_strided(*band.keys)))
    return out, v, weights, kept


def attend_back(
    grad: Tensor, saved: tuple[Tensor, ...], bands: "Bands", keep: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of q, k and v, each float32 (T, D), from the output's gradient (T, D).

    `saved` are q, k, the last three results of `attend`, and the output.

    With the weights w, the mask of dropout m, the kept weights u = w m (R x H x E), the keep scale
    c and the output o = c u v, the gradient of the scores is
    w (c m (g v^T) - d) = c u (g v^T) - w d, where d = rowsum(w c m (g v^T)) = rowsum(g o).
    So neither m nor another pass for d is needed.
    """
    q, k, v, weights, kept, out = saved
    delta = (grad * out).sum(dim=1, keepdim=True)  # (T, 1)
    dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    # The last band of a block sees all keys, so it sets the sums, and the others add to them.
    for band in reversed(bands.of_width(q.shape[1])):
        used, g = kept.as_strided(*band.weights), grad.as_strided(*band.queries)
        dscores = torch.bmm(g, v.as_strided(*band.keys_t)).mul_(used)
        weight, d = weights.as_strided(*band.weights), delta.as_strided(*band.query_rows)
        dscores.addcmul_(weight, d, value=-1)
        dq.as_strided(*band.queries).copy_(torch.bmm(dscores, k.as_strided(*band.keys)))
        dkeys, dvalues = dk.as_strided(*band.keys), dv.as_strided(*band.keys)
        query = q.as_strided(*band.queries)
        if band.sees_all:
            torch.bmm(dscores.mT, query, out=dkeys)
            torch.bmm(used.mT, g, out=dvalues)
        else:
            dkeys.add_(torch.bmm(dscores.mT, query))
            dvalues.add_(torch.bmm(used.mT, g))
    return dq, dk, dv.mul_(keep)


View = tuple[tuple[int, ...], tuple[int, ...], int]  # sizes, strides, offset


class Band(NamedTuple):
    """A band of queries of each row of a block, as views of tensors contiguous from offset 0.

    Attributes:
        queries: of (T, D) the R x H x D of the band's queries.
        query_rows: of (T, 1) the R x H x 1 of the same.
        keys: of (T, D) the R x E x D of the keys that they see.
        keys_t: the same as R x D x E.
        weights: of (W,) the band's R x H x E.
        newest: of (W,) its R x H x H of queries and keys of the band.
        later: float32 (H, H), -inf where the key is later than the query, else 0.
        sees_all: whether the band is its block's last.
    """

    queries: View
    query_rows: View
    keys: View
    keys_t: View
    weights: View
    newest: View
    later: Tensor
    sees_all: bool


@dataclass(frozen=True)
class Bands:
    """How attention over blocks (rows, length) is cut into bands of queries.

    Attributes:
        blocks: (rows, length) of each, in the order of their slots.
        heights: for each block the queries of a row in each of its bands.
        sizes: for each band, block after block, the number of its weights.
    """

    blocks: tuple[tuple[int, int], ...]
    heights: list[list[int]]
    sizes: list[int]

    @classmethod
    def of(cls, blocks: tuple[tuple[int, int], ...]) -> "Bands":
        """Cut blocks (rows, length) into bands of about equal height, at most BAND."""
        heights: list[list[int]] = []
        sizes: list[int] = []
        for rows, length in blocks:
            count = -(-length // BAND)
            ends = [length * number // count for number in range(count + 1)]
            heights.append([end - begin for begin, end in pairwise(ends)])
            sizes += [rows * (end - begin) * end for begin, end in pairwise(ends)]
        return cls(blocks, heights, sizes)

    @property
    def size(self) -> int:
        """W, the number of all weights."""
        return sum(self.sizes)

    def of_width(self, d: int) -> list[Band]:
        """The bands as views of tensors (T, d)."""
        return bands_of(self.blocks, d)


@lru_cache(maxsize=16)
def bands_of(blocks: tuple[tuple[int, int], ...], d: int) -> list[Band]:
    """The views of `Band`, for D = d; cached, as all layers use the same."""
    cuts = Bands.of(blocks)
    bands, slot, weight = [], 0, 0
    for (rows, length), heights in zip(blocks, cuts.heights, strict=True):
        end = 0
        for h in heights:
            begin, end = end, end + h
            by_row, query = (length * d, d, 1), slot + begin
            bands.append(
                Band(
                    queries=((rows, h, d), by_row, query * d),
                    query_rows=((rows, h, 1), (length, 1, 1), query),
                    keys=((rows, end, d), by_row, slot * d),
                    keys_t=((rows, d, end), (length * d, 1, d), slot * d),
                    weights=((rows, h, end), (h * end, end, 1), weight),
                    newest=((rows, h, h), (h * end, end, 1), weight + begin),
                    later=future(h),
                    sees_all=end == length,
                )
            )
            weight += rows * h * end
        slot += rows * length
    return bands


@lru_cache(maxsize=BAND)
def future(length: int) -> Tensor:
    """The mask that is added to scores (length, length): -inf where the key is later, else 0."""
    return torch.full((length, length), -torch.inf).triu_(1)
