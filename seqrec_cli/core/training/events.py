"""The events of a training, in the order in which they happen."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StepDone:
    """A batch is done. Epochs and steps count from 1; loss is the epoch's mean so far."""

    epoch: int
    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch is over; loss is the mean over its batches."""

    epoch: int
    loss: float


@dataclass(frozen=True)
class Validated:
    """The valid part was evaluated: by full ranking, or by predicting labels."""

    epoch: int
    loss: float  # the epoch's mean
    metrics: dict[str, float]
    is_best: bool
    remark: str = ""  # what else was settled then, for people


@dataclass(frozen=True)
class Stopped:
    """Training stopped early: the last `patience` validations brought no improvement."""

    epoch: int
    best_epoch: int


@dataclass(frozen=True)
class Joining:
    """A model that joins the network is being fitted; `share` of the work is done."""

    name: str
    share: float


@dataclass(frozen=True, eq=False)
class JoinedFitted:
    """A model that joins the network was fitted."""

    name: str
    model: Any


@dataclass(frozen=True, eq=False)
class Refitted:
    """The last fit is over: the recipe that validation picked, once more on train + valid.

    Attributes:
        epoch: how many epochs it had, or which try it is.
        training: its state.
        joined: the models that join the network, by name, fitted again too.
    """

    epoch: int
    training: Any
    joined: dict[str, Any]


Event = Refitted | Joining | JoinedFitted | StepDone | EpochDone | Validated | Stopped
