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

    import numpy as np

    from seqrec_cli.core import export
    from seqrec_cli.core.dataset import SequenceDataset
    from seqrec_cli.core.randomness import choose_device
    from seqrec_cli.core.run import Run, find_run
    from seqrec_cli.core.scoring import vectors_of

    export.check_vectors_output(output)
    opened = Run.open(find_run(run))
    scorer = opened.load_scorer(choose_device(device))
    if scorer.transitions is not None:
        console.warn("the run adds counts of transitions to its scores, which no vectors can hold")
    if items:
        ids = opened.catalogue().item_ids
        vectors = scorer.item_vectors()[1:].float().cpu().numpy()
    else:
        dataset = SequenceDataset.load(opened.find_data(data, data_dir))
        opened.check_data(dataset)
        histories = dataset.histories(before)
        there = np.flatnonzero(histories.lengths)
        if len(there) < len(histories):
            console.warn(f"{len(histories) - len(there):,} users have no history and no vector")
        ids = dataset.user_ids[there]
        vectors = vectors_of(scorer, histories.take(there))
    export.write_vectors(output, ids, vectors)
    whose = "users" if users else "items"
    console.success(f"{len(ids):,} vectors of {whose}, size {vectors.shape[1]}, in `{output}`")
