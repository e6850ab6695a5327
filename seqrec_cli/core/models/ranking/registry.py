"""The registry of ranking models, and what such a model must offer.

It is made from the sizes of what it reads and its settings, and knows no training, file or dataset.
"""

from typing import Annotated, Any, Protocol

import torch
from pydantic import Discriminator, Tag
from torch import Tensor

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.ranking.dien import DIEN, DIENConfig
from seqrec_cli.core.models.ranking.din import DIN, DINConfig
from seqrec_cli.core.models.ranking.logistic import Logistic, LogisticConfig
from seqrec_cli.core.models.ranking.mlp import MLP, MLPConfig
from seqrec_cli.core.models.sequential.encoders import name_of

DEFAULT_RANKER = "dien"

RankerConfig = Annotated[
    Annotated[DIENConfig, Tag("dien")]
    | Annotated[DINConfig, Tag("din")]
    | Annotated[MLPConfig, Tag("mlp")]
    | Annotated[LogisticConfig, Tag("logistic")],
    Discriminator(
        lambda settings: name_of(settings, DEFAULT_RANKER),
        custom_error_type="model",
        custom_error_message="must be the settings of a ranking model, such as `{name: dien}`",
    ),
]

RANKERS: dict[str, type[DIENConfig | DINConfig | MLPConfig | LogisticConfig]] = {
    "dien": DIENConfig,
    "din": DINConfig,
    "mlp": MLPConfig,
    "logistic": LogisticConfig,
}


class RankingModel(Protocol):
    """Reads rows, gives logits. With noise a step of training is computed, without it what the
    model has learnt: then a row alone gets the logit that it gets in a batch."""

    def forward(self, batch: RankingBatch, noise: Noise | None = None) -> Tensor:
        """Logits (B,)."""
        ...

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        """Logits (B,), and what else is to be minimised beside their loss, or None."""
        ...


def build_ranker(
    config: RankerConfig, sizes: Sizes, generator: torch.Generator | None = None
) -> Any:
    """Make the model that `config` names, with fresh weights drawn from `generator`."""
    kinds: dict[type[Any], type[Any]] = {
        DIENConfig: DIEN,
        DINConfig: DIN,
        MLPConfig: MLP,
        LogisticConfig: Logistic,
    }
    return kinds[type(config)](sizes, config, generator)
