"""What is printed of drift."""

from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.summary import Figure
    from seqrec_cli.core.runs.drift import Drift, Shift

NAMES = {
    "new_users": "users",
    "new_items": "items",
    "unknown_items": "events",
}


def show_drift(drift: "Drift") -> None:
    """Print what was before, what is now, and the measures."""
    console.info(
        f"{drift.run} and the events of {drift.data} that are new; {drift.metric} is over "
        f"{counted(drift.asked, 'user')} with one new event each"
    )
    rows = [[name, f"{before:,}", f"{now:,}"] for name, (before, now) in drift.counts.items()]
    before, now = drift.lengths
    rows.append(["history, median", f"{before:,.0f}", "-" if now is None else f"{now:,.0f}"])
    rows.append([drift.metric, in_cell(drift.own), in_cell(drift.now)])
    console.print_table(["", "its own data", "new events"], rows)
    shifts = [[shift.key, value_of(shift), chance_of(shift)] for shift in drift.shifts]
    console.print_table(["measure", "value", "by chance"], shifts)
    console.info(
        "by chance: what stays below it in 95 % of samples of that size without drift; "
        "popularity_shift is the Jensen-Shannon distance (0 to 1), length_shift the population "
        "stability index (above 0.25 look into it); unknown items are missed in the figure"
    )


def in_cell(figure: "Figure | None") -> str:
    """A figure with half of its interval."""
    if figure is None:
        return "-"
    return f"{figure.mean:.4f} ±{(figure.high - figure.low) / 2:.4f}"


def value_of(shift: "Shift") -> str:
    """A measure; a share as percent of what it is a share of."""
    if shift.key in NAMES:
        return f"{shift.value:.1%} of {NAMES[shift.key]}"
    return f"{shift.value:+.4f}" if shift.key.endswith("_drop") else f"{shift.value:.4f}"


def chance_of(shift: "Shift") -> str:
    return "" if shift.chance is None else f"{shift.chance:.4f}"
