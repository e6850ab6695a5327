"""Sequence models as somebody writes them who knows torch and nothing of ours."""

from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor, nn

from seqrec_cli.core.models.sequential.interface import SequenceModelSettings
from seqrec_cli.core.models.sequential.plain import PlainSequenceModel
from seqrec_cli.core.models.sequential.registry import MODELS


class TransformerSettings(SequenceModelSettings):
    name: Literal["transformer"] = "transformer"
    hidden: int = 16
    dropout: float = 0.3
    max_length: int = 12


class Transformer(PlainSequenceModel):
    """torch's own Transformer encoder with a causal mask."""

    settings_class: ClassVar = TransformerSettings

    def __init__(self, num_items: int, settings: TransformerSettings) -> None:
        super().__init__()
        self.max_length = settings.max_length
        self.items = nn.Embedding(num_items + 1, settings.hidden, padding_idx=0)
        self.ages = nn.Embedding(settings.max_length, settings.hidden)
        self.dropout = nn.Dropout(settings.dropout)
        layer = nn.TransformerEncoderLayer(
            settings.hidden, 2, 2 * settings.hidden, settings.dropout, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, history: Tensor) -> Tensor:
        """(B, L) -> (B, L, D)."""
        length = history.shape[1]
        age = torch.arange(length - 1, -1, -1, device=history.device)
        x = self.dropout(self.items(history) + self.ages(age))
        itself = torch.eye(length, dtype=torch.bool, device=history.device)
        seen = torch.ones_like(itself).tril() & (history != 0)[:, None, :] | itself  # (B, L, L)
        states: Tensor = self.encoder(x, mask=~seen.repeat_interleave(2, dim=0))
        return states


class NormalizedSettings(SequenceModelSettings):
    name: Literal["normalized"] = "normalized"
    hidden: int = 16
    max_length: int = 12


class Normalized(PlainSequenceModel):
    """A network over the newest item and the mean of the history, with batch normalization."""

    settings_class: ClassVar = NormalizedSettings

    def __init__(self, num_items: int, settings: NormalizedSettings) -> None:
        super().__init__()
        self.max_length = settings.max_length
        self.items = nn.Embedding(num_items + 1, settings.hidden, padding_idx=0)
        self.inner = nn.Linear(2 * settings.hidden, settings.hidden)
        self.norm = nn.BatchNorm1d(settings.hidden)
        self.scale = nn.Parameter(torch.full((settings.hidden,), 0.5), requires_grad=False)
        self.unused = nn.Parameter(torch.ones(3))
        self.outer = nn.Sequential(
            nn.ReLU(), nn.Dropout(0.1), nn.Linear(settings.hidden, settings.hidden)
        )

    def forward(self, history: Tensor) -> Tensor:
        """(B, L) -> (B, L, D)."""
        x = self.items(history) * self.scale
        count = (history != 0).cumsum(1).clamp(min=1).unsqueeze(2)
        x = self.inner(torch.cat((x, x.cumsum(1) / count), dim=2))
        states: Tensor = self.outer(self.norm(x.transpose(1, 2)).transpose(1, 2))
        return states


PLAIN = {"transformer": Transformer, "normalized": Normalized}


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have them in the registry for the time of a test."""
    for name, model in PLAIN.items():
        monkeypatch.setitem(MODELS.ours, name, model)
