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
from seqrec_cli.commands.completing import config_names, run_names
from seqrec_cli.commands.options import Data, DataDir, Device, Overrides, say_which
from seqrec_cli.errors import ConfigError
from seqrec_cli.interrupts import SIGNALS, Interrupted, is_importing, next_one_ends
from seqrec_cli.wording import typed

if TYPE_CHECKING:
    from seqrec_cli.core.runs.recording import AnyTraining, StartedTraining
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.training.events import Event

NEW_RUN = Only(
    lambda values: values["resume"] is None, "for a new run: --resume goes on in the run's folder"
)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The options of `seqrec train`."""

    config: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="An experiment: one of `seqrec configs`, such as sasrec, or a YAML file.",
            autocompletion=config_names,
        ),
    ] = None
    data: Data = None
    run: Annotated[
        str | None,
        typer.Option(help="Name of the new run under runs/, or its folder."),
        NEW_RUN,
    ] = None
    overrides: Overrides = None
    device: Device = "auto"
    seed: Annotated[int | None, typer.Option(min=0, help="Short for --set seed=VALUE"), NEW_RUN] = (
        None
    )
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Short for --set training.epochs=VALUE")
    ] = None
    precision: Annotated[
        Literal["float32", "bfloat16"] | None,
        typer.Option(help="Short for --set training.precision=VALUE"),
    ] = None
    compile_model: Annotated[
        bool, typer.Option("--compile", help="Short for --set training.compile=true")
    ] = False
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            autocompletion=run_names,
            help="Go on with an interrupted run, or with more --set training.epochs.",
        ),
    ] = None
    from_run: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN",
            autocompletion=run_names,
            help="Begin a new run with the weights of this one, matched by item id, on --data as "
            "it is now: with fewer epochs and a lower learning rate, unless --set says otherwise.",
        ),
        NEW_RUN,
    ] = None
    data_dir: DataDir = Path("data")

    @property
    def changes(self) -> list[str]:
        """Every setting that the command changes, as KEY=VALUE."""
        short = {
            "seed": self.seed,
            "training.epochs": self.epochs,
            "training.precision": self.precision,
            "training.compile": "true" if self.compile_model else None,
        }
        given = [f"{key}={value}" for key, value in short.items() if value is not None]
        return [*(self.overrides or []), *given]


@takes(TrainOptions)
def train(options: TrainOptions) -> None:
    """Fit a model on a prepared dataset and keep the best weights, as validation finds them.

    $ seqrec train --config sasrec --data ml-1m --set training.epochs=50
    """
    ways = {
        options.config: start_run,
        options.resume: resume_run,
        options.from_run: start_from_run,
    }
    ways.pop(None, None)
    if [options.config, options.resume, options.from_run].count(None) != 2:
        raise typer.BadParameter(
            "name an experiment with --config FILE, or a run with --resume RUN or --from RUN"
        )
    if options.from_run is not None and options.data is None:
        raise typer.BadParameter("--from RUN goes on with a dataset of now: name it, --data NAME")
    with ExitStack() as lock:
        (start,) = ways.values()
        run, started = start(options, lock)
        with graceful_stop(started.training) as stop:
            follow(run, started, stop)


def start_run(options: TrainOptions, lock: ExitStack) -> "tuple[Run, StartedTraining]":
    """Begin a new run; `lock` keeps others from training there."""
    # Imported here so that `seqrec --help` does not wait for torch.
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.runs.directory import find_run, next_run, refuse_latest
    from seqrec_cli.core.runs.recording import begin
    from seqrec_cli.core.runs.run import Run, create_run
    from seqrec_cli.core.settings.configs import find_config

    assert options.config is not None
    config = find_config(options.config)
    experiment = load_experiment(config, options.changes, options.data)
    if experiment.data is None:
        raise ConfigError(f"`{config}` names no dataset", "add `data: NAME`, or use `--data NAME`")
    device = choose_device(options.device)
    path = find_dataset(experiment.data, options.data_dir)
    started = begin(experiment, path, device)
    dataset, model = started.dataset, experiment.model.name
    target = find_run(options.run) if options.run else next_run(dataset.name, model)
    refuse_latest(target)
    lock.enter_context(Run(target).locked())
    run = create_run(target, started.experiment, dataset, path, str(device))
    say(started)
    console.info(
        f"training {model} on {dataset.name}: {dataset.num_users:,} users, "
        f"{dataset.num_items:,} items, on {device}, into {run.path}"
    )
    return run, started


def start_from_run(options: TrainOptions, lock: ExitStack) -> "tuple[Run, StartedTraining]":
    """Begin a new run with the weights of another; `lock` keeps others from training there."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.runs.directory import find_run, next_run, refuse_latest
    from seqrec_cli.core.runs.recording import begin
    from seqrec_cli.core.runs.refreshing import carry_over, origin_of, settings_to_go_on
    from seqrec_cli.core.runs.run import Run, create_run
    from seqrec_cli.core.training.sequential import Training

    assert options.from_run is not None
    assert options.data is not None
    before = Run.open(find_run(options.from_run))
    say_which(options.from_run, before.path)
    settings = settings_to_go_on(before, options.changes)
    experiment = load_experiment(before.path / "experiment.yaml", settings, options.data)
    device = choose_device(options.device)
    path = find_dataset(options.data, options.data_dir)
    started = begin(experiment, path, device)
    training, dataset = started.training, started.dataset
    assert isinstance(training, Training)
    assert isinstance(dataset, SequenceDataset)
    carried = carry_over(before, training, dataset)
    target = options.run and find_run(options.run)
    target = target or next_run(dataset.name, experiment.model.name)
    refuse_latest(target)
    lock.enter_context(Run(target).locked())
    origin = origin_of(before, carried)
    run = create_run(target, started.experiment, dataset, path, str(device), origin)
    say(started)
    console.info(f"from {before.path}: {carried.in_words()}; {', '.join(settings)}")
    return run, started


