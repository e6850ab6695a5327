"""What several commands show alike: the account of a preparation, figures and comparisons."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from seqrec_cli import console

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.summary import Figure


def report(
    manifest: dict[str, Any],
    rows: list[tuple[str, str]],
    notes: Iterable[str],
    *,
    as_json: bool,
) -> None:
    """Print the account of what was read, kept and dropped, and what to know before using it."""
    if as_json:
        console.print_json(manifest)
    else:
        console.print_table(("", manifest["name"]), rows, left=(0, 1))
    if manifest["source"]["licence"]:
        console.info(f"licence: {manifest['source']['licence']}")
    for note in notes:
        console.warn(note)


def print_comparisons(compared: dict[tuple[str, str], dict[str, tuple[float, float]]]) -> None:
    """A table for each two runs: by metric the difference, and the p-value of none."""
    for (a, b), differences in compared.items():
        console.print_table(
            ["metric", f"{a} minus {b}", "p"],
            [[name, f"{mean:+.4f}", f"{p:.3f}"] for name, (mean, p) in differences.items()],
            title="paired bootstrap",
        )


def as_plain(
    figures: "dict[str, dict[str, Figure]]",
    compared: dict[tuple[str, str], dict[str, tuple[float, float]]],
) -> dict[str, Any]:
    """Figures with their intervals, and comparisons, for JSON."""
    return {
        "figures": {
            name: {
                metric: {"mean": f.mean, "low": f.low, "high": f.high}
                for metric, f in found.items()
            }
            for name, found in figures.items()
        },
        "comparisons": [
            {
                "run": a,
                "minus": b,
                "differences": {m: {"mean": d, "p": p} for m, (d, p) in differences.items()},
            }
            for (a, b), differences in compared.items()
        ],
    }
