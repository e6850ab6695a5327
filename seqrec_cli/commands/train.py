"""seqrec train: fit a model on a prepared dataset and keep the best weights."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.completing import config_names, run_names
from seqrec_cli.commands.following import follow, graceful_stop
from seqrec_cli.commands.options import Data, DataDir, Device, Overrides
from seqrec_cli.commands.starting import (
    check_tensorboard,
    compare_on_old_users,
    resume_run,
    start_from_run,
    start_run,
    with_tensorboard,
)
from seqrec_cli.commands.workers import launch_workers, work

if TYPE_CHECKING:
    from seqrec_cli.core.models.shards import Shard

SHORT, GOING_ON = "Short for a setting", "Going on with a run"
PROCESSES = "Several processes"

NEW_RUN = Only(
    lambda values: values["resume"] is None, "for a new run: --resume goes on in the run's folder"
)

SEVERAL = Only(
    lambda values: values["workers"] > 1 or "RANK" in os.environ,
    "for several workers: --workers N, or torchrun",
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
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="--set seed=VALUE", rich_help_panel=SHORT),
        NEW_RUN,
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="--set training.epochs=VALUE", rich_help_panel=SHORT),
    ] = None
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="--set training.max_minutes=VALUE", rich_help_panel=SHORT),
    ] = None
    precision: Annotated[
        Literal["float32", "bfloat16"] | None,
        typer.Option(help="--set training.precision=VALUE", rich_help_panel=SHORT),
    ] = None
    compile_model: Annotated[
        bool,
        typer.Option("--compile", help="--set training.compile=true", rich_help_panel=SHORT),
    ] = False
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            autocompletion=run_names,
            help="Go on with an interrupted run, or with more --set training.epochs (or max_steps, "
            "max_minutes).",
            rich_help_panel=GOING_ON,
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
            rich_help_panel=GOING_ON,
        ),
        NEW_RUN,
        Only(lambda values: values["workers"] == 1, "for one process: leave out --workers"),
    ] = None
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write loss and validations to FOLDER/RUN for TensorBoard too (needs the extra "
            "`tensorboard`).",
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
            rich_help_panel=PROCESSES,
        ),
    ] = 1
    sums: Annotated[
        Literal["exact", "fast"],
        typer.Option(
            help="How several workers add gradients: exact gives the bytes of one process; fast "
            "differs by rounding, about 1e-6 a step.",
            rich_help_panel=PROCESSES,
        ),
        SEVERAL,
    ] = "exact"
    table: Annotated[
        Literal["whole", "sharded"],
        typer.Option(
            help="Where the item table lies: whole in each worker, or its rows shared among them, "
            "with --set training.table_optimizer=adagrad and sampled negatives.",
            rich_help_panel=PROCESSES,
        ),
        SEVERAL,
    ] = "whole"
    timeout: Annotated[
        float,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="After which a worker counts as hung; with --workers.",
            rich_help_panel=PROCESSES,
        ),
        SEVERAL,
    ] = 600.0

    def arguments(self, run: Path | None) -> list[str]:
        """The same command for each worker, with `run` for a new run's folder."""
        given: list[tuple[str, Any]] = [
            ("--config", self.config),
            ("--data", self.data),
            ("--run", run),
            ("--device", self.device),
            ("--seed", self.seed),
            ("--epochs", self.epochs),
            ("--minutes", self.minutes),
            ("--precision", self.precision),
            ("--resume", self.resume),
            ("--tensorboard", self.tensorboard),
            ("--data-dir", self.data_dir),
            ("--sums", self.sums),
            ("--table", self.table),
            ("--timeout", self.timeout),
            *(("--set", change) for change in self.overrides or []),
        ]
        pairs = [(name, str(value)) for name, value in given if value is not None]
        flags = ["--compile"] if self.compile_model else []
        return ["train", *(word for pair in pairs for word in pair), *flags]

    @property
    def shard(self) -> "Shard | None":
        """The rows of the item tables that this worker has, if workers share them."""
        if self.table == "whole":
            return None
        from seqrec_cli.core.training.distributed import own_shard

        return own_shard()

    @property
    def changes(self) -> list[str]:
        """Every setting that the command changes, as KEY=VALUE."""
        short = {
            "seed": self.seed,
            "training.epochs": self.epochs,
            "training.max_minutes": self.minutes,
            "training.precision": self.precision,
            "training.compile": "true" if self.compile_model else None,
        }
        given = [f"{key}={value}" for key, value in short.items() if value is not None]
        return [*(self.overrides or []), *given]


@takes(TrainOptions)
def train(options: TrainOptions) -> None:
    """Fit a model on a prepared dataset and keep its best weights.

    Without --config the settings are chosen for the dataset, by rules that are printed.

    $ seqrec train --data ml-1m --minutes 10

    $ seqrec train --config sasrec --data ml-1m --set training.epochs=50
    """
    named = [options.config, options.resume, options.from_run]
    if sum(each is not None for each in named) > 1:
        raise typer.BadParameter("--config, --resume and --from exclude each other: name one")
    if options.data is None and options.config is None and options.resume is None:
        raise typer.BadParameter(
            "--from RUN goes on with a dataset of now: name it, --data NAME"
            if options.from_run is not None
            else "name a dataset with --data NAME, an experiment with --config NAME, or a run with "
            "--resume RUN"
        )
    from seqrec_cli.core.training.distributed import is_worker

    check_tensorboard(options)
    if is_worker():
        work(options)
        return
    if options.workers > 1:
        launch_workers(options)
        return
    with ExitStack() as lock:
        start = start_run if options.resume is None else resume_run
        start = start if options.from_run is None else start_from_run
        run, started = start(options, lock)
        started = with_tensorboard(run, started, options)
        with graceful_stop(started.training) as stop:
            follow(run, started, stop)
        compare_on_old_users(run, started, options.data_dir)
