"""seqrec drift: whether a run still fits what happens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.completing import dataset_names
from seqrec_cli.commands.options import (
    DataDir,
    Device,
    Json,
    OfOneRun,
    Seed,
    SeenOption,
    say_which,
)
from seqrec_cli.commands.reports import drift as shown
from seqrec_cli.errors import ResultError
from seqrec_cli.wording import typed


@dataclass(frozen=True, kw_only=True)
class DriftOptions(OfOneRun):
    """The options of `seqrec drift`."""

    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The newer dataset: the log as it is now, or its new events alone.",
            autocompletion=dataset_names,
        ),
    ] = None
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The run's own dataset.",
            show_default="where it was",
            autocompletion=dataset_names,
        ),
    ] = None
    k: Annotated[
        int, typer.Option("--k", "--topk", min=1, max=10_000, help="Length of the lists.")
    ] = 10
    seen: SeenOption = None
    fail_over: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Exit code 1 if a measure is above, such as unknown_items=0.1; repeatable.",
        ),
    ] = None
    data_dir: DataDir = Path("data")
    seed: Seed = 0
    device: Device = "auto"
    as_json: Json = False


@takes(DriftOptions)
def drift(options: DriftOptions) -> None:
    """Say whether a run still fits what happens now.

    New events against the dataset that it was trained on: new users and items, how far popularity
    and the length of histories have moved, beside what chance does, and how well the run predicts
    what is new.

    $ seqrec drift latest --data shop-today --fail-over unknown_items=0.1
    """
    if options.data is None:
        raise typer.BadParameter("name the newer dataset: --data NAME")
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.store import NEXT_ITEM, find_dataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.drift import exceeded, measure_drift, parse_limit
    from seqrec_cli.core.runs.loading import newest_of
    from seqrec_cli.core.runs.run import Run

    limits = [parse_limit(text) for text in options.fail_over or ()]
    run = Run.open(newest_of(NEXT_ITEM, options.run))
    say_which(options.run, run.path)
    run.experiment()  # refuses a ranking run
    reference = SequenceDataset.load(run.find_data(options.reference, options.data_dir))
    newer = SequenceDataset.load(find_dataset(options.data, options.data_dir))
    device = choose_device(options.device)
    found = measure_drift(run, reference, newer, options.k, device, options.seen, options.seed)
    console.warn_all(found.notes)
    if options.as_json:
        console.print_json(found.plain())
    else:
        shown.show_drift(found)
    if over := exceeded(found, limits):
        again = typed(
            *("seqrec", "train", "--config", run.path / "experiment.yaml", "--data", options.data)
        )
        raise ResultError("; ".join(over), f"train on the newer data: `{again}`")
