"""seqrec experiment: a grid of trainings, and what they come to."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.following import follow, graceful_stop
from seqrec_cli.commands.options import DataDir, Device, RayWorkers
from seqrec_cli.commands.reports import shared
from seqrec_cli.commands.starting import resume_run, start_run
from seqrec_cli.commands.train import TrainOptions
from seqrec_cli.errors import RunError
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from seqrec_cli.core.experiment.grid import Trial
    from seqrec_cli.core.runs.summary import Summary


NOT_DRY = Only(lambda values: not values["dry_run"], "for trainings, which --dry-run only lists")


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """The options of `seqrec experiment`."""

    grid: Annotated[
        Path,
        typer.Argument(
            metavar="GRID.yaml",
            help="Lists of `data`, `configs` (`chosen`: by the rules of `train --data`), `seeds`, "
            "and of values to `set`.",
        ),
    ]
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the trainings, and stop.")] = (
        False
    )
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where tables and the statement go.",
            show_default="experiments/GRID",
        ),
    ] = None
    engine: Annotated[
        Literal["ray"] | None,
        typer.Option(
            help="Have Ray train several at a time, one to a core, on one machine or many.",
            show_default="one after the other",
        ),
        NOT_DRY,
    ] = None
    workers: RayWorkers = None
    device: Device = "auto"
    data_dir: DataDir = Path("data")


@takes(ExperimentOptions)
def experiment(options: ExperimentOptions) -> None:
    """Train configs by datasets by seeds, for the table of a paper.

    What is finished is not trained again, and what was interrupted goes on. At the end: means and
    standard deviations over seeds, paired tests with correction, LaTeX, and how to repeat it.

    $ seqrec experiment grid.yaml
    """
    from seqrec_cli.core.experiment.grid import load_grid, trials
    from seqrec_cli.core.runs.spreading import refuse_device
    from seqrec_cli.core.runs.summary import summarise_trials, write_summary
    from seqrec_cli.core.runs.unattended import state_of

    grid, name = load_grid(options.grid), options.grid.stem
    planned = list(trials(grid, name))
    if options.dry_run:
        rows = [[trial.run, state_of(trial)] for trial in planned]
        console.print_table(["run", "state"], rows, left=(0, 1))
        return
    if options.engine is None:
        for number, trial in enumerate(planned, 1):
            console.info(f"training {number} of {len(planned)}: {trial.run}")
            train_one(trial, options)
    else:
        refuse_device(options.device)
        train_by_engine(planned, options)
    summaries = []
    for data in grid.data:
        chosen = [trial for trial in planned if trial.data == data]
        summary = summarise_trials(data, chosen, grid.metrics, options.data_dir, options.device)
        show_grid_summary(summary, grid.metrics)
        summaries.append(summary)
    folder = options.output or Path("experiments") / name
    written = write_summary(folder, grid, planned, summaries, options.grid)
    console.success(", ".join(f"`{path}`" for path in written))


def train_one(trial: "Trial", options: ExperimentOptions) -> None:
    """Train, or go on with, one run of the grid, unless it is finished."""
    state = state_to_train(trial)
    if state == "finished":
        console.info("finished already")
        return
    again = state == "interrupted"
    settings = TrainOptions(
        resume=trial.run if again else None,
        config=None if again else trial.named_config,
        data=None if again else trial.data,
        run=None if again else trial.run,
        overrides=None if again else list(trial.overrides),
        device=options.device,
        data_dir=options.data_dir,
    )
    with ExitStack() as lock:
        run, started = (resume_run if again else start_run)(settings, lock)
        with graceful_stop(started.training) as stop:
            follow(run, started, stop)


def state_to_train(trial: "Trial") -> str:
    """What has become of a training.

    Raises:
        RunError: it can neither be begun nor go on.
    """
    from seqrec_cli.core.runs.unattended import state_of

    state = state_of(trial)
    if state in ("running", "damaged"):
        raise RunError(
            f"the run `runs/{trial.run}` is {state}",
            "wait for it to end" if state == "running" else f"remove it: `rm -r runs/{trial.run}`",
        )
    return state


def train_by_engine(planned: "list[Trial]", options: ExperimentOptions) -> None:
    """Have an engine train, or go on with, the runs of a grid that are not finished."""
    from seqrec_cli.core.runs.unattended import spread_trainings

    missing = [trial for trial in planned if state_to_train(trial) != "finished"]
    console.info(f"{len(planned) - len(missing)} of {len(planned)} trainings finished already")
    ended = spread_trainings(missing, options.data_dir, options.workers) if missing else ()
    for number, trained in enumerate(ended, 1):
        console.info(f"training {number} of {len(missing)} has ended: {trained.trial.run}")
        for message in trained.info:
            console.info(message)
        console.warn_all(trained.notes)


def show_grid_summary(summary: "Summary", metrics: list[str]) -> None:
    """Print what the trainings on one dataset come to."""
    users = counted(len(summary.report.first.users), "user")
    console.info(f"{summary.data}, test part: {users}")
    shared.print_spreads(summary.spreads, metrics)
    for metric in metrics if summary.differences else ():
        shared.print_matrix([d for d in summary.differences if d.metric == metric])
