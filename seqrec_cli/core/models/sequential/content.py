"""What is known of items - vectors from elsewhere, as of a text or a picture, and features - beside
the vectors that are learnt.

A vector is scaled to length 1 and projected to the size of the model's own vectors; features have
vectors too (item_features.py); all are added. An item that is not in the train part has no vector
of its own, so its content alone counts: it can be read in a history, and recommended. With
`hide_ids`, training hides the own vectors of other items at random too, so that the content learns
to stand alone.

Shapes: D hidden size, V size of the content, N items. Item 0 is padding.
"""

import functools
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
from seqrec_cli.core.models.sequential.item_features import ItemFeatures
from seqrec_cli.errors import ConfigError


class ContentSettings(SequenceModelSettings):
    """The settings of a model that can read the vectors of items that the dataset has."""

    item_vectors: Literal["none", "added", "alone"] = Field(
        "none",
        description="vectors of items from `prepare --item-vectors`: not read, added to the "
        "item's own through a projection, or in its place",
    )
    item_features: bool = Field(
        False,
        description="read the features of items (`prepare --items-file`): a vector for each "
        "category and tag, and a projection of numbers, are added to the item's own",
    )
    tune_vectors: bool = Field(
        False, description="change these vectors in training; false: only their projection"
    )
    hide_ids: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of items whose own vectors are hidden in a training step, with "
        "item_vectors: added or item_features",
    )

    @model_validator(mode="after")
    def vectors_agree(self) -> Self:
        if self.tune_vectors and self.item_vectors == "none":
            raise ValueError("tune_vectors is there for item_vectors: added, or alone")
        return self

    @property
    def reads_features(self) -> bool:
        """Whether a model with these settings reads features."""
        return self.item_features

    @property
    def needs_features(self) -> bool:
        """Whether a model with these settings is made from what the dataset has of items."""
        return self.item_vectors != "none" or self.item_features


class Content(nn.Module):
    """What is known of all items, as vectors."""

    vectors: Tensor  # float32 (N + 1, V)
    own: Tensor  # int64 (N + 1,), each item's row in the table of own vectors, PAD without one
    trained: Tensor  # bool (N + 1,)

    def __init__(self, hidden: int, settings: ContentSettings, features: Features | None) -> None:
        """
        Raises:
            ConfigError: the dataset does not have what is read.
        """
        super().__init__()
        reads_vectors = settings.item_vectors != "none"
        if reads_vectors and (features is None or features.vectors is None):
            raise ConfigError(
                f"`model.item_vectors: {settings.item_vectors}` reads vectors of items, and the "
                "dataset has none",
                "prepare it with `--item-vectors FILE`, or leave the setting out",
            )
        self.features = ItemFeatures(hidden, features) if settings.item_features else None
        assert features is not None
        self.hide = settings.hide_ids
        trained = np.concatenate(([False], features.trained))
        own = trained & (settings.item_vectors != "alone")
        # Of the catalogue and not learnt, so not among the weights.
        self.register_buffer("trained", torch.from_numpy(trained), persistent=False)
        rows = np.where(own, np.arange(len(own)), PAD)
        self.register_buffer("own", torch.from_numpy(rows), persistent=False)
        self.table: nn.Embedding | None = None
        self.projection: nn.Linear | None = None
        self.start: Tensor | None = None
        if features.vectors is not None and reads_vectors:
            vectors = F.pad(F.normalize(torch.from_numpy(features.vectors.copy())), (0, 0, 1, 0))
            if settings.tune_vectors:
                self.table, self.start = nn.Embedding(len(vectors), vectors.shape[1], PAD), vectors
            else:
                self.register_buffer("vectors", vectors, persistent=False)
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
        """The content (..., D) of ids (...)."""
        distinct, place = torch.unique(ids, return_inverse=True)
        parts = []
        if self.projection is not None:
            rows = self.vectors[distinct] if self.table is None else self.table(distinct)
            parts.append(self.projection(rows))
        if self.features is not None:
            parts.append(self.features(distinct))
        return F.embedding(place, functools.reduce(torch.add, parts))
