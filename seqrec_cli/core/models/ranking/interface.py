"""What a ranking model offers to training and scoring.

It is made from the sizes of what it reads and its settings, and knows no training, file or
dataset.
"""

from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from seqrec_cli.core.batching.ranking import RankingBatch, Sizes
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.settings.registry import NamedSettings


class RankingModelSettings(NamedSettings):
    """The `model` part of an experiment whose model ranks candidates."""


class RankingModel(Protocol):
    """Reads rows, gives logits.

    With `noise` a training step is computed. Without it the logit of a row does not depend on the
    other rows of the batch.
    """

    settings_class: ClassVar[type[RankingModelSettings]]

    training: bool

    def __init__(self, sizes: Sizes, config: Any, generator: torch.Generator | None = None) -> None:
        """Make the model, with fresh weights drawn from `generator`."""
        ...

    def __call__(self, batch: RankingBatch, noise: Noise | None = None) -> Tensor:
        """Logits (B,)."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Set the mode, as every torch module does."""
        ...

    def eval(self) -> Any:
        """Set evaluation mode, as every torch module does."""
        ...

    def learn(self, batch: RankingBatch, noise: Noise | None) -> tuple[Tensor, Tensor | None]:
        """Logits (B,), and a loss to be added to theirs, or None."""
        ...
