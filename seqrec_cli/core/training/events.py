"""The events of a training, in the order in which they happen."""

from dataclasses import dataclass


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


@dataclass(frozen=True)
class Stopped:
    """Training stopped early: the last `patience` validations brought no improvement."""

    epoch: int
    best_epoch: int


Event = StepDone | EpochDone | Validated | Stopped
