"""seqrec train: fit a model on a prepared dataset and keep the best weights."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.options import Data, DataDir, Device, Overrides
from seqrec_cli.errors import ConfigError, SeqRecError
from seqrec_cli.interrupts import SIGNALS, Interrupted, is_importing, next_one_ends

if TYPE_CHECKING:
    import torch

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
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=1024,
            help="Processes that share each batch, on this machine: `--workers 2` for two. Under "
            "torchrun leave it out.",
        ),
    ] = 1
    sums: Annotated[
        Literal["exact", "fast"],
        typer.Option(
            help="How several workers add gradients: exact gives the bytes of one process; fast "
            "differs by rounding, about 1e-6 a step."
        ),
        Only(
            lambda values: values["workers"] > 1 or "RANK" in os.environ,
            "for several workers: --workers N, or torchrun",
        ),
    ] = "exact"
    timeout: Annotated[
        float,
        typer.Option(
            min=1, metavar="SECONDS", help="After which a worker counts as hung; with --workers."
        ),
        Only(
            lambda values: values["workers"] > 1 or "RANK" in os.environ,
            "for several workers: --workers N, or torchrun",
        ),
    ] = 600.0

    def arguments(self, run: Path | None) -> list[str]:
        """The same command for each worker, with `run` for a new run's folder."""
        given: list[tuple[str, Any]] = [
            ("--config", self.config),
            ("--data", self.data),
            ("--run", run),
            ("--device", self.device),
            ("--precision", self.precision),
            ("--resume", self.resume),
            ("--data-dir", self.data_dir),
            ("--sums", self.sums),
            ("--timeout", self.timeout),
            *(("--set", change) for change in self.overrides or []),
        ]
        pairs = [(name, str(value)) for name, value in given if value is not None]
        flags = ["--compile"] if self.compile_model else []
        return ["train", *(word for pair in pairs for word in pair), *flags]

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
    from seqrec_cli.core.training.distributed import is_worker

    if is_worker():
        work(options)
        return
    if options.workers > 1:
        launch_workers(options)
        return
    with ExitStack() as lock:
        start = started if options.resume is None else resumed
        run, begun = start(options, lock)
        with graceful_stop(begun.training) as stop:
            follow(run, begun, stop)


def launch_workers(options: TrainOptions) -> None:
    """Run this command in several processes, and end as they do."""
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.runs.directory import find_run, give_back, next_run, refuse_latest
    from seqrec_cli.core.training.launching import launch

    target = None
    if options.config is not None:
        experiment = load_experiment(options.config, options.changes, options.data)
        name = find_dataset(str(experiment.data), options.data_dir).stem
        target = find_run(options.run) if options.run else next_run(name, experiment.model.name)
        refuse_latest(target)
    console.info(f"{options.workers} workers on this machine, gradients added {options.sums}")
    code = launch(options.arguments(target), options.workers)
    if code:
        if target is not None:
            give_back(target)
        raise typer.Exit(code)


def work(options: TrainOptions) -> None:
    """Train as one of several workers; the first of them prints and writes."""
    from seqrec_cli.core.training.distributed import WorkerLost, leads, leave, restarts
    from seqrec_cli.core.training.launching import has_told, is_launched, tell

    if not leads():
        console.mute()
    if restarts() and options.resume is None:
        options = after_restart(options)
    with ExitStack() as stack:
        stack.callback(leave)
        try:
            train_together(options, stack)
        except typer.Exit as stop:
            if not is_launched():
                raise
            tell(stop.exit_code)  # its own exit code would count as a death
        except SeqRecError as error:
            if not is_launched() or (isinstance(error, WorkerLost) and not has_told()):
                raise
            if not isinstance(error, WorkerLost):
                report(error)


def report(error: SeqRecError) -> None:
    """Print why a worker ends, once: another one prints it only if the first has not failed too."""
    from seqrec_cli.core.training.distributed import leads
    from seqrec_cli.core.training.launching import tell, told_soon

    if leads() or not told_soon():
        console.mute(False)
        console.fail(error)
        tell(1)


