"""The registry of models, and what a model must offer.

A sequence model knows no training, no device, no file and no dataset. It is made from the number
of items and its settings, and any such model goes with any loss and any sampler.
"""

from typing import Annotated, Protocol

import torch
from pydantic import Discriminator, Tag
from torch import Tensor, nn

from seqrec_cli.core.batching.packing import Packed, Work
from seqrec_cli.core.data.features.table import Features
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.encoders import ENCODERS, build_encoder, name_of
from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig
from seqrec_cli.core.models.sequential.two_tower import TwoTower, TwoTowerConfig

DEFAULT = "sasrec"


ModelConfig = Annotated[
    Annotated[SASRecConfig, Tag("sasrec")]
    | Annotated[GRU4RecConfig, Tag("gru4rec")]
    | Annotated[TwoTowerConfig, Tag("two_tower")],
    Discriminator(
        lambda settings: name_of(settings, DEFAULT),
        custom_error_type="model",
        custom_error_message="must be the settings of a model, such as `{name: sasrec}`",
    ),
]

CONFIGS: dict[str, type[SASRecConfig | GRU4RecConfig | TwoTowerConfig]] = {
    **ENCODERS,
    "two_tower": TwoTowerConfig,
}


class SequenceModel(Protocol):
    """Reads histories, gives one state a position, scores items against states.

    Shapes: B histories, L positions, T slots (see packing.py), D hidden size, K candidates, N
    items. Item 0 is padding. State t must not depend on items after t.
    """

    max_length: int
    work: Work

    @property
    def items(self) -> nn.Embedding:
        """The table that histories are read from."""
        ...

    @property
    def barred(self) -> Tensor | None:
        """Rows of `item_vectors` that training must not hold against; None: padding alone."""
        ...

    @property
    def tables(self) -> set[str]:
        """The names of the parameters that have a row an item."""
        ...

    def sparse_gradients(self) -> None:
        """From now on give gradients of those for the rows in use alone."""
        ...

    def forward(self, history: Tensor, noise: Noise | None = None) -> Tensor:
        """(B, L), padding on the left, to (B, L, D)."""
        ...

    def encode(self, batch: Packed, noise: Noise | None = None) -> Tensor:
        """T slots to (T, D)."""
        ...

    def item_vectors(self, ids: Tensor | None = None, noise: Noise | None = None) -> Tensor:
        """What states are multiplied with: for ids (...) (..., D); given none, (N + 1, D)."""
        ...

    def score(
        self, states: Tensor, candidates: Tensor | None = None, noise: Noise | None = None
    ) -> Tensor:
        """Dot products of states (..., D) with the vectors of candidates (..., K), to (..., K);
        given none, with those of all items, to (..., N + 1)."""
        ...


def build_model(
    config: ModelConfig,
    num_items: int,
    generator: torch.Generator | None = None,
    features: Features | None = None,
) -> SASRec | GRU4Rec | TwoTower:
    """Make the model that `config` names, with fresh weights drawn from `generator`."""
    if isinstance(config, TwoTowerConfig):
        return TwoTower(num_items, config, generator, features)
    return build_encoder(config, num_items, generator)
