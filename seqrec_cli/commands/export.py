"""seqrec export: a model for other runtimes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import is_given, takes
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    OfOneRun,
    SeenOption,
    say_which,
)
from seqrec_cli.commands.reports import rules as shown_rules

if TYPE_CHECKING:
    from seqrec_cli.core.inference.onnx_graphs import Agreement
    from seqrec_cli.core.inference.scoring import ModelScorer
    from seqrec_cli.core.runs.run import Run

COMPARED = 500  # histories, or rows, for which the export is compared with the run


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
def export_(options: ExportOptions, context: typer.Context) -> None:
    """Write a model as ONNX, and compare it before it is kept.

    $ seqrec export ml-100k-sasrec-1 --output model
    """
    if options.output is None:
        raise typer.BadParameter("name a new folder: --output FOLDER")
    from seqrec_cli.core.data.store import RANKING
    from seqrec_cli.core.inference.onnx_graphs import check_folder, check_onnx
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    check_onnx()
    check_folder(options.output)
    run = Run.open(find_run(options.run))
    say_which(options.run, run.path)
    if run.task == RANKING:
        for name in ("topk", "seen", "network_only"):
            if is_given(context, name):
                option = f"--{name.replace('_', '-')}"
                raise typer.BadParameter(f"{option} is for runs that find items: leave it out")
        found = export_ranker(run, options, options.output)
        what = f"{found.compared:,} rows: scores"
    else:
        found = export_finder(run, options, options.output)
        what = f"{found.compared:,} histories: {found.same:,} lists are the same, scores"
    console.info(f"onnxruntime agrees for {what} differ by {found.difference:.1g} at most")
    console.success(f"`{options.output}`: model.onnx, what its numbers mean, and a README.md")


def export_finder(run: "Run", options: ExportOptions, folder: Path) -> "Agreement":
    """Export a run that finds items."""
    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.inference.onnx_files import KnownUsers, write_onnx
    from seqrec_cli.core.runs.histories import histories_for
    from seqrec_cli.core.runs.loading import agreed_seen, catalogue_of
    from seqrec_cli.core.runs.ruling import Wanted, make_rules

    scorer = network_of(run, options.network_only)
    console.warn_all(run.notes)
    dataset = SequenceDataset.load(run.find_data(options.data, options.data_dir))
    ids = [str(user) for user in dataset.user_ids[:COMPARED].tolist()]
    histories = histories_for(run, dataset, ids, "end").histories
    seen = agreed_seen([run], options.seen)
    users = KnownUsers(dataset.user_ids, dataset.user_features)
    topk = min(options.topk, scorer.num_items)
    ruled = make_rules(run, Wanted())
    shown_rules.show_rules(ruled)
    catalogue = catalogue_of(run)
    return write_onnx(folder, scorer, catalogue, histories, topk, seen, users, ruled.rules)


def export_ranker(run: "Run", options: ExportOptions, folder: Path) -> "Agreement":
    """Export a run that ranks candidates."""
    from seqrec_cli.core.data.ranking.dataset import RankingDataset
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.inference.onnx_rankers import write_ranker
    from seqrec_cli.core.runs.loading import load_ranker

    ranker = load_ranker(run, choose_device("cpu"))
    console.warn_all(run.notes)
    dataset = RankingDataset.load(run.find_data(options.data, options.data_dir))
    run.check_data(dataset)
    return write_ranker(folder, ranker, dataset.first_rows(COMPARED))


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
