"""What is printed of comparisons: of two runs for kinds of users, of more a matrix."""

from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.commands.reports import shared
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seqrec_cli.core.evaluation.comparison import Difference
    from seqrec_cli.core.evaluation.sequential import Evaluation


def show_two(differences: "Sequence[Difference]") -> None:
    """Print a table for each metric, a row for each kind of users."""
    number = counted(len(differences), "comparison")
    console.info(f"each with the 95 % interval of its paired difference; p by Holm, for {number}")
    for metric in dict.fromkeys(d.metric for d in differences):
        rows = [
            [
                d.slice,
                f"{d.users:,}",
                f"{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]",
                shared.p_value(d.p),
            ]
            for d in differences
            if d.metric == metric
        ]
        title = f"{metric}: {differences[0].a} minus {differences[0].b}"
        console.print_table(["users", "count", "difference", "p"], rows, title=title)


def show_many(
    outcomes: "Mapping[str, Evaluation]",
    metrics: "Sequence[str]",
    groups: "Mapping[str, Sequence[str]]",
    seed: int,
) -> None:
    """Print each run or group of runs, and a matrix of differences for each metric."""
    from seqrec_cli.core.evaluation.comparison import compare
    from seqrec_cli.core.evaluation.groups import mean_outcomes, spreads_of_means

    means = {name: outcome.means() for name, outcome in outcomes.items()}
    shared.print_spreads(spreads_of_means(means, groups), metrics)
    if len(groups) < 2:
        console.info("the runs differ in their seeds alone: there is nothing to compare")
        return
    differences = compare(mean_outcomes(outcomes, groups), {}, metrics, seed)
    for metric in metrics:
        shared.print_matrix([d for d in differences if d.metric == metric])
    console.info("for kinds of users name two runs, or use --json")
