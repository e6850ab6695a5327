"""seqrec prepare: turn a log into a dataset that training reads."""

from pathlib import Path
from typing import Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.options import DataDir, Json


def prepare(
    source: Annotated[str, typer.Argument(help="A named dataset, `demo`, or a file.")],
    name: Annotated[str | None, typer.Option(help="Name of the result.")] = None,
    data_dir: DataDir = Path("data"),
    seed: Annotated[int, typer.Option(help="Seed of the generated demo.")] = 0,
    as_json: Json = False,
) -> None:
    """Turn a log into a dataset that training reads."""
    from dataclasses import replace

    from seqrec_cli.core import demo
    from seqrec_cli.core.interactions import read_interactions
    from seqrec_cli.core.preparation import Preparation
    from seqrec_cli.core.preparation import prepare as run

    if source == "demo":
        generated = demo.generate(seed)
        dataset = run(generated.interactions, Preparation(), name or "demo")
        manifest = dataset.manifest | {"ceiling": demo.ceiling(dataset, generated.transitions)}
        dataset = replace(dataset, manifest=manifest)
    else:
        path = Path(source)
        dataset = run(read_interactions(path), Preparation(), name or path.stem)
    manifest = dataset.save(data_dir / f"{dataset.name}.npz")
    console.print_json(manifest)
