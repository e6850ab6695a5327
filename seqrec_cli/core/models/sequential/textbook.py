"""Models as plain modules of padded histories, for other runtimes: no packing, no kernels.

A history takes one row, oldest item first, with padding after its end: it lies in the future of
every item, so a causal model needs no mask for it.

Shapes: B histories, L positions, D hidden size, N items. Item 0 is padding.
"""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.portable import PortableGRU
from seqrec_cli.core.models.layers import rows_at
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec
from seqrec_cli.core.models.sequential.sasrec import SASRec, SelfAttention
from seqrec_cli.core.models.sequential.two_tower import TwoTower, named
from seqrec_cli.errors import ConfigError


class TextbookAttention(nn.Module):
    """`SelfAttention` by its formula, with all L x L scores."""

    def __init__(self, layers: SelfAttention) -> None:
        super().__init__()
        self.layers = layers

    def forward(
        self, x: Tensor, source: Tensor, count: Any, noise: Any, pad: Tensor | None = None
    ) -> Tensor:
        """Queries from x (B, L, D), keys and values from source (B, L, D) -> (B, L, D).

        `pad` (1, 1, D) is what stands in the padding of the window, `count` (B,) how often.
        """
        layers, length = self.layers, x.shape[1]
        if pad is not None:  # as many keys as there are slots, before the others
            source = torch.cat((pad.expand(x.shape[0], 1, -1), source), dim=1)
        q, k, v = (
            y.unflatten(-1, (layers.heads, -1)).transpose(1, 2)  # (B, heads, L, D / heads)
            for y in (layers.query(x), layers.key(source), layers.value(source))
        )
        at = torch.arange(length, device=x.device)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        hidden = at[None, :] > at[:, None]
        if pad is not None:
            hidden = torch.cat((torch.zeros_like(hidden[:, :1]), hidden), dim=1)
            often = count.to(x.dtype).log()[:, None, None, None]
            scores = scores + F.pad(often, (0, length))
        scores = torch.where(hidden, -torch.inf, scores)  # (B, heads, L, L)
        attended = torch.softmax(scores, dim=-1) @ v
        return layers.out(attended.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class TextbookConvolution(nn.Module):
    """A layer norm, and the causal convolution behind it (see kernels/convolution.py)."""

    def __init__(self, norm: nn.Module, weights: Tensor) -> None:
        super().__init__()
        self.norm = norm
        self.lags = len(weights)
        self.kernel = nn.Parameter(weights.detach().flip(0).T.unsqueeze(1))  # (D, 1, lags)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, D) -> (B, L, D)."""
        x = self.norm(x)
        before = F.pad(x.mT, (self.lags, 0))  # (B, D, lags + L); nothing reads the last
        return x + F.conv1d(before, self.kernel, groups=x.shape[2])[..., :-1].mT


class TextbookSASRec(nn.Module):
    """SASRec from padded histories to the states of their newest items."""

    def __init__(self, model: SASRec) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        self.model.items = whole_table(model)
        own = self.model.recurrence
        self.layer = None if own is None else PortableGRU(own.layer)
        for block in self.model.blocks:
            block.attention = TextbookAttention(block.attention)  # type: ignore[arg-type]
            for layer in ("attention", "network"):
                weights = getattr(block, f"{layer}_mix", None)
                if weights is not None:
                    norm = getattr(block, f"{layer}_norm")
                    setattr(block, f"{layer}_norm", TextbookConvolution(norm, weights))
                    setattr(block, f"{layer}_mix", None)

    def forward(self, items: Tensor, last: Tensor) -> Tensor:
        """Items (B, L), and the place of the last of each (B,), to (B, D)."""
        model = self.model
        ages = (last[:, None] - torch.arange(items.shape[1])[None, :]).clamp(min=0)
        x = model.positions(model.max_length - 1 - ages)
        read = model.items(items) * math.sqrt(model.items.embedding_dim)
        x = x + read
        if self.layer is not None:
            x = x + model.recurrence.out(self.layer(read))  # type: ignore[union-attr]
        count = model.max_length - 1 - last  # of padding before each
        pad = None if model.padding == "masked" else torch.zeros_like(model.items.weight[:1, None])
        for block in model.blocks:
            x = block(x, count, None, pad)
            if model.padding == "states":
                pad = block(pad, None, None)
        return newest(model.norm(x), last)


class TextbookGRU4Rec(nn.Module):
    """GRU4Rec from padded histories to the states of their newest items."""

    def __init__(self, model: GRU4Rec) -> None:
        super().__init__()
        self.items, self.out = whole_table(model), model.out
        self.layers = nn.ModuleList(PortableGRU(layer) for layer in model.layers)  # type: ignore[arg-type]
        self.biased = model.biases is not None

    def forward(self, items: Tensor, last: Tensor) -> Tensor:
        """Items (B, L), and the place of the last of each (B,), to (B, D)."""
        x = self.items(items) * math.sqrt(self.items.embedding_dim)
        for layer in self.layers:
            x = layer(x)
        states: Tensor = self.out(newest(x, last))
        return F.pad(states, (0, 1), value=1.0) if self.biased else states


class TextbookTwoTower(nn.Module):
    """The user tower from padded histories, and users by number, to vectors."""

    known: Tensor
    user_dense: Tensor
    user_sparse: Tensor

    def __init__(self, model: TwoTower, users: EncodedFeatures | None) -> None:
        """With the features of users 1, 2, …; 0 is one of whom nothing is known."""
        super().__init__()
        self.encoder = plain_encoder(model.history, None)
        known = torch.arange(len(model.known)) if model.reads_content else model.known.clone()
        self.tower = model.user_side
        self.temperature = model.config.temperature
        self.register_buffer("known", known)
        self.num_tags = -1
        if users is not None and model.user_side.width:
            unknown = model.user_side.unknown(1)
            rows = with_first(unknown, FeatureTensors.of(users))
            self.num_tags = len(rows.tags)
            for name, values in named(rows).items():
                self.register_buffer(f"user_{name}", values)

    def forward(self, items: Tensor, last: Tensor, user: Tensor | None = None) -> Tensor:
        """Items (B, L), the place of the last of each (B,), and users (B,), to (B, D)."""
        states = self.encoder(self.known[items], last)
        rows = None
        if user is not None and self.num_tags >= 0:
            tags = tuple(getattr(self, f"user_tags_{n}")[user] for n in range(self.num_tags))
            rows = FeatureTensors(
                rows_at(self.user_dense, user), rows_at(self.user_sparse, user), tags
            )
        vectors: Tensor = self.tower(states, self.tower.read(rows, items.shape[0]), None)
        return vectors / self.temperature


def with_first(first: FeatureTensors, rows: FeatureTensors) -> FeatureTensors:
    """A row of features before others."""
    tags = (
        torch.cat((row.expand(1, codes.shape[1]), codes))
        for row, codes in zip(first.tags, rows.tags, strict=True)
    )
    return FeatureTensors(
        torch.cat((first.dense, rows.dense)), torch.cat((first.sparse, rows.sparse)), tuple(tags)
    )


def whole_table(model: SASRec | GRU4Rec) -> nn.Embedding:
    """What histories are read from, with content: (N + 1, D)."""
    if model.content is None:
        return model.items
    with torch.no_grad():
        rows = model.read_items(torch.arange(len(model.content.own)))
        return nn.Embedding(len(rows), rows.shape[1], PAD, _weight=rows)


def newest(states: Tensor, last: Tensor) -> Tensor:
    """The states (B, L, D) at positions `last` (B,), as (B, D)."""
    places = last.clamp(min=0)[:, None, None].expand(-1, 1, states.shape[2])
    return states.gather(1, places).squeeze(1)


class TextbookScores(nn.Module):
    """From padded histories, and users if they count, to scores of all items, or to the best."""

    vectors: Tensor
    left_out: Tensor
    unread: Tensor | None

    def __init__(
        self,
        encoder: nn.Module,
        vectors: Tensor,
        k: int,
        seen: str,
        allowed: Tensor | None = None,
        unread: Tensor | None = None,
    ) -> None:
        """Of what encodes histories and the item vectors (N + 1, D); k 0: all scores. `allowed`,
        bool (N + 1,), are the items that may be listed; None: all. `unread`, likewise, are those
        that histories are read without; None: none."""
        super().__init__()
        self.encoder = encoder
        self.register_buffer("vectors", vectors.detach().clone())
        never = torch.tensor([PAD]) if allowed is None else torch.nonzero(~allowed).flatten()
        self.register_buffer("left_out", never)
        self.register_buffer("unread", unread)
        self.k = k
        self.seen = seen

    @property
    def reads_users(self) -> bool:
        """Whether the features of users count."""
        return getattr(self.encoder, "num_tags", -1) >= 0

    def forward(self, history: Tensor, user: Tensor | None = None) -> Any:
        """(B, L), and (B,), -> scores (B, N + 1), or items and scores (B, K) each, best first;
        0 and -inf fill a list that has fewer."""
        read = history if self.unread is None else without(history, self.unread)
        last = (read != PAD).sum(1) - 1
        states = self.encoder(read, last, *[] if user is None else [user])
        if self.unread is not None:
            states = states * (last >= 0)[:, None]  # of nothing that can be read
        scores = states @ self.vectors.T
        if not self.k:
            return scores
        scores = scores.index_fill(1, self.left_out, -torch.inf)
        if self.seen == "exclude":
            scores = scores.scatter(1, history, -torch.inf)
        values, items = scores.topk(self.k, dim=1)
        return items.masked_fill(values == -torch.inf, PAD), values


def without(history: Tensor, unread: Tensor) -> Tensor:
    """Histories (B, L) without the items that are `unread` (N + 1,), again with padding at the
    end."""
    kept = (history != PAD) & ~unread[history]
    length = history.shape[1]
    places = torch.where(kept, kept.to(torch.int64).cumsum(1) - 1, length)
    # What is left out goes behind the end, where nothing is read.
    moved = F.pad(torch.zeros_like(history), (0, 1)).scatter(1, places, history)
    return moved[:, :-1]


def plain_encoder(model: Any, users: EncodedFeatures | None) -> nn.Module:
    """The plain module of what encodes histories.

    Raises:
        ConfigError: there is none for this model.
    """
    if isinstance(model, SASRec):
        return TextbookSASRec(model)
    if isinstance(model, GRU4Rec):
        return TextbookGRU4Rec(model)
    if isinstance(model, TwoTower):
        return TextbookTwoTower(model, users)
    raise ConfigError(
        f"a model of `{type(model).__name__}` cannot be exported",
        "a run of sasrec, gru4rec or two_tower can; `seqrec embed` writes the vectors of others",
    )


def textbook(
    model: Any,
    k: int,
    seen: str,
    users: EncodedFeatures | None = None,
    allowed: Tensor | None = None,
    unread: Tensor | None = None,
) -> TextbookScores:
    """The plain module of a sequence model, in evaluation mode; `users` are their features,
    `allowed`, bool (N + 1,), the items that may be listed, and `unread`, likewise, those that
    histories are read without.

    Raises:
        ConfigError: there is none for this model.
    """
    encoder = plain_encoder(model, users)
    return TextbookScores(encoder, model.item_vectors(), k, seen, allowed, unread).eval()
