"""Logistic regression on the features that the networks read: the plainest ranking there is.

A weight for each candidate, for each item of the history (their mean), for each category, for each
tag (their mean) and for each number.

Shapes: B rows, T positions.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.layers import pool
from seqrec_cli.core.models.ranking.interface import RankingModelSettings


class LogisticConfig(RankingModelSettings):
    """The `model` part of an experiment with `name: logistic`."""

    name: Literal["logistic"] = "logistic"
    history: bool = Field(True, description="read the history too")


class Logistic(nn.Module):
    """A sum of weights; all are 0 at the start."""

    settings_class: ClassVar = LogisticConfig

    offsets: Tensor

    def __init__(
        self, sizes: Sizes, config: LogisticConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        starts = torch.tensor([0, *sizes.sparse]).cumsum(0)
        self.items = nn.Embedding(sizes.items, 1)
        self.history = nn.Embedding(sizes.items, 1, padding_idx=0) if config.history else None
        self.sparse = nn.Embedding(int(starts[-1]), 1) if sizes.sparse else None
        self.register_buffer("offsets", starts[:-1], persistent=False)
        self.tags = nn.ModuleList(nn.Embedding(n, 1, padding_idx=0) for n in sizes.tags)
        self.dense = nn.Parameter(torch.zeros(sizes.dense))
        self.bias = nn.Parameter(torch.zeros(1))
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.zeros_(module.weight)

    def forward(self, batch: RankingBatch, noise: Noise | None = None) -> Tensor:
        """Logits (B,)."""
        features = batch.features
        own = self.items(batch.items).squeeze(1)
        logits: Tensor = self.bias + own + features.dense @ self.dense
        if self.history is not None:
            logits = logits + self.mean(self.history, batch.history)
        if self.sparse is not None:
            codes = features.sparse + self.offsets
            logits = logits + self.sparse(codes).squeeze(2).sum(1)
        for table, codes in zip(self.tags, features.tags, strict=True):
            assert isinstance(table, nn.Embedding)
            logits = logits + self.mean(table, codes)
        return logits

    @staticmethod
    def mean(table: nn.Embedding, codes: Tensor) -> Tensor:
        """The mean weight of codes (B, M), (B,); 0 where there are none."""
        return pool(table(codes), codes != 0, "mean").squeeze(1)

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        """Logits (B,), and what else is to be minimised: nothing."""
        return self(batch, noise), None
