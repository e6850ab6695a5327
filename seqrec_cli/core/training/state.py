"""The state of a training between two steps: all that resuming needs."""

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from seqrec_cli.core.storage.tensors import InPieces, StoredTensor
from seqrec_cli.core.training.averaging import WeightAverages
from seqrec_cli.core.training.distributed import ALONE, Team
from seqrec_cli.core.training.optimizers import Optimizer

FLOATS = {"loss_sum", "loss", "best", "seconds", "validated_seconds"}


@dataclass
class Counters:
    """Where a training stands."""

    epoch: int = 0  # epochs that are over
    step: int = 0  # batches done of the next one
    loss_sum: float = 0.0  # over those batches
    loss: float = 0.0  # the mean over the last epoch that is over
    validated: int = 0  # the last epoch that was validated, and all steps and seconds until then
    validated_step: int = 0
    validated_seconds: float = 0.0
    seconds: float = 0.0  # of training, where a budget or a validation goes by the minute
    best: float = -math.inf
    best_epoch: int = 0
    worse: int = 0  # validations since the best

    @property
    def current(self) -> int:
        """The epoch that is in progress, or the last one between two."""
        return self.epoch + bool(self.step)

    @property
    def current_loss(self) -> float:
        """The mean loss of that epoch, so far."""
        return self.loss_sum / self.step if self.step else self.loss

    def check(self) -> None:
        """Refuse values that no training can have.

        Raises:
            ValueError: with the name.
        """
        for name, value in asdict(self).items():
            kind = float if name in FLOATS else int
            fits = -math.inf <= value < math.inf if kind is float else 0 <= value < 2**53
            if type(value) is not kind or not fits:
                raise ValueError(f"`{name}` cannot be {value!r}")


class Resumable:
    """The state of a training between two steps: all that resuming needs."""

    experiment: Any
    model: Any
    optimizers: dict[str, Optimizer]
    averages: WeightAverages | None = None
    counters: Counters
    team: Team = ALONE

    # True while nothing is half changed, so that a signal may raise an exception at any point.
    interruptible = False

    @contextlib.contextmanager
    def safe_to_interrupt(self) -> Iterator[None]:
        """While the block runs, a signal may raise an exception without harm."""
        # Of several workers none may leave the others alone: they stop between two steps.
        self.interruptible = self.team.size == 1
        try:
            yield
        finally:
            self.interruptible = False

    @property
    def epochs(self) -> int:
        """The number of epochs, or of what takes their place."""
        return int(self.experiment.training.epochs)

    def facts(self) -> dict[str, Any]:
        """What else belongs to the weights, as JSON."""
        return {}

    def validation_score(self, metrics: dict[str, float]) -> float:
        """What validation picks the best weights by; higher is better."""
        return metrics[self.experiment.training.metric]

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that exact resumption needs: tensors by name, and plain counters."""
        return self.tensors(), asdict(self.counters)

    def whole(self, named: Mapping[str, Tensor]) -> Mapping[str, Tensor | InPieces]:
        """Tensors of `tensors` or of the model, as they are saved."""
        return named

    def restore(
        self, tensors: Mapping[str, Tensor | StoredTensor], counters: dict[str, Any]
    ) -> None:
        """Go back to what `state` returned.

        Raises:
            ValueError, TypeError: they are not of such a training.
        """
        own = self.tensors()
        whole = self.whole(own)
        if {n: t.shape for n, t in whole.items()} != {n: t.shape for n, t in tensors.items()}:
            raise ValueError("the tensors are not those of this model and its optimizers")
        counted = Counters(**counters)
        counted.check()
        for name, tensor in own.items():
            self.take_over(name, tensor, tensors[name])
        self.counters = counted

    def take_over(self, name: str, own: Tensor, saved: "Tensor | StoredTensor") -> None:
        """Set one's own tensor of that name to the saved one."""
        if isinstance(saved, Tensor):
            own.copy_(saved)
        else:
            saved.copy_to(own)

    def tensors(self) -> dict[str, Tensor]:
        """The weights and the state of the optimizers, by name."""
        named = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for kind, optimizer in self.optimizers.items():
            # Spelled as in the first checkpoints, which must stay readable.
            named |= {f"optimiser.{kind}.{name}": t for name, t in optimizer.state().items()}
        if self.averages is not None:
            named |= {f"average.{name}": tensor for name, tensor in self.averages.state().items()}
        return named

    def kept(self) -> dict[str, Tensor]:
        """What is validated and saved for use, by name: the weights, or their means."""
        weights: dict[str, Tensor] = self.model.state_dict()
        if self.averages is None or not int(self.averages.steps):
            return weights
        return weights | self.averages.means

    def keeping(self) -> contextlib.AbstractContextManager[None]:
        """Within the block the weights are those of `kept`."""
        if self.averages is None or not int(self.averages.steps):
            return contextlib.nullcontext()
        return self.averages.in_use()

    def trained_parameters(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by name."""
        return {n: p for n, p in self.model.named_parameters() if p.requires_grad}

    @cached_property
    def statistic_names(self) -> list[str]:
        """The names of what a training step changes beside the parameters."""
        saved = self.model.state_dict().keys()
        return [name for name, _ in self.model.named_buffers() if name in saved]

    def statistics(self) -> dict[str, Tensor]:
        """A copy of what a training step changes beside the parameters: running statistics."""
        if not self.statistic_names:
            return {}
        named = dict(self.model.named_buffers())
        return {name: named[name].clone() for name in self.statistic_names}

    def set_statistics(self, statistics: dict[str, Tensor]) -> None:
        """Set them back to a copy."""
        named = dict(self.model.named_buffers())
        for name, tensor in statistics.items():
            named[name].copy_(tensor)

    def is_finite(self) -> bool:
        """Whether all weights and running statistics are finite numbers."""
        return all(bool(torch.isfinite(t).all()) for t in self.model.state_dict().values())
