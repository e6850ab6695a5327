"""seqrec train: fit a model on a prepared dataset and keep the best weights."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.options import Data, DataDir, Device, Overrides
from seqrec_cli.errors import ConfigError
from seqrec_cli.interrupts import SIGNALS, Interrupted, is_importing, next_one_ends

if TYPE_CHECKING:
    from seqrec_cli.core.runs.recording import AnyTraining, Begun
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.training.events import Event

NEW_RUN = Only(
    lambda values: values["resume"] is None, "for a new run: --resume goes on in the run's folder"
)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The options of `seqrec train`."""

    config: Annotated[
        Path | None, typer.Option(help="Experiment, such as configs/sasrec.yaml.")
    ] = None
    data: Data = None
    run: Annotated[
        str | None,
        typer.Option(help="Name of the new run under runs/, or its folder."),
        NEW_RUN,
    ] = None
    overrides: Overrides = None
    device: Device = "auto"
    precision: Annotated[
        Literal["float32", "bfloat16"] | None,
        typer.Option(help="Short for --set training.precision=…"),
    ] = None
    compile_model: Annotated[
        bool, typer.Option("--compile", help="Short for --set training.compile=true")
    ] = False
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Go on with an interrupted run, or with more --set training.epochs (or max_steps, "
            "max_minutes).",
        ),
    ] = None
    data_dir: DataDir = Path("data")

    @property
    def changes(self) -> list[str]:
        """Every setting that the command changes, as KEY=VALUE."""
        precision = [f"training.precision={self.precision}"] if self.precision else []
        return [
            *(self.overrides or []),
            *precision,
            *(["training.compile=true"] if self.compile_model else []),
        ]


@takes(TrainOptions)
def train(options: TrainOptions) -> None:
    """Fit a model on a prepared dataset and keep the best weights, as validation finds them.

    $ seqrec train --config configs/sasrec.yaml --data ml-1m --set training.epochs=50
    """
    if (options.config is None) == (options.resume is None):
        raise typer.BadParameter(
            "name an experiment with --config FILE, or a run with --resume RUN"
        )
    with ExitStack() as lock:
        start = started if options.resume is None else resumed
        run, begun = start(options, lock)
        with graceful_stop(begun.training) as stop:
            follow(run, begun, stop)


def started(options: TrainOptions, lock: ExitStack) -> "tuple[Run, Begun]":
    """Begin a new run; `lock` keeps others from training there."""
    # Imported here so that `seqrec --help` does not wait for torch.
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.runs.directory import find_run, next_run, refuse_latest
    from seqrec_cli.core.runs.recording import begin
    from seqrec_cli.core.runs.run import Run, create_run

    assert options.config is not None
    experiment = load_experiment(options.config, options.changes, options.data)
    if experiment.data is None:
        raise ConfigError(
            f"`{options.config}` names no dataset", "add `data: NAME`, or say `--data NAME`"
        )
    device = choose_device(options.device)
    path = find_dataset(experiment.data, options.data_dir)
    begun = begin(experiment, path, device)
    dataset, model = begun.dataset, experiment.model.name
    target = find_run(options.run) if options.run else next_run(dataset.name, model)
    refuse_latest(target)
    lock.enter_context(Run(target).locked())
    run = create_run(target, begun.experiment, dataset, path, str(device))
    say(begun)
    console.info(
        f"training {model} on {dataset.name}: {dataset.num_users:,} users, "
        f"{dataset.num_items:,} items, on {device}, into {run.path}"
    )
    return run, begun


