"""Two-tower model: a user vector and an item vector, whose dot product is the score.

The user tower reads the history, by another sequence model, and the user's features; the item tower
reads an item's id and its features (Covington et al., RecSys 2016; Yi et al., RecSys 2019).
Vectors have length 1, so the score is a cosine; user vectors are divided by the temperature, so
that dot products are scores everywhere.

An item that is not in the train part is represented by its features alone: its id is unknown, a
row of zeros. With `id_dropout`, training hides the ids of other items at random too, so that the
tower learns to use features alone. If the model of the history reads vectors from elsewhere
(`history.item_vectors`), both towers do, and its `hide_ids` takes the place of `id_dropout`.

Shapes: B histories, T slots (see packing.py), D size of the vectors, K candidates, N items. Item 0
is padding.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, SerializeAsAny, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.packing import Packed
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.vocabularies import UNKNOWN, SparseEncoder, TagsEncoder
from seqrec_cli.core.data.sequences import PAD
from seqrec_cli.core.kernels.dropout import Noise, dropout
from seqrec_cli.core.models.layers import (
    Pooling,
    encode_padded,
    init_weights,
    kept_ids,
    pool,
)
from seqrec_cli.core.models.sequential.interface import SequenceModelSettings, newest_states
from seqrec_cli.core.models.sequential.item_features import values_of_tables
from seqrec_cli.core.models.sequential.registry import MODELS, build_model
from seqrec_cli.core.settings.registry import Choice, refused

SIDES: tuple[Literal["user", "item"], ...] = ("user", "item")
HISTORY = Choice(MODELS, "gru4rec", "a model")


class TwoTowerConfig(SequenceModelSettings):
    """The `model` part of an experiment with `name: two_tower`."""

    reads_users: ClassVar[bool] = True
    renamed: ClassVar = {"normalise": "normalize"}

    name: Literal["two_tower"] = "two_tower"
    history: Annotated[SerializeAsAny[SequenceModelSettings], HISTORY] = Field(
        default_factory=HISTORY.default_settings,
        description="model that encodes the history; its item table is shared by both towers",
    )
    output: int = Field(64, ge=1, description="size of user and item vectors")
    user_layers: list[PositiveInt] = Field([], description="hidden layer sizes of the user tower")
    item_layers: list[PositiveInt] = Field([], description="hidden layer sizes of the item tower")
    user_features: bool = Field(True, description="read the features of users, if any")
    item_features: bool = Field(True, description="read the features of items, if any")
    feature_size: int = Field(16, ge=1, description="embedding size of a category or a tag")
    pooling: Pooling = Field("mean", description="how the vectors of several tags are combined")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout on the inputs of each layer")
    id_dropout: float = Field(
        0.1, ge=0, lt=1, description="share of item ids hidden in a training step"
    )
    normalize: bool = Field(True, description="normalize vectors to length 1")
    temperature: float = Field(0.1, gt=0, description="divisor of scores")

    @model_validator(mode="after")
    def history_scores_nothing(self) -> "TwoTowerConfig":
        if self.history.reads_features:
            raise refused("history", "must be a model that reads histories alone", "", self.history)
        if not getattr(self.history, "tied", True) or getattr(self.history, "item_bias", False):
            raise ValueError(
                "the towers compute the scores: `history` needs `tied: true` and no `item_bias`"
            )
        return self


class TwoTower(nn.Module):
    """Encodes users and items into vectors of the same space."""

    settings_class: ClassVar = TwoTowerConfig

    known: Tensor  # int64 (N + 1,), each item's row in the table, 0 if it is unknown
    item_dense: Tensor
    item_sparse: Tensor

    def __init__(
        self,
        num_items: int,
        config: TwoTowerConfig,
        generator: torch.Generator | None = None,
        features: Features | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.history = build_model(config.history, num_items, generator, features)
        self.max_length = self.history.max_length
        self.cost = self.history.cost
        encoders = Encoders() if features is None else features.encoders
        users = encoders.side("user") if config.user_features else Encoders()
        items = encoders.side("item") if config.item_features else Encoders()
        hidden = self.items.embedding_dim
        self.user_side = Tower(hidden, config.user_layers, users, config, generator)
        self.item_side = Tower(hidden, config.item_layers, items, config, generator)
        trained = np.ones(num_items, np.bool_) if features is None else features.trained
        # Of the catalogue and not learnt, so not among the weights.
        known = np.where(np.concatenate(([False], trained)), np.arange(num_items + 1), PAD)
        self.register_buffer("known", torch.from_numpy(known), persistent=False)
        self.num_tags = -1
        if features is not None and features.items is not None and config.item_features:
            table = FeatureTensors.of(features.items)
            self.num_tags = len(table.tags)
            padding = named(self.item_side.unknown(1))
            for name, values in named(table).items():
                whole = torch.cat((padding[name].expand(1, values.shape[1]), values))
                self.register_buffer(f"item_{name}", whole, persistent=False)

    @classmethod
    def create(
        cls,
        num_items: int,
        settings: Any,
        generator: torch.Generator | None,
        features: Features | None,
    ) -> Self:
        """Make the model, with fresh weights drawn from `generator`."""
        return cls(num_items, settings, generator, features)

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """Map packed histories (T slots) to user vectors (T, D)."""
        states = self.history.encode(self.known_of(batch), noise)
        return self.tower(states, batch, batch.rows, noise)

    def encode_newest(self, batch: Packed) -> Tensor:
        """The vectors of users after the newest items alone, (B, D)."""
        states = newest_states(self.history, self.known_of(batch))
        return self.tower(states, batch, batch.rows[batch.last], None)

    def known_of(self, batch: Packed) -> Packed:
        """The batch without items that the model of the history has not learnt."""
        return batch if self.reads_content else replace(batch, items=self.known[batch.items])

    def tower(self, states: Tensor, batch: Packed, rows: Tensor, noise: Noise | None) -> Tensor:
        """The vectors of users after states (S, D) of these rows of the batch, int64 (S,)."""
        features = self.user_side.read(batch.features, int(batch.rows[-1]) + 1)[rows]
        vectors: Tensor = self.user_side(states, features, noise)
        return vectors / self.config.temperature

    def forward(self, history: Tensor, noise: Noise | None = None) -> Tensor:
        """Map histories (B, L), padding on the left, to vectors (B, L, D); 0 at padding."""
        return encode_padded(self, history, noise)

    @property
    def reads_content(self) -> bool:
        """Whether the model of the history reads vectors from elsewhere, which towers share."""
        return getattr(self.history, "content", None) is not None

    @property
    def items(self) -> nn.Embedding:
        """The table that histories are read from, (N + 1, hidden size)."""
        table: nn.Embedding = self.history.items
        return table

    @property
    def excluded_items(self) -> Tensor:
        """Rows never used as negatives: padding, and the items that are not trained on.

        These are never a target, so as negatives they would only push their features away.
        """
        return (self.known == PAD).nonzero().squeeze(1)

    @property
    def tables(self) -> set[str]:
        """The names of the parameters with a row an item."""
        return {f"history.{name}" for name in self.history.tables}

    def values_of_tables(self, encoders: Encoders) -> dict[str, NDArray[np.str_]]:
        """For each table of features its name and values: row v + 1 is that of value v, row 0 of
        what is unknown."""
        reads = {"user": self.config.user_features, "item": self.config.item_features}
        return {
            f"{side}_side.{name}": values
            for side in SIDES
            if reads[side]
            for name, values in values_of_tables(encoders.side(side)).items()
        }

    def sparse_gradients(self) -> None:
        """From now on give the item table sparse gradients, for the rows in use alone."""
        self.history.sparse_gradients()

    def item_vectors(self, ids: Tensor | None = None, noise: Noise | None = None) -> Tensor:
        """The vectors of items, for ids (...) (..., D); given none, (N + 1, D)."""
        if ids is None:
            return self.distinct_vectors(torch.arange(len(self.known)).to(self.known), noise)
        # An item that is asked for often goes through its tower once.
        distinct, place = torch.unique(ids, return_inverse=True)
        return F.embedding(place, self.distinct_vectors(distinct, noise))

    def distinct_vectors(self, ids: Tensor, noise: Noise | None) -> Tensor:
        """The vectors (R, D) of items (R,)."""
        known = self.known[ids]
        if noise is not None and self.config.id_dropout:
            known = known * kept_ids(known, self.config.id_dropout, noise)
        own = self.history.read_items(ids, noise) if self.reads_content else self.items(known)
        own = own * math.sqrt(self.items.embedding_dim)
        features = self.item_side.read(self.features_of(ids), len(ids))
        return self.item_side(own, features, noise)  # type: ignore[no-any-return]

    def features_of(self, ids: Tensor) -> FeatureTensors | None:
        """The features of items (R,), if there are any."""
        if self.num_tags < 0:
            return None
        tags = tuple(getattr(self, f"item_tags_{n}")[ids] for n in range(self.num_tags))
        return FeatureTensors(self.item_dense[ids], self.item_sparse[ids], tags)

    def score(
        self, states: Tensor, candidates: Tensor | None = None, noise: Noise | None = None
    ) -> Tensor:
        """Score candidates (..., K) for states (..., D); given none, every id 0 to N."""
        vectors = self.item_vectors(candidates, noise)
        if candidates is None:
            return F.linear(states, vectors)
        return (vectors @ states.unsqueeze(-1)).squeeze(-1)


class Tower(nn.Module):
    """Maps an id or a history, with features beside it, to a vector."""

    missing: Tensor  # float32 (F,), what a missing number of each dense column becomes

    def __init__(
        self,
        hidden: int,
        layers: Sequence[int],
        encoders: Encoders,
        config: TwoTowerConfig,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        self.drop = config.dropout
        self.normalize = config.normalize
        self.pooling = config.pooling
        dense, sparse = encoders.of(DenseEncoder), encoders.of(SparseEncoder)
        tags = encoders.of(TagsEncoder)
        size = config.feature_size
        # Row 0 is what is unknown: padding has no row.
        self.sparse = nn.ModuleList(nn.Embedding(c.size - UNKNOWN, size) for c in sparse)
        self.tags = nn.ModuleList(nn.Embedding(c.size - UNKNOWN, size) for c in tags)
        self.num_dense = len(dense)
        missing = torch.tensor([c.missing for c in dense], dtype=torch.float32)
        self.register_buffer("missing", missing, persistent=False)
        width = hidden + self.num_dense + size * (len(sparse) + len(tags))
        sizes = [width, *layers, config.output]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.width = width - hidden
        init_weights(self, generator)
        for module in (*self.sparse, *self.tags):
            assert isinstance(module, nn.Embedding)
            nn.init.normal_(module.weight, generator=generator)  # as large as what is beside

    def unknown(self, count: int) -> FeatureTensors:
        """The features of `count` users or items of whom nothing is known."""
        device = self.missing.device
        codes = torch.full((count, 1), UNKNOWN, device=device)
        return FeatureTensors(
            self.missing.expand(count, -1),
            codes.expand(-1, len(self.sparse)),
            (torch.full((count, 1), PAD, device=device),) * len(self.tags),
        )

    def read(self, rows: FeatureTensors | None, count: int) -> Tensor:
        """Embed and concatenate features (R rows) to (R, width)."""
        if rows is None or not self.width:
            rows = self.unknown(count)
        pieces = [rows.dense]
        pieces += [
            table(codes - UNKNOWN)
            for table, codes in zip(self.sparse, rows.sparse.unbind(1), strict=True)
        ]
        pieces += [
            pool(table((codes - UNKNOWN).clamp(min=0)), codes != PAD, self.pooling)
            for table, codes in zip(self.tags, rows.tags, strict=True)
        ]
        return torch.cat(pieces, dim=1)

    def forward(self, own: Tensor, features: Tensor, noise: Noise | None) -> Tensor:
        """(R, hidden) and (R, width) to vectors (R, D)."""
        x = torch.cat((own, features), dim=1)
        for number, layer in enumerate(self.layers):
            x = layer(dropout(F.relu(x) if number else x, self.drop, noise))
        # What has no length, as an item without id and features, must not get an endless gradient.
        return F.normalize(x, dim=-1, eps=1e-3) if self.normalize else x


def named(rows: FeatureTensors) -> dict[str, Tensor]:
    """The tensors of features by name."""
    tags = {f"tags_{number}": codes for number, codes in enumerate(rows.tags)}
    return {"dense": rows.dense, "sparse": rows.sparse, **tags}
