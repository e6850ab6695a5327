"""A ranking model as somebody writes it who knows torch and nothing of ours."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.models.ranking.interface import RankingModelSettings
from seqrec_cli.core.models.ranking.plain import PlainRankingModel


class OrdinarySettings(RankingModelSettings):
    name: Literal["ordinary"] = "ordinary"


class Ordinary(PlainRankingModel):
    """A network over the candidate and the mean of the history, with what torch has."""

    settings_class: ClassVar = OrdinarySettings

    def __init__(
        self, sizes: Sizes, config: OrdinarySettings, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.items = nn.Embedding(sizes.items, 8, padding_idx=0)
        self.network = nn.Sequential(
            nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1)
        )

    def forward(self, batch: RankingBatch) -> Tensor:
        """Logits (B,)."""
        mean = self.items(batch.history).sum(1) / batch.mask.sum(1, keepdim=True).clamp(min=1)
        logits: Tensor = self.network(torch.cat((self.items(batch.items), mean), dim=1))
        return logits.squeeze(1)
