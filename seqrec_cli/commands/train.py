"""seqrec train: fit a model on a prepared dataset and keep the best weights."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.options import Data, DataDir, Device, Overrides
from seqrec_cli.errors import ConfigError, TrainingError
from seqrec_cli.interrupts import SIGNALS, Interrupted, is_importing, next_one_ends

if TYPE_CHECKING:
    import torch

    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.ranking.dataset import RankingDataset
    from seqrec_cli.core.experiment.loading import AnyExperiment
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.training.events import Event, Validated
    from seqrec_cli.core.training.ranking import RankingTraining
    from seqrec_cli.core.training.sequential import Training

    AnyTraining = Training | RankingTraining

SAVE_SECONDS = 60.0  # between two checkpoints, so that a power cut costs little


def train(
    config: Annotated[
        Path | None, typer.Option(help="Experiment, such as configs/sasrec.yaml.")
    ] = None,
    data: Data = None,
    run: Annotated[
        str | None,
        typer.Option(help="Name of the new run under runs/, or its folder."),
    ] = None,
    overrides: Overrides = None,
    device: Device = "auto",
    precision: Annotated[
        Literal["float32", "bfloat16"] | None,
        typer.Option(help="Short for --set training.precision=…"),
    ] = None,
    compile_model: Annotated[
        bool, typer.Option("--compile", help="Short for --set training.compile=true")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Go on with an interrupted run, or with more --set training.epochs."
        ),
    ] = None,
    data_dir: DataDir = Path("data"),
) -> None:
    """Fit a model on a prepared dataset and keep the best weights, as validation finds them.

    $ seqrec train --config configs/sasrec.yaml --data ml-1m --set training.epochs=50
    """
    if (config is None) == (resume is None):
        raise typer.BadParameter(
            "name an experiment with --config FILE, or a run with --resume RUN"
        )
    if resume is not None and run:
        raise typer.BadParameter("--resume goes on in the run's own folder")
    changes = list(overrides or [])
    if precision:
        changes.append(f"training.precision={precision}")
    if compile_model:
        changes.append("training.compile=true")
    with ExitStack() as lock:
        if resume is not None:
            opened, training, events = resumed(resume, changes, data, device, data_dir, lock)
        else:
            assert config is not None
            opened, training, events = started(config, changes, data, run, device, data_dir, lock)
        with graceful_stop(training) as stop:
            follow(opened, training, events, stop)


def started(
    config: Path,
    changes: list[str],
    data: str | None,
    run: str | None,
    device: str,
    data_dir: Path,
    lock: ExitStack,
) -> "tuple[Run, AnyTraining, Iterator[Event]]":
    """Begin a new run; `lock` keeps others from training there."""
    # Imported here so that `seqrec --help` does not wait for torch.
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.experiment.loading import load_experiment
    from seqrec_cli.core.runs.directory import find_run, next_run, refuse_latest
    from seqrec_cli.core.runs.run import Run

    experiment = load_experiment(config, changes, data)
    if experiment.data is None:
        raise ConfigError(f"`{config}` names no dataset", "add `data: NAME`, or say `--data NAME`")
    where = choose_device(device)
    path = find_dataset(experiment.data, data_dir)
    dataset, training, events = made_ready(experiment, path, where)
    target = find_run(run) if run else next_run(dataset.name, experiment.model.name)
    refuse_latest(target)
    lock.enter_context(Run(target).locked())
    opened = Run.create(target, experiment, dataset, path, str(where))
    console.info(
        f"training {experiment.model.name} on {dataset.name}: {dataset.num_users:,} users, "
        f"{dataset.num_items:,} items, on {where}, into {opened.path}"
    )
    return opened, training, events


def made_ready(
    experiment: "AnyExperiment", path: Path, where: "torch.device"
) -> "tuple[SequenceDataset | RankingDataset, AnyTraining, Iterator[Event]]":
    """The dataset without its test part, a model with fresh weights, and what will happen to it."""
    from seqrec_cli.core.batching.ranking import Sizes
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.ranking.dataset import RankingDataset
    from seqrec_cli.core.experiment.ranking import RankingExperiment
    from seqrec_cli.core.training import ranking
    from seqrec_cli.core.training import sequential as sequences

    if isinstance(experiment, RankingExperiment):
        rows = RankingDataset.load(path, parts=ranking.parts_needed(experiment))
        train, valid = ranking.divide(rows, experiment)
        ranker = ranking.RankingTraining(experiment, Sizes.of(rows.encoders), where)
        console.info(f"{len(train):,} rows to learn from, {len(valid):,} to pick the best weights")
        if rows.test is not None:
            console.warn(
                "training stops on the test part (`training.validate_on: test`), as published "
                "walkthroughs do: its figures there are optimistic"
            )
        return rows, ranker, ranking.fit(ranker, train, valid)
    sequences.check_device(experiment, where)
    dataset = SequenceDataset.load(path, parts=("train", "valid"))
    sequences.check_data(dataset)
    training = sequences.Training(experiment, dataset.num_items, where, dataset.features())
    return dataset, training, sequences.fit(training, dataset)


def resumed(
    name: str,
    changes: list[str],
    data: str | None,
    device: str,
    data_dir: Path,
    lock: ExitStack,
) -> "tuple[Run, AnyTraining, Iterator[Event]]":
    """Go on with a run; `lock` keeps others from training there."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    opened = Run.open(find_run(name))
    lock.enter_context(opened.locked())
    experiment = opened.experiment_to_resume(changes)
    where = choose_device(device)
    dataset, training, events = made_ready(experiment, opened.find_data(data, data_dir), where)
    opened.check_data(dataset)
    opened.resume(training)
    opened.save_experiment(experiment)
    for note in opened.notes:
        console.warn(note)
    for difference in opened.differences(where):
        console.warn(f"{difference}: the last bits may differ from an uninterrupted training")
    console.info(
        f"going on with {opened.path} after epoch {training.counters.epoch}, "
        f"step {training.counters.step}"
    )
    return opened, training, events


