"""The models that read a history alone: each stands for itself, or in the tower of users."""

from typing import Annotated, Any

import torch
from pydantic import Discriminator, Tag

from seqrec_cli.core.models.sequential.gru4rec import GRU4Rec, GRU4RecConfig
from seqrec_cli.core.models.sequential.sasrec import SASRec, SASRecConfig

DEFAULT = "gru4rec"


def name_of(settings: Any, default: str = DEFAULT) -> Any:
    """Which model some settings are of, made or as read."""
    if isinstance(settings, dict):
        return settings.get("name", default)
    return getattr(settings, "name", None)


EncoderConfig = Annotated[
    Annotated[SASRecConfig, Tag("sasrec")] | Annotated[GRU4RecConfig, Tag("gru4rec")],
    Discriminator(
        name_of,
        custom_error_type="model",
        custom_error_message="must be the settings of a model, such as `{name: sasrec}`",
    ),
]

ENCODERS: dict[str, type[SASRecConfig | GRU4RecConfig]] = {
    "gru4rec": GRU4RecConfig,
    "sasrec": SASRecConfig,
}


def build_encoder(
    config: EncoderConfig, num_items: int, generator: torch.Generator | None = None
) -> SASRec | GRU4Rec:
    """Make the model that `config` names, with fresh weights drawn from `generator`."""
    if isinstance(config, GRU4RecConfig):
        return GRU4Rec(num_items, config, generator)
    return SASRec(num_items, config, generator)
