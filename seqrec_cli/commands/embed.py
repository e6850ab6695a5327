"""seqrec embed: the vectors of users or items, for other tools."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.options import Data, DataDir, Device


def embed(
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="A run.")] = "latest",
    users: Annotated[bool, typer.Option("--users", help="The vectors of all users.")] = False,
    items: Annotated[bool, typer.Option("--items", help="The vectors of all items.")] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A .npz or .parquet file to write.")
    ] = None,
    before: Annotated[
        Literal["end", "valid", "test"],
        typer.Option(help="Read a user's whole history, or only what comes before that part."),
    ] = "end",
    data: Data = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
) -> None:
    """Write the vectors of users or items, ids beside them; their dot products are the scores.

    $ seqrec embed ml-100k-two_tower-1 --items --output items.npz
    """
    if users == items:
        raise typer.BadParameter("say whose vectors: --users or --items")
    if output is None:
        raise typer.BadParameter("say where to: --output FILE (.npz or .parquet)")

    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference import export
    from seqrec_cli.core.inference.scoring import item_vectors, user_vectors
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    export.check_vectors_output(output)
    opened = Run.open(find_run(run))
    scorer = opened.load_scorer(choose_device(device))
    for note in opened.notes:
        console.warn(note)
    if scorer.transitions is not None:
        console.warn("the run adds counts of transitions to its scores, which no vectors can hold")
    if items:
        ids, vectors = opened.catalogue().item_ids, item_vectors(scorer)
    else:
        dataset = SequenceDataset.load(opened.find_data(data, data_dir))
        opened.check_data(dataset)
        ids, vectors = user_vectors(scorer, dataset, before)
        if len(ids) < dataset.num_users:
            missing = dataset.num_users - len(ids)
            console.warn(f"{missing:,} users have no history there, and so no vector")
    export.write_vectors(output, ids, vectors)
    whose = "users" if users else "items"
    console.success(f"{len(ids):,} vectors of {whose}, size {vectors.shape[1]}, in `{output}`")
