"""seqrec leaderboard: the results of all runs, the best first."""

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import Data, PartOption
from seqrec_cli.commands.reports.shared import decimal

if TYPE_CHECKING:
    from seqrec_cli.core.runs.leaderboard import Standing


@dataclass(frozen=True, kw_only=True)
class LeaderboardOptions:
    """The options of `seqrec leaderboard`."""

    data: Data = None
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME…]",
            help="What to show; sorted by the first.",
            show_default="ndcg@10,hr@10",
        ),
    ] = None
    split: PartOption = "test"
    protocol: Annotated[
        Literal["full", "sampled"], typer.Option(help="How the runs were evaluated.")
    ] = "full"
    layout: Annotated[
        Literal["table", "markdown", "latex", "csv", "json"],
        typer.Option("--format", help="How to print it."),
    ] = "table"


@takes(LeaderboardOptions)
def leaderboard(options: LeaderboardOptions) -> None:
    """List what `evaluate` has found about runs, the best first.

    $ seqrec leaderboard --data ml-100k --format markdown
    """
    from seqrec_cli.core.runs.leaderboard import Asked, standings

    metrics = (options.metric or "ndcg@10,hr@10").split(",")
    if options.protocol == "sampled":
        metrics = [f"{metric} (sampled 100)" for metric in metrics]
    asked = Asked(
        data=options.data, split=options.split, protocol=options.protocol, metric=metrics[0]
    )
    found = standings(asked)
    if options.layout == "json":
        console.print_json([each.plain(metrics) for each in found])
    elif options.layout == "table":
        show_standings(found, metrics, options.split)
    else:
        export(found, metrics, options.layout)


def show_standings(found: "list[Standing]", metrics: list[str], split: str) -> None:
    """Print a table for each dataset, and for each track of its own."""
    kind = attrgetter("data", "checksum", "track")
    for (data, checksum, track), group in groupby(found, key=kind):
        rows = [[each.scorer, each.model, str(each.seed), *cells(each, metrics)] for each in group]
        title = f"{data} ({checksum}), {split} part{', ' * bool(track)}{track}"
        console.print_table(["run", "model", "seed", *metrics], rows, title=title, left=(0, 1))
    console.info("± is half of the 95 % bootstrap interval over users")


def cells(each: "Standing", metrics: list[str]) -> list[str]:
    """The figures of a result with their intervals."""
    shown = []
    for metric in metrics:
        figure = each.figure(metric)
        if not figure:
            shown.append("-")
            continue
        margin = (figure["high"] - figure["low"]) / 2
        shown.append(f"{decimal(metric, figure['mean'])} ±{decimal(metric, margin)}")
    return shown


def export(found: "list[Standing]", metrics: list[str], layout: str) -> None:
    """Print one table for a paper, or rows for another program."""
    from seqrec_cli.core.storage import typesetting

    if layout == "csv":
        plain = [each.plain(metrics) for each in found]
        rows = [["" if v is None else str(v) for v in row.values()] for row in plain]
        text = typesetting.as_csv(list(plain[0]), rows)
    else:
        columns = ["data", "run", "model", "seed", *metrics]
        rows = [[e.data, e.scorer, e.model, str(e.seed), *cells(e, metrics)] for e in found]
        kinds = [(each.data, each.track) for each in found]
        # They are sorted, the best first.
        bold = {(kinds.index(kind), 4) for kind in kinds}
        if layout == "latex":
            text = typesetting.as_latex(columns, rows, bold, text_columns=3)
        else:
            text = typesetting.as_markdown(columns, rows, bold)
    console.print_lines(text)
