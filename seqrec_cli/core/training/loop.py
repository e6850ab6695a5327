"""The loop over epochs and validations, shared by both tasks."""

from collections.abc import Callable, Iterator

from seqrec_cli.core.training.events import EpochDone, Event, Spent, StepDone, Stopped, Validated
from seqrec_cli.core.training.pace import Pace
from seqrec_cli.core.training.state import Resumable
from seqrec_cli.errors import TrainingError


def epochs(
    training: Resumable,
    pace: Pace,
    train: Callable[[], Iterator[StepDone | EpochDone]],
    validate: Callable[[bool], Validated],
) -> Iterator[Event]:
    """Train and validate on schedule, until the budget ends or until patience runs out."""
    counters, patience = training.counters, pace.settings.patience
    while True:
        due = pace.is_due
        if due and not pace.is_validated:
            yield validate(True)
        if pace.is_over:
            if pace.done > 0 and not due:
                yield validate(False)
            if pace.spent:
                yield Spent(pace.spent, counters.current, pace.done)
            return
        if patience is not None and counters.worse >= patience:
            yield Stopped(counters.current, counters.best_epoch)
            return
        yield from train()


def train_epoch(
    training: Resumable, pace: Pace, losses: Callable[[int, int], Iterator[float]]
) -> Iterator[StepDone | EpochDone]:
    """Train on what is left of the epoch, or until something is due inside it.

    `losses` takes the steps of an epoch after the first few and yields the loss of each.
    """
    counters, steps = training.counters, pace.steps
    epoch = counters.epoch + 1
    for loss in losses(epoch, counters.step):
        counters.step += 1
        counters.loss_sum += loss
        pace.tick()
        if counters.step < steps:
            yield StepDone(epoch, counters.step, steps, counters.loss_sum / counters.step)
            if pace.is_due or pace.is_over:
                return
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
            f"the weights are not finite after epoch {training.counters.current}",
            f"lower `training.lr` (it is {lr})",
        )


def note_validation(
    training: Resumable,
    metrics: dict[str, float],
    scheduled: bool,
    pace: Pace | None = None,
    *,
    users: int = 0,
    remark: str = "",
) -> Validated:
    """Say whether a validation is the best so far, and record it if it is on schedule.

    Without a `pace` it is after an epoch, or what takes its place.
    """
    counters, value = training.counters, training.validation_score(metrics)
    is_best = value > counters.best
    if scheduled:
        if pace is None:
            counters.validated = counters.epoch
        else:
            pace.note_validation()
        counters.worse = 0 if is_best else counters.worse + 1
        if is_best:
            counters.best, counters.best_epoch = value, counters.current
    step = 0
    if pace is not None and (counters.step or pace.unit != "epochs"):
        step = pace.done
    return Validated(
        counters.current,
        counters.current_loss,
        metrics,
        is_best,
        remark,
        step=step,
        users=users,
    )
