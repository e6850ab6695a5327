"""The loop over epochs and validations, shared by both tasks."""

from collections.abc import Callable, Iterator
from typing import Protocol

from seqrec_cli.core.training.events import EpochDone, Event, StepDone, Stopped, Validated
from seqrec_cli.core.training.state import Resumable
from seqrec_cli.errors import TrainingError


class Schedule(Protocol):
    """The settings that say when a training validates and ends."""

    @property
    def epochs(self) -> int: ...
    @property
    def validate_every(self) -> int: ...
    @property
    def patience(self) -> int | None: ...


def epochs(
    training: Resumable,
    settings: Schedule,
    train: Callable[[], Iterator[StepDone | EpochDone]],
    validate: Callable[[bool], Validated],
) -> Iterator[Event]:
    """Train and validate on schedule, until the last epoch or until patience runs out."""
    while True:
        counters = training.counters
        scheduled = counters.epoch > 0 and counters.epoch % settings.validate_every == 0
        if scheduled and counters.validated < counters.epoch:
            yield validate(scheduled)
        if counters.epoch >= settings.epochs:
            if counters.epoch > 0 and not scheduled:
                yield validate(scheduled)
            return
        if settings.patience is not None and counters.worse >= settings.patience:
            yield Stopped(counters.epoch, counters.best_epoch)
            return
        yield from train()


def train_epoch(
    training: Resumable, steps: int, losses: Callable[[int, int], Iterator[float]]
) -> Iterator[StepDone | EpochDone]:
    """Train on what is left of the epoch; `losses` takes the steps of an epoch after the first few
    and yields the loss of each."""
    counters = training.counters
    epoch = counters.epoch + 1
    for loss in losses(epoch, counters.step):
        counters.step += 1
        counters.loss_sum += loss
        if counters.step < steps:
            yield StepDone(epoch, counters.step, steps, counters.loss_sum / counters.step)
    mean = counters.loss_sum / steps
    counters.epoch, counters.step, counters.loss_sum, counters.loss = epoch, 0, 0.0, mean
    # Last, so that whoever stops at it finds the counters at the end of the epoch.
    yield EpochDone(epoch, mean)


def check_finite(training: Resumable, lr: float) -> None:
    """Refuse weights that are not finite numbers.

    Raises:
        TrainingError: there are some.
    """
    if not training.is_finite():
        raise TrainingError(
            f"the weights are not finite after epoch {training.counters.epoch}",
            f"lower `training.lr` (it is {lr})",
        )


def note_validation(
    training: Resumable, metrics: dict[str, float], scheduled: bool, remark: str = ""
) -> Validated:
    """Say whether a validation is the best so far, and record it if it is on schedule."""
    counters, value = training.counters, training.validation_score(metrics)
    is_best = value > counters.best
    if scheduled:
        counters.validated = counters.epoch
        counters.worse = 0 if is_best else counters.worse + 1
        if is_best:
            counters.best, counters.best_epoch = value, counters.epoch
    return Validated(counters.epoch, counters.loss, metrics, is_best, remark)
