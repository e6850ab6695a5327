"""seqrec embed: the vectors of users or items, for other tools."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import Only, takes
from seqrec_cli.commands.options import (
    Before,
    Data,
    DataDir,
    Device,
    OfOneRun,
    say_which,
)
from seqrec_cli.wording import counted, verb


@dataclass(frozen=True, kw_only=True)
class EmbedOptions(OfOneRun):
    """The options of `seqrec embed`."""

    users: Annotated[bool, typer.Option("--users", help="The vectors of all users.")] = False
    items: Annotated[bool, typer.Option("--items", help="The vectors of all items.")] = False
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A .npz or .parquet file to write.")
    ] = None
    before: Annotated[Before, Only(lambda values: values["users"], "for --users")] = "end"
    data: Data = None
    data_dir: DataDir = Path("data")
    device: Device = "auto"


@takes(EmbedOptions)
def embed(options: EmbedOptions) -> None:
    """Write vectors of users or items; dot products are the scores.

    $ seqrec embed ml-100k-two_tower-1 --items --output items.npz
    """
    if options.users == options.items:
        raise typer.BadParameter("choose the vectors: --users or --items")
    if options.output is None:
        raise typer.BadParameter("name a file: --output FILE (.npz or .parquet)")

    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference import export
    from seqrec_cli.core.inference.scoring import item_vectors, require_vectors, user_vectors
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.loading import catalogue_of, load_scorer
    from seqrec_cli.core.runs.run import Run

    export.check_vectors_output(options.output)
    opened = Run.open(find_run(options.run))
    say_which(options.run, opened.path)
    scorer = require_vectors(load_scorer(opened, choose_device(options.device)))
    console.warn_all(opened.notes)
    for joined in scorer.joined:
        console.warn(f"the run adds scores of {joined.name} to its own, which no vectors can hold")
    if options.items:
        ids, vectors = catalogue_of(opened).item_ids, item_vectors(scorer)
    else:
        dataset = SequenceDataset.load(opened.find_data(options.data, options.data_dir))
        opened.check_data(dataset)
        ids, vectors = user_vectors(scorer, dataset, options.before)
        warn_of_missing(dataset.num_users - len(ids))
    export.write_vectors(options.output, ids, vectors)
    whose = "users" if options.users else "items"
    console.success(
        f"{len(ids):,} vectors of {whose}, size {vectors.shape[1]}, in `{options.output}`"
    )


def warn_of_missing(count: int) -> None:
    """Say how many users have no vector."""
    if count:
        has = verb(count, "has", "have")
        console.warn(f"{counted(count, 'user')} {has} no history there, and so no vector")
