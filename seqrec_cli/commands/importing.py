"""seqrec import: weights of another tool as a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import Data, DataDir
from seqrec_cli.wording import typed


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The options of `seqrec import`."""

    format_: Annotated[
        Literal["sasrec.pytorch"], typer.Argument(metavar="FORMAT", help="sasrec.pytorch")
    ]
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its weights, .pth or .safetensors.")]
    data: Data = None
    run: Annotated[
        str | None, typer.Option(help="Name of the new run under runs/, or its folder.")
    ] = None
    norm: Annotated[
        Literal["sasrec", "pre", "post"] | None,
        typer.Option(
            help="Where its layers are normalized: pre with --norm_first, post without it.",
            show_default="by args.txt beside the file, or by the valid part",
        ),
    ] = None
    heads: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1024,
            help="Its attention heads.",
            show_default="by the file's name, by args.txt, or 1",
        ),
    ] = None
    data_dir: DataDir = Path("data")


@takes(ImportOptions)
def import_(options: ImportOptions) -> None:
    """Make a run of the weights of another tool.

    Items are matched by their ids. FILE is what `torch.save(model.state_dict(), FILE)` wrote, which
    is read as data and runs nothing, or a safetensors file.

    $ seqrec import sasrec.pytorch SASRec.epoch=601.head=1.maxlen=200.pth --data ml-1m
    """
    if options.data is None:
        raise typer.BadParameter("name the dataset that they were trained on: --data NAME")
    from seqrec_cli.core.data.store import find_dataset
    from seqrec_cli.core.runs.directory import find_run, next_run, refuse_latest
    from seqrec_cli.core.runs.importing import finish_import, prepare_import
    from seqrec_cli.core.runs.run import Run

    path = find_dataset(options.data, options.data_dir)
    found = prepare_import(options.file, path, options.heads, options.norm)
    for message in found.info:
        console.info(message)
    console.warn_all(found.notes)
    model = found.training.experiment.model.name
    target = find_run(options.run) if options.run else next_run(found.dataset.name, model)
    refuse_latest(target)
    with Run(target).locked():
        run = finish_import(found, target)
    figures = ", ".join(f"{name} {value:.4f}" for name, value in found.shown.items())
    console.success(f"`{run.path}`; on the valid part, all items ranked: {figures}")
    console.hint(typed("seqrec", "evaluate", run.path))
