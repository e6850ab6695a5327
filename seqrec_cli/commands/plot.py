"""seqrec plot: how trainings went, by epoch, and what rules cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.options import RunArguments, RunsInstead, chosen_runs, say_which

if TYPE_CHECKING:
    from seqrec_cli.core.runs.run import Run
    from seqrec_cli.core.runs.trade import Trade


def plot(
    runs: RunArguments = None,
    runs_by_option: RunsInstead = None,
    trade: Annotated[
        Literal["valid", "test"] | None,
        typer.Option(
            help="Draw accuracy against coverage and popularity instead: a point for each "
            "evaluation on that part, with its rules.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a .png or .svg file (needs the extra `plot`) instead of ASCII art.",
        ),
    ] = None,
) -> None:
    """Draw loss and validation metric by epoch, or what rules cost.

    $ seqrec plot ml-1m-sasrec-1 ml-1m-gru4rec-1 --output trainings.svg

    $ seqrec plot ml-1m-sasrec-1 --trade test
    """
    from seqrec_cli.core.runs import plotting
    from seqrec_cli.core.runs.comparing import labelled
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    if output is not None:
        plotting.check_picture(output)
    names = chosen_runs(runs, runs_by_option)
    found = [Run.open(find_run(name)) for name in names]
    for name, run in zip(names, found, strict=True):
        say_which(name, run.path)
    opened = labelled(found)
    if trade is not None:
        plot_trade(opened, trade, output)
        return
    plot_trainings(opened, output)


def plot_trainings(runs: "dict[str, Run]", output: Path | None) -> None:
    """Draw the loss and the validation metric of runs by epoch."""
    from seqrec_cli.core.runs import plotting

    panels = plotting.panels_of(runs)
    if output is not None:
        for name in plotting.draw(output, panels):
            console.warn(f"the font of pictures lacks characters of `{name}`; they are escaped")
        console.success(f"{', '.join(runs)} in `{output}`")
        return
    for panel in panels:
        for line in plotting.text_chart(panel):
            console.print_text(line)
    for line in plotting.legend(panels):
        console.print_text(line)


def plot_trade(runs: "dict[str, Run]", part: Literal["valid", "test"], output: Path | None) -> None:
    """Draw accuracy against coverage and popularity, under each rule that was evaluated."""
    from seqrec_cli.core.runs.trade import draw_trade, scatter, trade_of

    found = trade_of(runs, part)
    if len(found.points) == 1:
        console.warn(
            "there is one evaluation alone: evaluate under rules too, such as "
            "`--popularity-penalty 0.5` or `--diversify 0.3`"
        )
    if output is not None:
        draw_trade(output, found)
        console.success(f"{', '.join(runs)} in `{output}`")
        return
    for against, values in found.panels():
        for line in scatter(found, values, f"ndcg@{found.k} by {against}"):
            console.print_text(line)
    show_points(found)


def show_points(trade: "Trade") -> None:
    """The points as a table."""
    from seqrec_cli.core.runs.trade import letter_of

    rows = []
    for number, point in enumerate(trade.points):
        figures = [f"{point.accuracy[0]:.4f}", f"{point.coverage:.4f}", f"{point.popularity:.1f}"]
        rows.append([letter_of(number), point.run, point.rules or "no rule", *figures])
    k = trade.k
    columns = ["", "run", "rules", f"ndcg@{k}", f"coverage@{k}", f"pop. rank@{k}"]
    console.print_table(columns, rows, left=(0, 1, 2))
