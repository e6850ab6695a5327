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

from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.models.sequential.sasrec import SASRec, SelfAttention
from seqrec_cli.errors import ConfigError


class TextbookAttention(nn.Module):
    """`SelfAttention` by its formula, with all L x L scores."""

    def __init__(self, layers: SelfAttention) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor, source: Tensor, batch: Any, noise: Any) -> Tensor:
        """Queries from x (B, L, D), keys and values from source (B, L, D) -> (B, L, D)."""
        layers, length = self.layers, x.shape[1]
        q, k, v = (
            y.unflatten(-1, (layers.heads, -1)).transpose(1, 2)  # (B, heads, L, D / heads)
            for y in (layers.query(x), layers.key(source), layers.value(source))
        )
        at = torch.arange(length, device=x.device)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        scores = torch.where(at[None, :] > at[:, None], -torch.inf, scores)  # (B, heads, L, L)
        attended = torch.softmax(scores, dim=-1) @ v
        return layers.out(attended.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class TextbookSASRec(nn.Module):
    """SASRec from padded histories to the states of their newest items."""

    def __init__(self, model: SASRec) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        for block in self.model.blocks:
            if getattr(block, "attention_mix", None) is not None:
                raise ConfigError(
                    "blocks with a convolution cannot be exported",
                    "train with `--set model.convolution=0`",
                )
            block.attention = TextbookAttention(block.attention)  # type: ignore[arg-type]

    def forward(self, history: Tensor) -> Tensor:
        """(B, L) -> (B, D)."""
        model, last = self.model, (history != PAD).sum(1) - 1
        ages = (last[:, None] - torch.arange(history.shape[1])[None, :]).clamp(min=0)
        x = model.positions(model.max_length - 1 - ages)
        x = x + model.items(history) * math.sqrt(model.items.embedding_dim)
        for block in model.blocks:
            x = block(x, None, None)
        return newest(model.norm(x), last)


def newest(states: Tensor, last: Tensor) -> Tensor:
    """The states (B, L, D) at positions `last` (B,), as (B, D)."""
    places = last.clamp(min=0)[:, None, None].expand(-1, 1, states.shape[2])
    return states.gather(1, places).squeeze(1)


class TextbookScores(nn.Module):
    """From padded histories to scores of all items, or to the best of them."""

    def __init__(self, encoder: nn.Module, vectors: Tensor, k: int, seen: str) -> None:
        """Of what encodes histories and the item vectors (N + 1, D); k 0: all scores."""
        super().__init__()
        self.encoder = encoder
        self.register_buffer("vectors", vectors.detach().clone())
        self.k = k
        self.seen = seen

    def forward(self, history: Tensor) -> Any:
        """(B, L) -> scores (B, N + 1), or items and scores (B, K) each, best first."""
        scores = self.encoder(history) @ self.vectors.T
        if not self.k:
            return scores
        left_out = history if self.seen == "exclude" else torch.zeros_like(history)
        left_out = torch.cat((left_out, torch.zeros_like(history[:, :1])), dim=1)  # and padding
        scores = scores.scatter(1, left_out, -torch.inf)
        values, items = scores.topk(self.k, dim=1)
        return items, values


def textbook(model: Any, k: int, seen: str) -> TextbookScores:
    """The plain module of a sequence model, in evaluation mode.

    Raises:
        ConfigError: there is none for this model.
    """
    if not isinstance(model, SASRec):
        raise ConfigError(
            f"a model of `{type(model).__name__}` cannot be exported",
            "a run of sasrec can; `seqrec embed` writes the vectors of the others",
        )
    return TextbookScores(TextbookSASRec(model), model.item_vectors(), k, seen).eval()
