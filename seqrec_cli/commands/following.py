"""Following a training until it ends or is stopped, and showing what happens."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from seqrec_cli import console
from seqrec_cli.commands.reports.training import picks_weights, show_event, validation_columns
from seqrec_cli.interrupts import SIGNALS, Interrupted, is_importing, next_one_ends
from seqrec_cli.wording import typed

if TYPE_CHECKING:
    from seqrec_cli.core.runs.beginning import AnyTraining, StartedTraining
    from seqrec_cli.core.runs.run import Run


def follow(run: "Run", started: "StartedTraining", stop: dict[str, int]) -> None:
    """Train, and show what happens."""
    from seqrec_cli.core.runs.recording import assist_stop, assisted, recorded

    asked = getattr(started.training.experiment.training, "validate_users", None)
    if asked is not None:
        console.info(f"validations ask about {asked:,} users, or all if there are fewer")
    start, team = time.monotonic(), started.training.team
    with console.training_view(validation_columns(started.training)) as view:
        try:
            for event in recorded(run, started) if team.leads else assisted(started):
                show_event(event, view, started.training, time.monotonic() - start)
                # Several workers stop after the same step, once all know of the signal; what is
                # left to do after the last one is done by the first alone.
                if team.stopping or (stop and started.training.team.size == 1):
                    stop["signal"] = team.stopping or stop["signal"]
                    break
            else:
                if team.size > 1:
                    stop.clear()  # it came after the last step
        except Interrupted:
            pass  # where nothing was changed; `stop` knows
    if not team.leads:
        if team.stopping:
            assist_stop(started)
        return
    if view.rows:
        metric = started.training.experiment.training.metric
        weights = "; weights of what joins the network, as validation picks them"
        more = weights if picks_weights(started.training) else ""
        console.info(f"* the best so far by {metric}; seconds since the start{more}")
    if stop and (team.size == 1 or team.stopping):
        say_stopped(run, started.training)
        raise typer.Exit(128 + stop["signal"])
    console.success(f"the best weights are in `{run.checkpoints.best}`")
    console.hint(f"`{typed('seqrec', 'evaluate', run.path)}`")


def say_stopped(run: "Run", training: "AnyTraining") -> None:
    """Save where a training was stopped, and say how it goes on."""
    run.checkpoints.save_last(training)
    counters = training.counters
    console.info(
        f"stopped in epoch {counters.epoch + 1}, after step {counters.step}; nothing is lost"
    )
    console.hint(f"resume with `{typed('seqrec', 'train', '--resume', run.path)}`")


@contextmanager
def graceful_stop(training: "AnyTraining") -> Iterator[dict[str, int]]:
    """While the block runs, Ctrl-C and SIGTERM take note, and interrupt `training` if they may.

    Yields a dict that is empty until then, and holds the signal's number after. A second signal
    ends at once.
    """
    noted: dict[str, int] = {}

    def note(number: int, frame: Any) -> None:
        next_one_ends()
        noted["signal"] = training.team.wanted = number
        if training.interruptible and not is_importing(frame):
            raise Interrupted(number)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield noted
    finally:
        if not noted:
            for number, handler in before.items():
                signal.signal(number, handler)
