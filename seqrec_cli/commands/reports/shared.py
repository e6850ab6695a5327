"""What several commands print alike: the summary of a preparation, figures and comparisons."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqrec_cli import console
from seqrec_cli.commands.reports.grid import Cell, mark_best, print_grid

if TYPE_CHECKING:
    from seqrec_cli.core.evaluation.comparison import Difference
    from seqrec_cli.core.evaluation.groups import Spread
    from seqrec_cli.core.evaluation.summary import Comparisons, Figure

# Metrics that have no best: what they describe is neither good nor bad by itself.
NO_BEST = ("popularity rank", "coverage", "predicted/observed")
LOWER_IS_BETTER = ("log_loss", "calibration_error")


def show_preparation(
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


def print_figures(figures: "Mapping[str, Mapping[str, Figure]]", names: Sequence[str]) -> None:
    """Scorers as columns, metrics as rows: the mean, and half of its 95 % interval as ±."""
    rows = {}
    for name in names:
        found = [by_metric.get(name) for by_metric in figures.values()]
        best = best_of(name, [None if figure is None else figure.mean for figure in found])
        rows[short(name)] = [
            Cell("-") if f is None else figure_cell(name, f, best=is_best)
            for f, is_best in zip(found, best, strict=True)
        ]
    print_grid("metric", rows, list(figures))


def figure_cell(name: str, figure: "Figure", *, best: bool) -> Cell:
    """A figure with its interval; 4 decimals, 1 for ranks."""
    margin = (figure.high - figure.low) / 2
    return Cell(decimal(name, figure.mean), f"±{decimal(name, margin)}", best)


def decimal(name: str, value: float) -> str:
    """A value of a metric, with as many decimals as the metric has."""
    return f"{value:.1f}" if name.startswith("popularity rank") else f"{value:.4f}"


def p_value(p: float) -> str:
    """A p-value with three decimals."""
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def best_of(name: str, values: Sequence[float | None]) -> list[bool]:
    """Which of the values of a metric are the best."""
    if name.startswith(NO_BEST):
        return [False] * len(values)
    return mark_best(values, lower=name.startswith(LOWER_IS_BETTER))


def short(name: str) -> str:
    """A metric's name in a table; the protocol of a sampled one stands above the table."""
    return name.replace("popularity rank", "pop. rank").partition(" (sampled")[0]


def print_comparisons(compared: "Comparisons", names: Collection[str]) -> None:
    """For two runs, by metric the difference, and the p-value of none."""
    for (a, b), differences in compared.items():
        console.print_table(
            ["metric", f"{a} minus {b}", "p"],
            [
                [short(name), f"{mean:+.4f}", p_value(p)]
                for name, (mean, p) in differences.items()
                if name in names
            ],
            title="paired bootstrap",
        )


def print_spreads(spreads: "Mapping[str, Mapping[str, Spread]]", names: Sequence[str]) -> None:
    """Groups of runs as columns: the mean over seeds, and the standard deviation as ±."""
    rows = {}
    for name in names:
        found = [by_metric[name] for by_metric in spreads.values()]
        best = best_of(name, [spread.mean for spread in found])
        rows[short(name)] = [
            Cell(
                decimal(name, spread.mean),
                "" if spread.deviation is None else f"±{decimal(name, spread.deviation)}",
                is_best,
            )
            for spread, is_best in zip(found, best, strict=True)
        ]
    runs = [next(iter(by_metric.values())).runs for by_metric in spreads.values()]
    several = max(runs) > 1
    columns = [
        f"{label} ({n}×)" if several else label for label, n in zip(spreads, runs, strict=True)
    ]
    title = "mean ± standard deviation over seeds" if several else ""
    print_grid("metric", rows, columns, title=title)


def print_matrix(differences: "Sequence[Difference]") -> None:
    """Each scorer minus each other for one metric, with corrected p-values."""
    by_pair = {(d.a, d.b): d for d in differences}
    names = list(dict.fromkeys(name for pair in by_pair for name in pair))
    rows = {
        a: [
            Cell(f"{by_pair[a, b].mean:+.4f}", f"p {p_value(by_pair[a, b].p)}")
            if (a, b) in by_pair
            else Cell("")
            for b in names[1:]
        ]
        for a in names[:-1]
    }
    metric = differences[0].metric
    print_grid(metric, rows, names[1:], title=f"{metric}: the row minus the column; p by Holm")
