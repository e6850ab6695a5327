"""Vectors of items from elsewhere - of a text, a picture - beside the vectors that are learnt.

Each is scaled to length 1 and projected to the size of the model's own vectors; the two are added.
An item that is not in the train part has no vector of its own, so its content alone counts: it can
be read in a history, and recommended. With `hide_ids`, training hides the own vectors of other
items at random too, so that the projection learns to stand alone.

Shapes: D hidden size, V size of the content, N items. Item 0 is padding.
"""

from typing import Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.layers import kept_ids
from seqrec_cli.core.models.sequential.interface import SequenceModelSettings
from seqrec_cli.errors import ConfigError


class ContentSettings(SequenceModelSettings):
    """The settings of a model that can read the vectors of items that the dataset has."""

    item_vectors: Literal["none", "added", "alone"] = Field(
        "none",
        description="vectors of items from `prepare --item-vectors`: not read, added to the "
        "item's own through a projection, or in its place",
    )
    tune_vectors: bool = Field(
        False, description="change these vectors in training; false: only their projection"
    )
    hide_ids: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of items whose own vectors are hidden in a training step, with "
        "item_vectors: added",
    )

    @model_validator(mode="after")
    def vectors_agree(self) -> Self:
        if self.tune_vectors and self.item_vectors == "none":
            raise ValueError("tune_vectors is there for item_vectors: added, or alone")
        return self

    @property
    def needs_features(self) -> bool:
        """Whether a model with these settings is made from what the dataset has of items."""
        return self.item_vectors != "none"


class Content(nn.Module):
    """The projected vectors of all items."""

    vectors: Tensor  # float32 (N + 1, V)
    own: Tensor  # int64 (N + 1,), each item's row in the table of own vectors, PAD without one
    trained: Tensor  # bool (N + 1,)

    def __init__(self, hidden: int, settings: ContentSettings, features: Features | None) -> None:
        """
        Raises:
            ConfigError: the dataset has no vectors.
        """
        super().__init__()
        if features is None or features.vectors is None:
            raise ConfigError(
                f"`model.item_vectors: {settings.item_vectors}` reads vectors of items, and the "
                "dataset has none",
                "prepare it with `--item-vectors FILE`, or leave the setting out",
            )
        self.hide = settings.hide_ids
        vectors = F.pad(F.normalize(torch.from_numpy(features.vectors.copy())), (0, 0, 1, 0))
        trained = np.concatenate(([False], features.trained))
        own = trained & (settings.item_vectors == "added")
        # Of the catalogue and not learnt, so not among the weights.
        self.register_buffer("trained", torch.from_numpy(trained), persistent=False)
        rows = np.where(own, np.arange(len(own)), PAD)
        self.register_buffer("own", torch.from_numpy(rows), persistent=False)
        self.table = (
            nn.Embedding(len(vectors), vectors.shape[1], PAD) if settings.tune_vectors else None
        )
        if not settings.tune_vectors:
            self.register_buffer("vectors", vectors, persistent=False)
        self.start = vectors if settings.tune_vectors else None
        self.projection = nn.Linear(vectors.shape[1], hidden, bias=False)

    @torch.no_grad()
    def begin(self) -> None:
        """Let tuned vectors begin as they are in the dataset, whatever has initialised them."""
        if self.table is not None and self.start is not None:
            self.table.weight.copy_(self.start)
            self.start = None

    def own_ids(self, ids: Tensor, noise: Noise | None) -> Tensor:
        """The rows of ids (...) in the table of own vectors; PAD for those without, or hidden."""
        rows = self.own[ids]
        return rows * kept_ids(rows, self.hide, noise) if noise is not None and self.hide else rows

    def forward(self, ids: Tensor) -> Tensor:
        """The projected vectors (..., D) of ids (...)."""
        distinct, place = torch.unique(ids, return_inverse=True)
        if self.table is None:
            return F.embedding(place, self.projection(self.vectors[distinct]))
        return F.embedding(place, self.projection(self.table(distinct)))