def after_restart(options: TrainOptions) -> TrainOptions:
    """What to do after workers died: go on with the run, if it has a checkpoint."""
    from seqrec_cli.core.runs.directory import find_run

    if options.run is None:
        raise ConfigError(
            "the workers were started again, and which run they had begun is not said",
            "name it: `--run NAME`",
        )
    if not run_is_begun(find_run(options.run)):
        return options
    return replace(options, config=None, run=None, resume=options.run)


def run_is_begun(path: Path) -> bool:
    """Whether a run has something to go on from."""
    from seqrec_cli.core.runs.run import Run

    return Run(path).checkpoints.any_last()


def train_together(options: TrainOptions, stack: ExitStack) -> None:
    """Begin or resume with the other workers, and train."""
    from seqrec_cli.core.devices import device_of_worker
    from seqrec_cli.core.runs.recording import share_state

    device = device_of_worker(options.device)
    start = started if options.resume is None else resumed
    run, begun = start(options, stack, device)
    if options.resume is not None:
        share_state(begun)
    with graceful_stop(begun.training) as stop:
        follow(run, begun, stop)


def started(
    options: TrainOptions, lock: ExitStack, worker: "torch.device | None" = None
) -> "tuple[Run, Begun]":
    """Begin a new run; `lock` keeps others from training there. `worker` is one's own device."""
    # Imported here so that `seqrec --help` does not wait for torch.
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.runs.directory import find_run, next_run, refuse_latest
    from seqrec_cli.core.runs.recording import begin, join_workers
    from seqrec_cli.core.runs.run import Run, create_run

    assert options.config is not None
    experiment = load_experiment(options.config, options.changes, options.data)
    if experiment.data is None:
        raise ConfigError(
            f"`{options.config}` names no dataset", "add `data: NAME`, or say `--data NAME`"
        )
    device = worker or choose_device(options.device)
    path = find_dataset(experiment.data, options.data_dir)
    begun = begin(experiment, path, device)
    if worker is not None:
        join_workers(begun, worker, options.sums == "exact", options.timeout)
    if not begun.training.team.leads:
        return Run(Path(options.run or "")), begun
    dataset, model = begun.dataset, experiment.model.name
    target = find_run(options.run) if options.run else next_run(dataset.name, model)
    refuse_latest(target)
    lock.enter_context(Run(target).locked())
    run = create_run(target, begun.experiment, dataset, path, str(device))
    say(begun)
    console.info(
        f"training {model} on {dataset.name}: {dataset.num_users:,} users, "
        f"{dataset.num_items:,} items, on {device}{by_workers(begun)}, into {run.path}"
    )
    return run, begun


def resumed(
    options: TrainOptions, lock: ExitStack, worker: "torch.device | None" = None
) -> "tuple[Run, Begun]":
    """Go on with a run; `lock` keeps others from training there. `worker` is one's own device."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.recording import go_on, join_workers
    from seqrec_cli.core.runs.resuming import experiment_to_resume
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.training.distributed import leads

    assert options.resume is not None
    run = Run.open(find_run(options.resume))
    if leads():
        lock.enter_context(run.locked())
    experiment = experiment_to_resume(run, options.changes)
    device = worker or choose_device(options.device)
    path = run.find_data(options.data, options.data_dir)
    begun = go_on(run, experiment, path, device, leads())
    if worker is not None:
        join_workers(begun, worker, options.sums == "exact", options.timeout)
    say(begun)
    counters = begun.training.counters
    console.info(f"resuming {run.path} after epoch {counters.epoch}, step {counters.step}")
    return run, begun


def by_workers(begun: "Begun") -> str:
    """How many processes train, where it is not one."""
    size = begun.training.team.size
    return f" by {size} workers" if size > 1 else ""


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
    start, team = time.monotonic(), begun.training.team
    with console.training_view(["epoch", "loss", *shown, "seconds"]) as view:
        try:
            for event in recorded(run, begun) if team.leads else begun.events:
                show(event, view, begun.training, time.monotonic() - start)
                # Several workers stop after the same step, once all know of the signal.
                if team.stopping or (stop and team.size == 1):
                    stop["signal"] = team.stopping or stop["signal"]
                    break
            else:
                if team.size > 1:
                    stop.clear()  # it came after the last step
        except Interrupted:
            pass  # where nothing was changed; `stop` knows
    if not team.leads:
        return
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
