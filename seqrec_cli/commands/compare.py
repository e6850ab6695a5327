"""seqrec compare: whether one run is better than another, and for whom."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import Data, DataDir, Device, Json, PartOption, Seed, SeenOption

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.comparison import Difference

METRICS = ("ndcg", "hr")


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The options of `seqrec compare`."""

    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN…", help="Two runs or more.")]
    split: PartOption = "test"
    k: Annotated[int, typer.Option("--k", min=1, max=10_000, help="Length of the lists.")] = 10
    seen: SeenOption = None
    slices: Annotated[
        bool, typer.Option(help="Compare for kinds of users too, not only for all of them.")
    ] = True
    data: Data = None
    data_dir: DataDir = Path("data")
    seed: Seed = 0
    device: Device = "auto"
    as_json: Json = False


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
    from seqrec_cli.core.evaluation.sequential import evaluate
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.loading import agreed_seen, load_runs
    from seqrec_cli.core.runs.run import Run

    runs = [Run.open(find_run(name)) for name in options.runs]
    seen = agreed_seen(runs, options.seen)
    device = choose_device(options.device)
    compared = load_runs(runs, options.data, options.data_dir, device, options.split)
    console.warn_all(compared.notes)
    dataset, outcomes = compared.dataset, {}
    with console.progress(len(runs), "evaluated") as advance:
        for number, (name, scorer) in enumerate(compared.scorers.items()):
            advance(number, name)
            outcomes[name] = evaluate(
                scorer, dataset, options.split, metrics=METRICS, ks=[options.k], seen=seen
            )
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
    show(differences)


def show(differences: "list[Difference]") -> None:
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