def follow(
    opened: "Run", training: "AnyTraining", events: "Iterator[Event]", stop: dict[str, int]
) -> None:
    """Train, show what happens, and keep what must be kept."""
    from seqrec_cli.core.training.events import EpochDone, StepDone, Stopped, Validated

    settings = training.experiment.training
    shown = training.experiment.shown
    columns = ["epoch", "loss", *shown, "seconds"]
    start = saved = time.monotonic()
    with console.training_view(columns) as view:
        try:
            for event in events:
                match event:
                    case StepDone():
                        done = (event.epoch - 1) * event.steps + event.step
                        view.step(
                            done,
                            settings.epochs * event.steps,
                            f"epoch {event.epoch}/{settings.epochs}, loss {event.loss:.4f}",
                        )
                    case EpochDone():
                        if time.monotonic() - saved > SAVE_SECONDS:
                            opened.save_last(training)
                            saved = time.monotonic()
                    case Validated():
                        seconds = time.monotonic() - start
                        keep(opened, training, event, seconds)
                        saved = time.monotonic()
                        view.row(
                            [
                                f"{event.epoch}{' *' if event.is_best else ''}",
                                f"{event.loss:.4f}",
                                *(f"{event.metrics[name]:.4f}" for name in shown),
                                f"{seconds:.0f}",
                            ]
                        )
                    case Stopped():
                        console.info(
                            f"stopped after epoch {event.epoch}: no better validation since "
                            f"epoch {event.best_epoch}"
                        )
                if stop:
                    break
        except Interrupted:
            pass  # where nothing was changed; `stop` knows
        except TrainingError as error:
            # The step that failed did not change the weights.
            if training.is_finite():
                opened.save_last(training)
            kept = [path for path in (opened.best_path, opened.last_path) if path.exists()]
            where = " and ".join(f"`{path}`" for path in kept)
            raise TrainingError(
                f"{error.message}; "
                + (f"the last good weights are in {where}" if kept else "no weights were good"),
                error.hint,
            ) from None
    if stop:
        opened.save_last(training)
        console.info(
            f"stopped in epoch {training.counters.epoch + 1}, after step "
            f"{training.counters.step}; nothing is lost"
        )
        console.hint(f"go on with `seqrec train --resume {opened.path}`")
        raise typer.Exit(128 + stop["signal"])
    console.success(f"the best weights are in `{opened.best_path}`")
    console.hint(f"`seqrec evaluate {opened.path}`")


def keep(opened: "Run", training: "AnyTraining", event: "Validated", seconds: float) -> None:
    """Write down a validation, and the weights if they are the best so far."""
    if event.is_best:
        opened.save_best(training, event.epoch, event.metrics)
    opened.record(
        {
            "epoch": event.epoch,
            "loss": event.loss,
            **event.metrics,
            "best": event.is_best,
            "seconds": round(seconds, 3),
        }
    )
    opened.save_last(training)


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
