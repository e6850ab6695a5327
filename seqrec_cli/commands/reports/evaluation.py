"""What is printed of an evaluation of next-item runs."""

from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.commands.reports import shared

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.report import Report
    from seqrec_cli.core.evaluation.summary import Figure


def show(report: "Report") -> None:
    """Print a table of metrics by scorer, and one of differences between runs."""
    first, dataset, protocol = report.first, report.dataset, report.protocol
    candidates = (
        f"all {dataset.num_items:,} items, seen ones {protocol.settled_seen}d"
        if protocol.kind == "full"
        else "100 sampled items"
    )
    asked = f"{len(first.users):,} users"
    if protocol.sample_users is not None and any("random sample" in why for why in first.skipped):
        asked = f"a random sample of {len(first.users):,} users, over which the intervals are"
    if first.counts is not None:
        asked += f", {first.counts.sum():,} targets (every item with one before it)"
    console.info(f"{dataset.name}, {protocol.part} part: {asked}, each target against {candidates}")
    if first.counts is not None:
        console.info("means are over all targets, intervals over users")
    for reason, count in first.skipped.items():
        console.info(f"{count:,} users skipped: {reason}")
    if first.unreachable:
        console.warn(
            f"{first.unreachable:,} targets were in the user's history already and count as "
            "missed; with repeated items use `--seen include`"
        )
    if first.repeated:
        console.warn(f"{first.repeated:,} targets were the same item again and count once")
    names = list(next(iter(report.figures.values())))
    rows = [[name, *(cell(name, f[name]) for f in report.figures.values())] for name in names]
    console.print_table(["metric", *report.figures], rows)
    shared.print_comparisons(report.comparisons)


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


def cell(name: str, figure: "Figure") -> str:
    """A figure with its interval."""
    digits = 1 if name.startswith("popularity rank") else 4
    return f"{figure.mean:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
