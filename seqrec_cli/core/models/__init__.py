"""The registry of models, and what a model must offer.

A sequence model knows no training, no device, no file and no dataset. It is made from the number
of items and its settings, and any such model goes with any loss and any sampler.
"""

from typing import Annotated, Any, Protocol

import torch
from pydantic import Discriminator, Tag
from torch import Tensor, nn

from seqrec_cli.core.models.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sasrec import SASRec, SASRecConfig
from seqrec_cli.core.packing import Packed
from seqrec_cli.core.randomness import Noise


def name_of(settings: Any) -> Any:
    """Which model some settings are of, made or as read."""
    if isinstance(settings, dict):
        return settings.get("name", "sasrec")
    return getattr(settings, "name", None)


ModelConfig = Annotated[
    Annotated[SASRecConfig, Tag("sasrec")] | Annotated[GRU4RecConfig, Tag("gru4rec")],
    Discriminator(
        name_of,
        custom_error_type="model",
        custom_error_message="must be the settings of a model, such as `{name: sasrec}`",
    ),
]

CONFIGS: dict[str, type[SASRecConfig | GRU4RecConfig]] = {
    "gru4rec": GRU4RecConfig,
    "sasrec": SASRecConfig,
}


class SequenceModel(Protocol):
    """Reads histories, gives one state a position, scores items against states.

    Shapes: B histories, L positions, T slots (see packing.py), D hidden size, K candidates, N
    items. Item 0 is padding. State t must not depend on items after t.
    """

    max_length: int
    items: nn.Embedding  # the table that histories are read from

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

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """What states are multiplied with: for ids (...) (..., D); given none, (N + 1, D)."""
        ...

    def score(self, states: Tensor, candidates: Tensor | None = None) -> Tensor:
        """States (..., D) and candidates (..., K) to (..., K); given none, to (..., N + 1).

        Candidates (R, 1, K) are shared by all of the states (R, L, D), to (R, L, K).
        """
        ...


def build_model(
    config: ModelConfig, num_items: int, generator: torch.Generator | None = None
) -> SASRec | GRU4Rec:
    """Make the model that `config` names, with fresh weights drawn from `generator`."""
    if isinstance(config, GRU4RecConfig):
        return GRU4Rec(num_items, config, generator)
    return SASRec(num_items, config, generator)
