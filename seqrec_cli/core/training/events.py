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
    """The valid part was evaluated: by full ranking, or by predicting labels.

    Attributes:
        epoch: the last one, or the one in whose midst it is.
        loss: the epoch's mean, so far.
        step: the steps done since the beginning, where it is in the midst of an epoch; else 0.
        users: how many users were asked about, where they are a sample; else 0.
    """

    epoch: int
    loss: float
    metrics: dict[str, float]
    is_best: bool
    remark: str = ""  # what else was settled then, for people
    step: int = 0
    users: int = 0


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


@dataclass(frozen=True)
class Spent:
    """Training stopped as `setting`, its budget, was used up, after `steps` steps."""

    setting: str
    epoch: int
    steps: int


@dataclass(frozen=True)
class Judged:
    """The best weights, evaluated for all users of the valid part after a sample picked them."""

    epoch: int
    users: int
    metrics: dict[str, float]


Event = (
    Refitted | Joining | JoinedFitted | StepDone | EpochDone | Validated | Stopped | Spent | Judged
)