def resumed(options: TrainOptions, lock: ExitStack) -> "tuple[Run, Begun]":
    """Go on with a run; `lock` keeps others from training there."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.recording import go_on
    from seqrec_cli.core.runs.resuming import experiment_to_resume
    from seqrec_cli.core.runs.run import Run

    assert options.resume is not None
    run = Run.open(find_run(options.resume))
    lock.enter_context(run.locked())
    experiment = experiment_to_resume(run, options.changes)
    device = choose_device(options.device)
    begun = go_on(run, experiment, run.find_data(options.data, options.data_dir), device)
    say(begun)
    counters = begun.training.counters
    console.info(f"resuming {run.path} after epoch {counters.epoch}, step {counters.step}")
    return run, begun


def say(begun: "Begun") -> None:
    """Print what the user may or should know before the training goes on."""
    for message in begun.info:
        console.info(message)
    console.warn_all(begun.notes)


def follow(run: "Run", begun: "Begun", stop: dict[str, int]) -> None:
    """Train, and show what happens."""
    from seqrec_cli.core.runs.recording import recorded

    shown = begun.training.experiment.shown
    asked = getattr(begun.training.experiment.training, "validate_users", None)
    if asked is not None:
        console.info(f"validations ask about {asked:,} users, or all if there are fewer")
    start = time.monotonic()
    with console.training_view(["epoch", "loss", *shown, "seconds"]) as view:
        try:
            for event in recorded(run, begun):
                show(event, view, begun.training, time.monotonic() - start)
                if stop:
                    break
        except Interrupted:
            pass  # where nothing was changed; `stop` knows
    if stop:
        run.checkpoints.save_last(begun.training)
        counters = begun.training.counters
        console.info(
            f"stopped in epoch {counters.epoch + 1}, after step {counters.step}; nothing is lost"
        )
        console.hint(f"resume with `seqrec train --resume {run.path}`")
        raise typer.Exit(128 + stop["signal"])
    console.success(f"the best weights are in `{run.checkpoints.best}`")
    console.hint(f"`seqrec evaluate {run.path}`")


def show(
    event: "Event", view: console.TrainingView, training: "AnyTraining", seconds: float
) -> None:
    """Show one event of a training."""
    from seqrec_cli.core.training.events import Judged, Spent, StepDone, Stopped, Validated

    experiment = training.experiment
    epochs = experiment.training.epochs
    if isinstance(event, StepDone):
        done = (event.epoch - 1) * event.steps + event.step
        remark = f"epoch {event.epoch}/{epochs}, loss {event.loss:.4f}"
        most = experiment.training.max_steps or epochs * event.steps
        view.step(done, min(most, epochs * event.steps), remark)
    elif isinstance(event, Validated):
        metrics = (f"{event.metrics[name]:.4f}" for name in experiment.shown)
        at = f"{event.epoch}, step {event.step:,}" if event.step else f"{event.epoch}"
        epoch = f"{at}{' *' if event.is_best else ''}"
        view.row([epoch, f"{event.loss:.4f}", *metrics, f"{seconds:.0f}"])
    elif isinstance(event, Spent):
        console.info(
            f"stopped in epoch {event.epoch} after {event.steps:,} steps: "
            f"`training.{event.setting}` is used up"
        )
    elif isinstance(event, Judged):
        figures = (f"{name} {event.metrics[name]:.4f}" for name in experiment.shown)
        console.info(
            f"the best weights for all {event.users:,} users of the valid part: "
            f"{', '.join(figures)}"
        )
    elif isinstance(event, Stopped):
        console.info(
            f"stopped after epoch {event.epoch}: no better validation since epoch "
            f"{event.best_epoch}"
        )


@contextmanager
def graceful_stop(training: "AnyTraining") -> Iterator[dict[str, int]]:
    """While the block runs, Ctrl-C and SIGTERM take note, and interrupt `training` if they may.

    Yields a dict that is empty until then, and holds the signal's number after. A second signal
    ends at once.
    """
    noted: dict[str, int] = {}

    def note(number: int, frame: Any) -> None:
        next_one_ends()
        noted["signal"] = number
        if training.interruptible and not is_importing(frame):
            raise Interrupted(number)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield noted
    finally:
        if not noted:
            for number, handler in before.items():
                signal.signal(number, handler)
