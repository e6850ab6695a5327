"""seqrec export: a model for other runtimes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    OfOneRun,
    SeenOption,
    say_which,
)

if TYPE_CHECKING:
    from seqrec_cli.core.inference.scoring import ModelScorer
    from seqrec_cli.core.runs.run import Run

COMPARED = 500  # histories for which the export is compared with the run


@dataclass(frozen=True, kw_only=True)
class ExportOptions(OfOneRun):
    """The options of `seqrec export`."""

    format_: Annotated[
        Literal["onnx"], typer.Option("--format", help="ONNX, for onnxruntime and others.")
    ] = "onnx"
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A new folder to write.")
    ] = None
    topk: Annotated[
        int,
        typer.Option(
            "--topk", "--k", min=0, max=1_000_000, help="How many items it lists; 0: scores of all."
        ),
    ] = 10
    seen: SeenOption = None
    network_only: Annotated[
        bool,
        typer.Option(
            "--network-only",
            help="Of a run whose network is joined by fitted models, the network alone.",
        ),
    ] = False
    data: Data = None
    data_dir: DataDir = Path("data")


@takes(ExportOptions)
def export_(options: ExportOptions) -> None:
    """Write a model as ONNX, and compare it before it is kept.

    $ seqrec export ml-100k-sasrec-1 --output model
    """
    if options.output is None:
        raise typer.BadParameter("name a new folder: --output FOLDER")
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.store import NEXT_ITEM
    from seqrec_cli.core.inference.onnx_files import check_onnx, write_onnx
    from seqrec_cli.core.runs.histories import histories_for
    from seqrec_cli.core.runs.loading import agreed_seen, catalogue_of, newest_of
    from seqrec_cli.core.runs.run import Run

    check_onnx()
    run = Run.open(newest_of(NEXT_ITEM, options.run))
    say_which(options.run, run.path)
    scorer = network_of(run, options.network_only)
    console.warn_all(run.notes)
    dataset = SequenceDataset.load(run.find_data(options.data, options.data_dir))
    ids = [str(user) for user in dataset.user_ids[:COMPARED].tolist()]
    histories = histories_for(run, dataset, ids, "end").histories
    seen = agreed_seen([run], options.seen)
    topk = min(options.topk, scorer.num_items)
    found = write_onnx(options.output, scorer, catalogue_of(run), histories, topk, seen)
    console.info(
        f"onnxruntime agrees for {found.histories:,} histories: {found.same:,} lists are the same, "
        f"scores differ by {found.difference:.1g} at most"
    )
    console.success(f"`{options.output}`: model.onnx, items.json and a README.md")


def network_of(run: "Run", network_only: bool) -> "ModelScorer":
    """The scorer of a run's network.

    Raises:
        ConfigError: others join it, and nobody said to leave them out.
    """
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference.scoring import require_vectors
    from seqrec_cli.core.runs.loading import load_scorer
    from seqrec_cli.errors import ConfigError

    scorer = require_vectors(load_scorer(run, choose_device("cpu")))
    if not scorer.joined:
        return scorer
    names = " and ".join(f"`{joined.name}`" for joined in scorer.joined)
    if not network_only:
        raise ConfigError(
            f"the network of `{run.path}` is joined by {names}, which cannot be exported",
            "export the network alone, whose lists are other ones: `--network-only`",
        )
    console.warn(f"without {names}: the lists are not those of `seqrec recommend`")
    scorer.joined.clear()
    return scorer
