"""What a sequence model offers to training, scoring and retrieval.

A sequence model knows no training, device, file or dataset. It is made from the number of items
and its settings, and any such model goes with any loss and any sampler. `plain.py` offers all of
this to a model that only has a `forward(history)`.
"""

from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from seqrec_cli.core.batching.packing import CostModel, Packed
from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.settings.registry import NamedSettings


class SequenceModelSettings(NamedSettings):
    """The `model` part of an experiment whose model predicts the next item."""

    # Whether the model reads the features of users too, whatever its settings.
    reads_users: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """A class that says that it reads features, and no more, reads those of users too."""
        if vars(cls).get("reads_features") is True:
            cls.reads_users = True

    @property
    def reads_features(self) -> bool:
        """Whether a model with these settings reads features."""
        return type(self).reads_users

    @property
    def needs_features(self) -> bool:
        """Whether a model with these settings is made from what the dataset has of items."""
        return self.reads_features


class SequenceModel(Protocol):
    """Reads histories, gives one state a position, scores items against states.

    Shapes: B histories, L positions, T slots (see packing.py), D hidden size, K candidates, N
    items. Item 0 is padding. State t must not depend on items after t. With `noise` a training
    step is computed, without it the model is deterministic.
    """

    settings_class: ClassVar[type[SequenceModelSettings]]
    max_length: int
    cost: CostModel

    @classmethod
    def create(
        cls,
        num_items: int,
        settings: Any,
        generator: torch.Generator | None,
        features: Features | None,
    ) -> "SequenceModel":
        """Make the model, with fresh weights drawn from `generator`."""
        ...

    @property
    def items(self) -> nn.Embedding:
        """The table that histories are read from."""
        ...

    @property
    def excluded_items(self) -> Tensor | None:
        """Rows of `item_vectors` never used as negatives; None: padding alone."""
        ...

    @property
    def tables(self) -> set[str]:
        """The names of the parameters with a row an item."""
        ...

    def sparse_gradients(self) -> None:
        """From now on give those parameters sparse gradients, for the rows in use alone."""
        ...

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """Map packed histories (T slots) to states (T, D); those of padding mean nothing."""
        ...

    def item_vectors(self, ids: Tensor | None = None, noise: Noise | None = None) -> Tensor:
        """The vectors that states are multiplied with: (..., D) for ids (...), else (N + 1, D)."""
        ...

    def score(
        self, states: Tensor, candidates: Tensor | None = None, noise: Noise | None = None
    ) -> Tensor:
        """Dot products of states (..., D) with the vectors of candidates (..., K), to (..., K);
        given none, with those of all items, to (..., N + 1)."""
        ...


def newest_states(model: SequenceModel, batch: Packed) -> Tensor:
    """The states of the newest items of packed histories, (B, D), without dropout.

    A model may offer `encode_newest(batch)`, which computes no others in its last layer.
    """
    encode = getattr(model, "encode_newest", None)
    states: Tensor = model.encode(batch)[batch.last] if encode is None else encode(batch)
    return states
