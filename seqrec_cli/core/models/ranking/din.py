"""DIN: attention of the candidate over the history (Zhou et al., KDD 2018).

The weights of the history's items are not normalised: their sum tells how strongly the candidate is
wished for. Unlike the paper there is batch normalisation before the PReLU of the head, and Dice is
in the attention alone.

Shapes: B rows, T positions, D size of embeddings.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.models.ranking.layers import (
    Attention,
    FeatureEmbeddings,
    Head,
    ItemEmbeddings,
    init_ranker,
)
from seqrec_cli.core.models.ranking.mlp import NetworkConfig


class DINConfig(NetworkConfig):
    """The `model` part of an experiment with `name: din`."""

    name: Literal["din"] = "din"
    attention: list[PositiveInt] = Field(
        [16, 8], description="hidden layer sizes of the attention network"
    )


class DIN(nn.Module):
    """[history weighted by the candidate, candidate, other features] through the head."""

    settings_class: ClassVar = DINConfig

    def __init__(
        self, sizes: Sizes, config: DINConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.embedding_drop = config.embedding_dropout
        self.items = ItemEmbeddings(sizes, config.embedding, config.shared_tables)
        self.features = FeatureEmbeddings(sizes, config.embedding)
        self.attention = Attention(config.embedding, config.attention)
        width = 2 * config.embedding + self.features.width
        self.head = Head(width, config.layers, config.dropout)
        init_ranker(self, generator, config.embedding_std)

    def forward(self, batch: RankingBatch, noise: Noise | None = None) -> Tensor:
        """Logits (B,)."""
        query, keys = self.items(batch.items, batch.history)  # (B, D), (B, T, D)
        query, keys = (dropout(x, self.embedding_drop, noise) for x in (query, keys))
        weights = self.attention(query, keys, batch.mask, noise is not None)  # (B, T), 0 at padding
        pooled = torch.bmm(weights.unsqueeze(1), keys).squeeze(1)
        return self.head(torch.cat((pooled, query, self.features(batch)), dim=1), noise)  # type: ignore[no-any-return]

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        """Logits (B,), and what else is to be minimised: nothing."""
        return self(batch, noise), None
