"""What ranking models are built of: tables of features, Dice, attention by a network, the head.

With `noise` a step of training is computed: batch statistics and dropout; without it, what the
model has learnt. Shapes: B rows, T positions of history, M real ones of all rows, D size of
embeddings, W width. Code 0 is padding.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.models.layers import pool

EPSILON = 1e-5  # added to variances
MOMENTUM = 0.1  # of the running statistics


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe & Szegedy, ICML 2015) of rows (M, W).

    A single row has no statistics of its own: it is taken as outside of training.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int, affine: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width)) if affine else None
        self.bias = nn.Parameter(torch.zeros(width)) if affine else None
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: Tensor, training: bool) -> Tensor:
        return F.batch_norm(
            x,
            self.mean,
            self.variance,
            self.weight,
            self.bias,
            training=training and len(x) > 1,
            momentum=MOMENTUM,
            eps=EPSILON,
        )


class Dice(nn.Module):
    """Data adaptive activation (Zhou et al., KDD 2018, section 4.3): p x + (1 - p) a x with
    p = sigmoid of x, normalised by the batch or by what was learnt, and `a` learnt, from 0.

    The paper's epsilon of 1e-8 is 1e-5 here, that of batch normalisation.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = BatchNorm(width, affine=False)
        self.alpha = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """(M, W) to (M, W)."""
        p = torch.sigmoid(self.norm(x, training))
        return x * torch.lerp(self.alpha, torch.ones_like(p), p)


class Attention(nn.Module):
    """How much each position of the history matters to a query, by a network with Dice.

    score = MLP([q, k, q - k, q * k]); padding does not go through it, and scores 0.
    """

    def __init__(self, size: int, layers: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([4 * size, *layers]))
        self.dice = nn.ModuleList(Dice(width) for width in layers)
        self.out = nn.Linear(layers[-1] if layers else 4 * size, 1)

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor, training: bool) -> Tensor:
        """Score keys (B, T, D) for queries (B, D) where `mask` (B, T) says so, to (B, T)."""
        rows, length = mask.shape
        real = mask.flatten().nonzero().squeeze(1)  # (M,)
        k = keys.flatten(0, 1).index_select(0, real)  # (M, D)
        first, *others = (*self.layers, self.out)
        assert isinstance(first, nn.Linear)
        x = read_pairs(first, query, k, real // length)
        for dice, layer in zip(self.dice, others, strict=True):
            x = layer(dice(x, training))
        scores = x.new_zeros(rows * length).index_copy(0, real, x.squeeze(1))
        return scores.view(rows, length)


def read_pairs(layer: nn.Linear, query: Tensor, keys: Tensor, row: Tensor) -> Tensor:
    """layer([q, k, q - k, q * k]) of keys (M, D) and the queries (B, D) of their rows (M,).

    W q + X k + Y (q - k) = (W + Y) q + (X - Y) k, and the first of these is the same for a row.
    """
    by_query, by_key, by_difference, by_product = layer.weight.chunk(4, dim=1)
    own = F.linear(query, by_query + by_difference, layer.bias)  # (B, W)
    pairs = torch.cat((keys, query.index_select(0, row) * keys), dim=1)
    weights = torch.cat((by_key - by_difference, by_product), dim=1)
    return F.linear(pairs, weights) + own.index_select(0, row)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the real positions (B, T); all 0 where there is none."""
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~mask, lowest), dim=1) * mask


class ItemEmbeddings(nn.Module):
    """The vectors of candidates and of what histories hold, in one table or in two."""

    def __init__(self, sizes: Sizes, size: int, shared: bool) -> None:
        super().__init__()
        self.candidates = nn.Embedding(sizes.items, size, padding_idx=0)
        self.histories = None if shared else nn.Embedding(sizes.items, size, padding_idx=0)

    def forward(self, items: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """Candidates (B,) and ids of histories (...) to their vectors, (B, D) and (..., D)."""
        if self.histories is not None:
            return self.candidates(items), self.histories(history)
        both = self.candidates(torch.cat((items, history.flatten())))
        return both[: items.shape[0]], both[items.shape[0] :].view(*history.shape, -1)


class FeatureEmbeddings(nn.Module):
    """What else is known of a row: vectors of categories, the largest of tags, and numbers."""

    offsets: Tensor

    def __init__(self, sizes: Sizes, size: int) -> None:
        super().__init__()
        starts = torch.tensor([0, *sizes.sparse]).cumsum(0)
        # One table with the rows of all columns, so that there is one look-up.
        self.sparse = nn.Embedding(int(starts[-1]), size) if sizes.sparse else None
        self.register_buffer("offsets", starts[:-1], persistent=False)
        self.tags = nn.ModuleList(nn.Embedding(n, size, padding_idx=0) for n in sizes.tags)
        self.width = sizes.dense + size * (len(sizes.sparse) + len(sizes.tags))

    def forward(self, batch: RankingBatch) -> Tensor:
        """(B, W)."""
        features = batch.features
        pieces = [features.dense]
        if self.sparse is not None:
            pieces.append(self.sparse(features.sparse + self.offsets).flatten(1))
        for table, codes in zip(self.tags, features.tags, strict=True):
            assert isinstance(table, nn.Embedding)
            pieces.append(pool(table(codes), codes != 0, "max"))
        return torch.cat(pieces, dim=1)


class Head(nn.Module):
    """Layers with batch normalisation, PReLU and dropout, and a logit at the end."""

    def __init__(self, width: int, layers: Sequence[int], drop: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([width, *layers]))
        self.norms = nn.ModuleList(BatchNorm(width) for width in layers)
        self.slopes = nn.ParameterList(nn.Parameter(torch.full((w,), 0.25)) for w in layers)
        self.out = nn.Linear(layers[-1] if layers else width, 1)
        self.drop = drop

    def forward(self, x: Tensor, noise: Noise | None) -> Tensor:
        """(B, W) to logits (B,)."""
        for layer, norm, slope in zip(self.layers, self.norms, self.slopes, strict=True):
            x = F.prelu(norm(layer(x), noise is not None), slope)
            x = dropout(x, self.drop, noise)
        logits: Tensor = self.out(x).squeeze(1)
        return logits


@torch.no_grad()
def init_ranker(model: nn.Module, generator: torch.Generator | None, std: float) -> None:
    """Xavier-normal layers with zero biases, tables from N(0, std), zero rows for padding."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight, generator=generator)
            module.bias.zero_()
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=std, generator=generator)
            if module.padding_idx is not None:
                module.weight[module.padding_idx].zero_()
