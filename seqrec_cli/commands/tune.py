"""seqrec tune: a search for settings."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.completing import config_names
from seqrec_cli.commands.options import Data, DataDir, Device, Json, Overrides, RayWorkers
from seqrec_cli.commands.reports import tuning as shown
from seqrec_cli.errors import ResultError
from seqrec_cli.interrupts import Interrupted
from seqrec_cli.wording import typed

if TYPE_CHECKING:
    from seqrec_cli.core.runs.search import Search
    from seqrec_cli.core.runs.trials import SearchLimits
    from seqrec_cli.core.runs.tuning import Tuning


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """The options of `seqrec tune`."""

    space: Annotated[
        Path,
        typer.Argument(
            metavar="SPACE.yaml", help="What to try: settings, each with a list or a range."
        ),
    ]
    config: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="An experiment: one of `seqrec configs`, or a YAML file.",
            autocompletion=config_names,
        ),
    ]
    data: Data = None
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="How long to search; a trial then is cut off.")
    ] = None
    trials: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="How many trials, with those of earlier commands."),
    ] = None
    overrides: Overrides = None
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the search; trainings keep that of the experiment.")
    ] = 0
    prune: Annotated[
        bool, typer.Option(help="End a trial early that is worse than the median of the others.")
    ] = True
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the search is kept; what is there goes on.",
            show_default="under tunings/",
        ),
    ] = None
    engine: Annotated[
        Literal["ray"] | None,
        typer.Option(
            help="Have Ray train trials side by side, one to a core, on one machine or many; what "
            "is tried then depends on which ended first.",
            show_default="one after the other",
        ),
    ] = None
    workers: RayWorkers = None
    device: Device = "auto"
    data_dir: DataDir = Path("data")
    as_json: Json = False


@takes(TuneOptions)
def tune(options: TuneOptions) -> None:
    """Search for settings by many trainings; the valid part judges.

    The test part is not read. The same command goes on where a search was stopped. The best
    settings are written as an experiment for `seqrec train --config`.

    $ seqrec tune space.yaml --config seqrec-small --data ml-100k --minutes 60
    """
    if options.minutes is None and options.trials is None:
        raise typer.BadParameter("say how long: --minutes M, --trials N, or both")
    from seqrec_cli.core.runs.spreading import refuse_device
    from seqrec_cli.core.runs.tuning import load_optuna, opened

    spread = options.engine is not None
    if spread:
        refuse_device(options.device)
    load_optuna()
    search, folder = search_of(options)
    limits = limits_of(options)
    try:
        with opened(folder, search, shared=spread) as tuning:
            shown.say_start(tuning)
            if spread:
                follow_workers(tuning, limits, options)
            else:
                follow_search(tuning, limits, quiet=options.as_json)
            finish_search(tuning, options)
    except Interrupted:
        console.hint(f"the same command goes on; the trials so far are in `{folder}`")
        raise


def search_of(options: TuneOptions) -> "tuple[Search, Path]":
    """What is searched, and the folder where it is kept."""
    from collections.abc import Sequence

    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.experiment.loading import AnyExperiment, load_experiment
    from seqrec_cli.core.experiment.space import load_space
    from seqrec_cli.core.runs.search import make_search
    from seqrec_cli.core.settings.configs import find_config
    from seqrec_cli.errors import ConfigError

    config = find_config(options.config)

    def load(changes: Sequence[str]) -> AnyExperiment:
        return load_experiment(config, [*(options.overrides or []), *changes], options.data)

    name = load([]).data
    if name is None:
        raise ConfigError(f"`{config}` names no dataset", "add `--data NAME`")
    space, data = load_space(options.space, load), find_dataset(name, options.data_dir)
    device = choose_device("cpu" if options.engine is not None else options.device)
    seed, prune = options.seed, options.prune
    search = make_search(space, load, data, device, seed=seed, prune=prune)
    folder = Path("tunings") / f"{options.space.stem}-{data.stem}-{config.stem}"
    return search, options.output or folder


def limits_of(options: TuneOptions) -> "SearchLimits":
    """When the search ends."""
    from seqrec_cli.core.runs.trials import SearchLimits

    seconds = None if options.minutes is None else 60 * options.minutes
    deadline = None if seconds is None else time.monotonic() + seconds
    return SearchLimits(trials=options.trials, deadline=deadline)


def follow_search(tuning: "Tuning", limits: "SearchLimits", *, quiet: bool) -> None:
    """Search, and show what happens; `quiet` leaves stdout to JSON."""
    from seqrec_cli.core.runs.beginning import StartedTraining
    from seqrec_cli.core.runs.search import TrialEnded
    from seqrec_cli.core.runs.trials import run_search
    from seqrec_cli.core.training.events import StepDone

    with console.training_view(shown.trial_columns(tuning)) as view:
        for event in run_search(tuning, limits):
            if isinstance(event, StartedTraining):
                epochs = event.training.epochs
            elif isinstance(event, StepDone):
                shown.show_trial_step(event, view, epochs, len(tuning.ended) + 1)
            elif isinstance(event, TrialEnded):
                shown.show_trial(event, None if quiet else view)


def follow_workers(tuning: "Tuning", limits: "SearchLimits", options: TuneOptions) -> None:
    """Have an engine search, and show the trials as they end."""
    from seqrec_cli.core.runs.trials import spread_search

    with console.training_view(shown.trial_columns(tuning)) as view:
        for trial in spread_search(tuning, limits, options.workers):
            shown.show_trial(trial, None if options.as_json else view)
            count = len(tuning.ended)
            view.step(count, options.trials or count, f"{count} trials")


def finish_search(tuning: "Tuning", options: TuneOptions) -> None:
    """Say what was found, and what to type next.

    Raises:
        ResultError: no trial was finished.
    """
    if tuning.best is None:
        raise ResultError(
            f"no trial was finished, of {len(tuning.ended)}",
            "give it more time, or look at the trials: the same command with more --minutes or "
            "--trials goes on",
        )
    if options.as_json:
        console.print_json(tuning.plain())
    else:
        shown.show_best(tuning)
    path = tuning.folder / "best.yaml"
    console.success(f"the best settings are in `{path}`, all trials in `result.json` beside it")
    console.hint(f"`{typed('seqrec', 'train', '--config', path)}`")
