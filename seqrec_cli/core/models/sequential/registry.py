"""The registry of sequence models: to add one, write its file and add its line here."""

from typing import Annotated, Any

import torch
from pydantic import SerializeAsAny

from seqrec_cli.core.data.features.encoded import Features
from seqrec_cli.core.models.sequential.interface import SequenceModelSettings
from seqrec_cli.core.randomness import seeded
from seqrec_cli.core.settings.registry import Choice, Registry, check_settings_class

# Where models are, not the models: a two-tower model takes the reader of histories from here.
HERE = "seqrec_cli.core.models.sequential"

MODELS: Registry[Any] = Registry(
    "model",
    "seqrec.models",
    {
        "sasrec": f"{HERE}.sasrec:SASRec",
        "gru4rec": f"{HERE}.gru4rec:GRU4Rec",
        "two_tower": f"{HERE}.two_tower:TwoTower",
    },
    lambda name, model: check_settings_class(name, model, SequenceModelSettings),
)

MODEL = Choice(MODELS, "sasrec", "a model")

ModelConfig = Annotated[SerializeAsAny[SequenceModelSettings], MODEL]


def build_model(
    config: SequenceModelSettings,
    num_items: int,
    generator: torch.Generator | None = None,
    features: Features | None = None,
) -> Any:
    """Make the model that `config` is of, with fresh weights drawn from `generator`.

    It is a `SequenceModel` and a torch module.
    """
    with seeded(None if generator is None else generator.initial_seed()):
        return MODELS[config.name].create(num_items, config, generator, features)
