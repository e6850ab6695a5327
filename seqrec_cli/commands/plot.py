"""seqrec plot: how trainings went, by epoch."""

from pathlib import Path
from typing import Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.options import RunArguments, RunsInstead, chosen_runs, say_which


def plot(
    runs: RunArguments = None,
    runs_by_option: RunsInstead = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a .png or .svg file (needs the extra `plot`) instead of ASCII art.",
        ),
    ] = None,
) -> None:
    """Draw the loss and the validation metric of runs by epoch.

    $ seqrec plot ml-1m-sasrec-1 ml-1m-gru4rec-1 --output trainings.svg
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
    panels = plotting.panels_of(opened)
    if output is not None:
        for name in plotting.draw(output, panels):
            console.warn(f"the font of pictures lacks characters of `{name}`; they are escaped")
        console.success(f"{', '.join(opened)} in `{output}`")
        return
    for panel in panels:
        for line in plotting.text_chart(panel):
            console.print_text(line)
    for line in plotting.legend(panels):
        console.print_text(line)