def resume_run(options: TrainOptions, lock: ExitStack) -> "tuple[Run, StartedTraining]":
    """Go on with a run; `lock` keeps others from training there."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.recording import go_on
    from seqrec_cli.core.runs.resuming import experiment_to_resume
    from seqrec_cli.core.runs.run import Run

    assert options.resume is not None
    run = Run.open(find_run(options.resume))
    say_which(options.resume, run.path)
    lock.enter_context(run.locked())
    experiment = experiment_to_resume(run, options.changes)
    device = choose_device(options.device)
    started = go_on(run, experiment, run.find_data(options.data, options.data_dir), device)
    say(started)
    counters = started.training.counters
    console.info(f"resuming {run.path} after epoch {counters.epoch}, step {counters.step}")
    return run, started


def say(started: "StartedTraining") -> None:
    """Print what the user may or should know before the training goes on."""
    for message in started.info:
        console.info(message)
    console.warn_all(started.notes)


def follow(run: "Run", started: "StartedTraining", stop: dict[str, int]) -> None:
    """Train, and show what happens."""
    from seqrec_cli.core.runs.recording import recorded

    start = time.monotonic()
    with console.training_view(columns_of(started.training)) as view:
        try:
            for event in recorded(run, started):
                show_event(event, view, started.training, time.monotonic() - start)
                if stop:
                    break
        except Interrupted:
            pass  # where nothing was changed; `stop` knows
    if view.rows:
        metric = started.training.experiment.training.metric
        console.info(f"* the best so far by {metric}; seconds since the start")
    if stop:
        run.checkpoints.save_last(started.training)
        counters = started.training.counters
        console.info(
            f"stopped in epoch {counters.epoch + 1}, after step {counters.step}; nothing is lost"
        )
        console.hint(f"resume with `{typed('seqrec', 'train', '--resume', run.path)}`")
        raise typer.Exit(128 + stop["signal"])
    console.success(f"the best weights are in `{run.checkpoints.best}`")
    console.hint(f"`{typed('seqrec', 'evaluate', run.path)}`")


def is_fitted(training: "AnyTraining") -> bool:
    """Whether the model is fitted without gradients, in tries instead of epochs."""
    from seqrec_cli.core.training.fitted import Fitting

    return isinstance(training, Fitting)


def columns_of(training: "AnyTraining") -> list[str]:
    """The columns of the table of validations."""
    shown = training.experiment.shown
    if is_fitted(training):
        grid = training.experiment.training.grid
        return ["try", *shown, "seconds", *(["settings"] if grid else [])]
    return ["epoch", "loss", *shown, "seconds", *(["weights"] if picks_weights(training) else [])]


def picks_weights(training: "AnyTraining") -> bool:
    """Whether validation picks the weights of models that join the network."""
    joined = getattr(training.experiment, "joined", {})
    return any(settings.weight == "auto" for settings in joined.values())


def show_event(
    event: "Event", view: console.TrainingView, training: "AnyTraining", seconds: float
) -> None:
    """Show one event of a training."""
    from seqrec_cli.core.training.events import Joining, Refitted, StepDone, Stopped, Validated

    epochs = training.epochs
    fitted = is_fitted(training)
    if isinstance(event, StepDone):
        done = (event.epoch - 1) * event.steps + event.step
        remark = "try" if fitted else "epoch"
        remark += f" {event.epoch}/{epochs}" + ("" if fitted else f", loss {event.loss:.4f}")
        view.step(done, epochs * event.steps, remark)
    elif isinstance(event, Joining):
        view.step(int(100 * event.share), 100, f"fitting {event.name}")
    elif isinstance(event, Refitted):
        what = "try" if fitted else "epochs"
        console.info(f"refitted on train + valid ({what} {event.epoch}); test figures will say so")
    elif isinstance(event, Validated):
        metrics = [f"{event.metrics[name]:.4f}" for name in training.experiment.shown]
        epoch = f"{event.epoch}{' *' if event.is_best else ''}"
        if fitted:
            settings = [event.remark] if event.remark else []
            view.row([epoch, *metrics, f"{seconds:.1f}", *settings])
        else:
            weights = [event.remark] if picks_weights(training) else []
            view.row([epoch, f"{event.loss:.4f}", *metrics, f"{seconds:.0f}", *weights])
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
