"""What several commands print alike: the summary of a preparation, figures and comparisons."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from seqrec_cli import console

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.summary import Comparisons


def report(
    manifest: dict[str, Any],
    rows: list[tuple[str, str]],
    notes: Iterable[str],
    *,
    as_json: bool,
) -> None:
    """Print what was read, kept and dropped, and what to know before using it."""
    if as_json:
        console.print_json(manifest)
    else:
        console.print_table(("", manifest["name"]), rows, left=(0, 1))
    if manifest["source"]["licence"]:
        console.info(f"licence: {manifest['source']['licence']}")
    for note in notes:
        console.warn(note)


def print_comparisons(compared: "Comparisons") -> None:
    """A table for each two runs: by metric the difference, and the p-value of none."""
    for (a, b), differences in compared.items():
        console.print_table(
            ["metric", f"{a} minus {b}", "p"],
            [[name, f"{mean:+.4f}", f"{p:.3f}"] for name, (mean, p) in differences.items()],
            title="paired bootstrap",
        )
