"""What is printed of an evaluation of next-item runs."""

from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.commands.reports import shared
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seqrec_cli.core.evaluation.report import Report
    from seqrec_cli.core.evaluation.sequential import Evaluation


def show_metrics(
    report: "Report", groups: "Mapping[str, Sequence[str]]", kinds: "Mapping[str, str]"
) -> None:
    """Print a table of metrics by scorer, and how runs differ.

    Args:
        groups: runs that differ in their seeds alone, by a name for all of them.
        kinds: the model of each run.
    """
    from seqrec_cli.core.evaluation.groups import spreads_of

    say_protocol(report)
    names = report.distinct_metrics()
    shared.print_figures(report.figures, names)
    console.info(
        "± is half of the 95 % bootstrap interval over users" + same_as(report.repeated_metrics())
    )
    if report.first.lists is not None:
        console.info(
            "pop. rank: mean rank of the recommended items by popularity, 1 for the most popular; "
            "coverage: the share of the catalogue that is recommended to anybody"
        )
    for name, baseline in report.beaten(kinds).items():
        metric, own = report.main_metric, report.figures
        console.warn(
            f"{name} is no better than {baseline}, which needs no training: {metric} "
            f"{own[name][metric].mean:.4f} against {own[baseline][metric].mean:.4f}"
        )
    if any(len(runs) > 1 for runs in groups.values()):
        shared.print_spreads(spreads_of(report.figures, groups), names)
    if len(report.runs) == 2:
        shared.print_comparisons(report.comparisons, names)
    elif len(report.runs) > 2 and len(groups) > 1:
        shared.print_matrix(report.differences(groups))


def say_protocol(report: "Report") -> None:
    """Say what was predicted for whom, and what to know of it."""
    first, dataset, protocol = report.first, report.dataset, report.protocol
    candidates = (
        f"all {counted(dataset.num_items, 'item')}, seen ones {protocol.settled_seen}d"
        f"{', under rules' if report.rules else ''}"
        if protocol.kind == "full"
        else "100 sampled items"
    )
    asked = counted(len(first.users), "user")
    if protocol.sample_users is not None and any("random sample" in why for why in first.skipped):
        asked = f"a random sample of {asked}, over which the intervals are"
    if first.counts is not None:
        targets = counted(int(first.counts.sum()), "target")
        asked += f", {targets} (every item with one before it)"
    console.info(f"{dataset.name}, {protocol.part} part: {asked}, each target against {candidates}")
    if first.counts is not None:
        console.info("means are over all targets, intervals over users")
    if isinstance(protocol.targets, int):
        console.info(f"targets are the next {protocol.targets} events of each user, as one set")
        most = int(dataset.targets(protocol.part, protocol.targets).lengths.max(initial=0))
        if most < protocol.targets:
            console.warn(
                f"no user has more than {counted(most, 'event')} in the {protocol.part} part; a "
                "dataset made with `prepare --split time` has several"
            )
    say_left_out(first)


def say_left_out(first: "Evaluation") -> None:
    """Say who was not asked about, and which targets nobody could reach."""
    for reason, count in first.skipped.items():
        console.info(f"{counted(count, 'user')} skipped: {reason}")
    if first.left_out:
        console.warn(
            f"{counted(first.left_out, 'target')} are items that the rules leave out: missed"
        )
    if first.unreachable:
        console.warn(
            f"{counted(first.unreachable, 'target')} had been in the user's history already: "
            "missed; with repeated items use `--seen include`"
        )
    if first.repeated:
        console.warn(
            f"{counted(first.repeated, 'target')} left out: the same item of the same user again"
        )


def same_as(repeated: "Mapping[str, str]") -> str:
    """Which metrics are not shown as others say the same."""
    if not repeated:
        return ""
    pairs = ", ".join(f"{name} = {other}" for name, other in repeated.items())
    return f"; {pairs}: each list has one target (--json has all)"


def show_stages(report: "Report", index: str, candidates: int) -> None:
    """Say what the candidates of a second stage reach, and what an index finds."""
    for name, share in report.reach.items():
        console.info(
            f"{name}: {share:.4f} of the targets are among its {candidates} candidates, so no "
            "order of them can have more"
        )
    for name, recall in report.recalls.items():
        console.info(
            f"{name}, {index}: recall@{max(report.protocol.ks)} {recall:.4f} of the exact result, "
            "over all users; the metrics are those of the approximate lists"
        )
