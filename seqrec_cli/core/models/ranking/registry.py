"""The registry of ranking models: to add one, write its file and add its line here."""

from typing import Annotated, Any

import torch
from pydantic import SerializeAsAny

from seqrec_cli.core.batching.ranking import Sizes
from seqrec_cli.core.models.ranking.interface import RankingModelSettings
from seqrec_cli.core.randomness import seeded
from seqrec_cli.core.settings.registry import Choice, Registry, check_settings_class

HERE = "seqrec_cli.core.models.ranking"

RANKERS: Registry[Any] = Registry(
    "model",
    "seqrec.ranking_models",
    {
        "dien": f"{HERE}.dien:DIEN",
        "din": f"{HERE}.din:DIN",
        "mlp": f"{HERE}.mlp:MLP",
        "logistic": f"{HERE}.logistic:Logistic",
    },
    lambda name, model: check_settings_class(name, model, RankingModelSettings),
)

RANKER = Choice(RANKERS, "dien", "a ranking model")

RankerConfig = Annotated[SerializeAsAny[RankingModelSettings], RANKER]


def build_ranker(
    config: RankingModelSettings, sizes: Sizes, generator: torch.Generator | None = None
) -> Any:
    """Make the model that `config` is of, with fresh weights drawn from `generator`.

    It is a `RankingModel` and a torch module.
    """
    with seeded(None if generator is None else generator.initial_seed()):
        return RANKERS[config.name](sizes, config, generator)
