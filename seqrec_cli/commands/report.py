"""seqrec report: a page about runs that opens anywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.evaluate_options import parse_ks
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    Device,
    PartOption,
    RunArguments,
    RunsInstead,
    Seed,
    SeenOption,
    chosen_runs,
    say_which,
)

if TYPE_CHECKING:
    from seqrec_cli.core.runs.report.study import Study


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """The options of `seqrec report`."""

    named: RunArguments = None
    named_by_option: RunsInstead = None
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.html", help="The file to write.")
    ] = Path("report.html")
    split: PartOption = "test"
    k: Annotated[str, typer.Option("--k", "--topk", help="List lengths, separated by commas.")] = (
        "1,5,10,20"
    )
    seen: SeenOption = None
    examples: Annotated[
        int,
        typer.Option(
            min=0, max=100, help="How many people to show with their histories and lists; 0: none."
        ),
    ] = 4
    sample_users: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Evaluate on a random sample of N users.",
            show_default="all users",
        ),
    ] = None
    data: Data = None
    data_dir: DataDir = Path("data")
    seed: Seed = 0
    device: Device = "auto"


@takes(ReportOptions)
def report(options: ReportOptions) -> None:
    """Write a page about runs, which opens offline.

    Results beside baselines, for whom they work, learning curves, examples with reasons, the data,
    and how to repeat it.

    $ seqrec report ml-1m-sasrec-1 ml-1m-gru4rec-1 --output report.html
    """
    from seqrec_cli.core.runs.plotting import load_matplotlib
    from seqrec_cli.core.runs.report.page import check_page_file, load_templates, report_page
    from seqrec_cli.core.storage import files

    check_page_file(options.output)
    load_matplotlib()
    load_templates()
    study = studied(options)
    page = report_page(study)
    files.write_text(options.output, page)
    size = len(page.encode())
    console.success(f"{', '.join(study.runs)} in `{options.output}`, {size:,} bytes")


def studied(options: ReportOptions) -> "Study":
    """Evaluate what the report is about, with a bar."""
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation.report import EvaluationProtocol
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.report.study import Study, study_runs
    from seqrec_cli.core.runs.run import Run

    names = chosen_runs(options.named, options.named_by_option)
    runs = [Run.open(find_run(name)) for name in names]
    for name, run in zip(names, runs, strict=True):
        say_which(name, run.path)
    protocol = EvaluationProtocol(
        part=options.split,
        ks=parse_ks(options.k),
        seen=options.seen,
        seed=options.seed,
        sample_users=options.sample_users,
    )
    device, count = choose_device(options.device), options.examples
    with console.progress(None, "evaluated") as advance:
        steps = study_runs(runs, options.data, options.data_dir, device, protocol, count)
        for done, step in enumerate(steps, 1):
            if isinstance(step, Study):
                console.warn_all(step.notes)
                return step
            advance(done, step)
    raise AssertionError("study_runs ends with the study, or raises")
