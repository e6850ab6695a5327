"""seqrec compare: whether one run is better than another, and for whom."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.completing import run_names
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    Device,
    Json,
    PartOption,
    RunsInstead,
    Seed,
    SeenOption,
    TargetsOption,
)

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.comparison import Difference
    from seqrec_cli.core.evaluation.sequential import Evaluation
    from seqrec_cli.core.inference.scoring import Seen
    from seqrec_cli.core.runs.loading import Compared

METRICS = ("ndcg", "hr")


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The options of `seqrec compare`."""

    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN RUN…", help="Two runs or more.", autocompletion=run_names),
    ] = None
    named_by_option: RunsInstead = None
    split: PartOption = "test"
    k: Annotated[
        int, typer.Option("--k", "--topk", min=1, max=10_000, help="Length of the lists.")
    ] = 10
    seen: SeenOption = None
    targets: TargetsOption = "last"
    slices: Annotated[
        bool, typer.Option(help="Compare for slices of users too, not only for all users.")
    ] = True
    data: Data = None
    data_dir: DataDir = Path("data")
    seed: Seed = 0
    device: Device = "auto"
    as_json: Json = False

    @property
    def runs(self) -> list[str]:
        return [*(self.named or ()), *(self.named_by_option or ())]


@takes(CompareOptions)
def compare(options: CompareOptions) -> None:
    """Say whether one run is better than another, and for whom.

    Differences are paired by user, with 95 % bootstrap intervals; p-values are corrected for the
    number of comparisons (Holm).

    $ seqrec compare ml-1m-sasrec-1 ml-1m-sasrec-2
    """
    if len(options.runs) < 2:
        raise typer.BadParameter("name two runs or more")
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.evaluation import comparison
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.loading import agreed_seen, load_runs
    from seqrec_cli.core.runs.run import Run

    runs = [Run.open(find_run(name)) for name in options.runs]
    seen = agreed_seen(runs, options.seen)
    device = choose_device(options.device)
    compared = load_runs(runs, options.data, options.data_dir, device, options.split)
    console.warn_all(compared.notes)
    dataset = compared.dataset
    outcomes = evaluate_each_run(compared, options, seen)
    users = next(iter(outcomes.values())).users
    groups = comparison.slices_of(dataset, options.split, users) if options.slices else {}
    metrics = [f"{name}@{options.k}" for name in METRICS]
    differences = comparison.compare(outcomes, groups, metrics, options.seed)
    if options.as_json:
        console.print_json([asdict(difference) for difference in differences])
        return
    console.info(
        f"{dataset.name}, {options.split} part: {len(users):,} users, {len(differences)} "
        "comparisons, each with the 95 % interval of its paired difference; p is corrected for "
        "all of them"
    )
    show_differences(differences)


def evaluate_each_run(
    compared: "Compared", options: CompareOptions, seen: "Seen"
) -> "dict[str, Evaluation]":
    """The evaluation of each run by its label."""
    from seqrec_cli.core.evaluation.sequential import evaluate

    outcomes = {}
    with console.progress(len(compared.scorers), "evaluated") as advance:
        for number, (name, scorer) in enumerate(compared.scorers.items()):
            advance(number, name)
            outcomes[name] = evaluate(
                scorer,
                compared.dataset,
                options.split,
                metrics=METRICS,
                ks=[options.k],
                seen=seen,
                targets=options.targets,
            )
    return outcomes


def show_differences(differences: "list[Difference]") -> None:
    """Print a table for each pair of runs, a row for each slice and metric."""
    for a, b in dict.fromkeys((d.a, d.b) for d in differences):
        console.print_table(
            ["users", "count", "metric", f"{a} minus {b}", "p"],
            [
                [
                    d.slice,
                    f"{d.users:,}",
                    d.metric,
                    f"{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]",
                    f"{d.p:.4f}",
                ]
                for d in differences
                if (d.a, d.b) == (a, b)
            ],
            left=(0, 2),
        )
