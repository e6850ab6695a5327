"""A training for TensorBoard (the extra `tensorboard`), written from the events of the training."""

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqrec_cli.core.runs.beginning import StartedTraining
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.training.events import EpochDone, Event, StepDone, Validated
from seqrec_cli.errors import MissingExtra, OutputError

STEP_SECONDS = 2.0  # between two points of the loss inside an epoch


def load_tensorboard() -> Any:
    """The writer of TensorBoard's files.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module("torch.utils.tensorboard")
    except ImportError:
        raise MissingExtra("tensorboard", "tensorboard") from None


def watched(started: StartedTraining, run: Run, folder: Path) -> StartedTraining:
    """The same training, whose events are written to `folder`/RUN as they come.

    The loss of epochs and `validation/METRIC` count by epochs, the loss inside of them and a
    validation there by steps. A run that goes on replaces what was written after its checkpoint.

    Raises:
        MissingExtra: TensorBoard is not installed.
        OutputError: the folder cannot be written to.
    """
    library, place = load_tensorboard(), folder / run.name
    done = started.training.counters.epoch
    try:
        writer = library.SummaryWriter(str(place), purge_step=done + 1 if done else None)
    except OSError as error:
        raise OutputError(
            f"cannot write `{place}`: {error.strerror}", "choose another folder for --tensorboard"
        ) from error
    writer.add_text("experiment", as_code(started.experiment.to_yaml()))
    return replace(started, events=written(started.events, writer, time.monotonic))


def as_code(text: str) -> str:
    """A text as Markdown shows it unchanged."""
    return "".join(f"    {line}\n" for line in text.splitlines())


def written(events: Iterator[Event], writer: Any, clock: Callable[[], float]) -> Iterator[Event]:
    """Pass events on, each after it was written."""
    due = clock()
    try:
        for event in events:
            if isinstance(event, StepDone) and clock() >= due:
                step = (event.epoch - 1) * event.steps + event.step
                writer.add_scalar("loss/in the epoch so far", event.loss, step)
                due = clock() + STEP_SECONDS
            elif isinstance(event, EpochDone):
                writer.add_scalar("loss/epoch", event.loss, event.epoch)
            elif isinstance(event, Validated):
                for name, value in event.metrics.items():
                    writer.add_scalar(f"validation/{name}", value, event.step or event.epoch)
                writer.flush()
            yield event
    finally:
        writer.close()
