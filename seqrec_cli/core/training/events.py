"""What happens in a training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StepDone:
    """A batch was trained on. Epochs and steps count from 1; loss is the epoch's mean so far."""

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
    """The valid part was looked at: ranked, full catalogue, seen items excluded; or its labels
    predicted."""

    epoch: int
    loss: float  # the epoch's mean
    metrics: dict[str, float]
    is_best: bool


@dataclass(frozen=True)
class Stopped:
    """Training ended before its last epoch: no better validation for `patience` of them."""

    epoch: int
    best_epoch: int


Event = StepDone | EpochDone | Validated | Stopped
