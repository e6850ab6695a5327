"""seqrec compare: whether one run is better than another, and for whom."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqrec_cli import console
from seqrec_cli.commands.evaluate import load_runs
from seqrec_cli.commands.options import Data, DataDir, Device, Json, Seed, SeenOption

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.comparison import Difference

METRICS = ("ndcg", "hr")


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN…", help="Two runs or more.")],
    split: Annotated[
        Literal["test", "valid"], typer.Option(help="Which part is to be predicted.")
    ] = "test",
    k: Annotated[int, typer.Option("--k", min=1, max=10_000, help="Length of the lists.")] = 10,
    seen: SeenOption = "exclude",
    slices: Annotated[
        bool, typer.Option(help="Compare for kinds of users too, not only for all of them.")
    ] = True,
    data: Data = None,
    data_dir: DataDir = Path("data"),
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Say whether one run is better than another, and for whom.

    Differences are paired by user, with 95 % bootstrap intervals; p-values are corrected for the
    number of comparisons (Holm).

    $ seqrec compare ml-1m-sasrec-1 ml-1m-sasrec-2
    """
    if len(runs) < 2:
        raise typer.BadParameter("name two runs or more")
    from seqrec_cli.core.evaluation import comparison
    from seqrec_cli.core.evaluation import sequential as evaluation

    _, dataset, scorers = load_runs(runs, data, data_dir, device)
    outcomes = {}
    with console.progress(len(scorers), "evaluated") as advance:
        for number, (name, scorer) in enumerate(scorers.items()):
            advance(number, name)
            outcomes[name] = evaluation.evaluate(
                scorer, dataset, split, metrics=METRICS, ks=[k], seen=seen
            )
    users = next(iter(outcomes.values())).users
    groups = comparison.slices_of(dataset, split, users) if slices else {}
    found = comparison.compare(outcomes, groups, [f"{name}@{k}" for name in METRICS], seed)
    if as_json:
        console.print_json([asdict(difference) for difference in found])
    else:
        console.info(
            f"{dataset.name}, {split} part: {len(users):,} users, {len(found)} comparisons, each "
            "with the 95 % interval of its paired difference; p is corrected for all of them"
        )
        show(found)


def show(found: "list[Difference]") -> None:
    """Print a table for each pair of runs, a row for each slice and metric."""
    for a, b in dict.fromkeys((d.a, d.b) for d in found):
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
                for d in found
                if (d.a, d.b) == (a, b)
            ],
            left=(0, 2),
        )
