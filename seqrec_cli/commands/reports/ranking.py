"""What is printed of ranking datasets and ranking runs."""

from typing import TYPE_CHECKING, Any

from seqrec_cli import console
from seqrec_cli.commands.reports import shared
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.ranking import RankingReport

MOST_EMPTY = 0.1  # share of empty histories that is worth a note


def part_counts(manifest: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The counts of each part that there is."""
    split = manifest["split"]
    return {part: split[part] for part in ("train", "valid", "test") if part in split}


def rows_summary(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows of the summary."""
    source, encoders, history = (manifest[key] for key in ("source", "encoders", "history"))
    made = manifest["examples"]
    columns = [column_line(column) for column in encoders["columns"]]
    if encoders["left_out"]:
        columns.append(f"left out: {', '.join(encoders['left_out'])}")
    rows = [
        ("source", source["path"]),
        ("format", source["format"]),
        ("rows read", f"{manifest['rows_read']:,}"),
        *((f"dropped: {reason}", f"{n:,}") for reason, n in manifest["dropped"].items()),
    ]
    if made:
        rows += [
            ("liked", f"rated {made['positive_rating']:g} or higher" if made["rated"] else "all"),
            ("candidates", made["candidates"]),
        ]
    rows += [
        ("rows", f"{manifest['rows']:,}"),
        ("users", f"{manifest['users']:,}"),
        ("candidate items", f"{manifest['items']:,}"),
        ("history", f"at most {history['longest']}, mean {history['mean']:.2f}"),
        ("item codes", f"{encoders['item_values']:,} in {encoders['min_value_count']} places each"),
        ("columns", "; ".join(columns) or "none"),
        ("split", manifest["split"]["kind"]),
    ]
    for part, counts in part_counts(manifest).items():
        share = counts["positives"] / counts["rows"]
        rows.append(
            (part, f"{counts['rows']:,} rows of {counts['users']:,} users, {share:.1%} positive")
        )
    return rows


def column_line(column: dict[str, Any]) -> str:
    """What became of a column."""
    values = f", {column['values']:,} values" if "values" in column else ""
    return f"{column['name']} ({column['kind']}{values})"


def rows_notes(manifest: dict[str, Any]) -> list[str]:
    """What the user should know before trusting the result."""
    found = []
    for part, counts in part_counts(manifest).items():
        if part != "train" and counts["unknown_candidates"]:
            found.append(
                f"{counts['unknown_candidates']:,} of {counts['rows']:,} candidates of the {part} "
                "part are unknown or rare items, represented by their features alone"
            )
        if counts["empty_histories"] > MOST_EMPTY * counts["rows"]:
            found.append(
                f"{counts['empty_histories']:,} of {counts['rows']:,} rows of the {part} part have "
                "an empty history"
            )
    if "valid" not in manifest["split"]:
        found.append("there is no valid part: training holds out a share of the train part")
    return found


def show_ranking_metrics(report: "RankingReport") -> None:
    """Print a table of metrics by run, and one of differences between runs."""
    first, figures = report.first, report.figures
    console.info(
        f"{report.dataset.name}, {report.part} part: {len(first.labels):,} rows of "
        f"{len(first.user_aucs):,} users, {int(first.labels.sum()):,} positive"
    )
    if first.skipped_users:
        console.info(
            f"{counted(first.skipped_users, 'user')} left out of gauc: rows with one label only"
        )
    names = list(dict.fromkeys(name for by_metric in figures.values() for name in by_metric))
    shared.print_figures(figures, names)
    console.info("± is half of the 95 % bootstrap interval over users")
    shared.print_comparisons(report.comparisons, names)
