"""A network over the mean of the history: what attention must beat to earn its keep.

Also the settings that all ranking networks share.

Shapes: B rows, T positions, D size of embeddings.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.models.ranking.interface import RankingModelSettings
from seqrec_cli.core.models.ranking.layers import (
    FeatureEmbeddings,
    Head,
    ItemEmbeddings,
    init_ranker,
)


class NetworkConfig(RankingModelSettings):
    """What the networks that rank have in common."""

    embedding: int = Field(16, ge=1, description="embedding size of items, categories and tags")
    embedding_std: float = Field(0.05, gt=0, description="standard deviation of initial embeddings")
    embedding_dropout: float = Field(0.0, ge=0, lt=1, description="dropout on item embeddings")
    shared_tables: bool = Field(
        True, description="one embedding table for candidates and histories; false: one each"
    )
    layers: list[PositiveInt] = Field([32, 16], description="hidden layer sizes of the head")
    dropout: float = Field(
        0.25, ge=0, lt=1, description="dropout after each hidden layer of the head"
    )


class MLPConfig(NetworkConfig):
    """The `model` part of an experiment with `name: mlp`."""

    name: Literal["mlp"] = "mlp"


class MLP(nn.Module):
    """[mean of the history, candidate, other features] through the head."""

    settings_class: ClassVar = MLPConfig

    def __init__(
        self, sizes: Sizes, config: MLPConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.embedding_drop = config.embedding_dropout
        self.items = ItemEmbeddings(sizes, config.embedding, config.shared_tables)
        self.features = FeatureEmbeddings(sizes, config.embedding)
        width = 2 * config.embedding + self.features.width
        self.head = Head(width, config.layers, config.dropout)
        init_ranker(self, generator, config.embedding_std)

    def forward(self, batch: RankingBatch, noise: Noise | None = None) -> Tensor:
        """Logits (B,)."""
        query, keys = self.items(batch.items, batch.history)
        query, keys = (dropout(x, self.embedding_drop, noise) for x in (query, keys))
        real = batch.mask.unsqueeze(2)
        mean = (keys * real).sum(1) / real.sum(1).clamp(min=1)
        return self.head(torch.cat((mean, query, self.features(batch)), dim=1), noise)  # type: ignore[no-any-return]

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        """Logits (B,), and what else is to be minimised: nothing."""
        return self(batch, noise), None
