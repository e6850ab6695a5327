"""Plots as data: what is drawn, and what a table beside it says in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.evaluation.report import Report
from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.runs.plotting import Panel

Kind = Literal["line", "bars", "points", "intervals"]
MOST_ROWS = 60  # of the table beside a plot


@dataclass(frozen=True)
class Series:
    """Numbers of one name.

    Attributes:
        x: where they stand; of `bars` the left edges and the last right edge, one more than `y`.
        low, high: the ends of intervals around `y`; empty without.
        marked: where the one that matters is, such as the best epoch; None if none does.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    marked: int | None = None


@dataclass(frozen=True)
class Plot:
    """What is drawn.

    Attributes:
        name: what the plot is called in the page, a word.
        alt: what it shows, in a sentence, for who cannot see it.
        kind: how; `intervals` are horizontal, a row for each of `rows`.
        rows: the names of the rows of `intervals`; else empty.
        scale: how the axes count: "" evenly, or which of x and y by the logarithm.
        dates: whether x are days since 1970.
        wide: whether it has the width of the page, or stands beside another.
    """

    name: str
    title: str
    alt: str
    kind: Kind
    x: str
    y: str
    series: tuple[Series, ...]
    rows: tuple[str, ...] = ()
    scale: Literal["", "x", "y", "xy"] = ""
    dates: bool = False
    wide: bool = False

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The same as columns and rows of text; of very many numbers evenly spaced ones."""
        if self.kind == "intervals":
            cells = [
                [row, *(interval_text(each, at) for each in self.series)]
                for at, row in enumerate(self.rows)
            ]
            return [self.y, *(each.name for each in self.series)], cells
        if self.kind == "points":
            return ["", self.x, self.y], [
                [each.name, number(each.x[0]), number(each.y[0])] for each in self.series
            ]
        by_x = [dict(zip(each.x, each.y, strict=False)) for each in self.series]
        places = sorted({x for values in by_x for x in values})
        if len(places) > MOST_ROWS:
            chosen = np.linspace(0, len(places) - 1, MOST_ROWS).round().astype(int)
            places = [places[at] for at in np.unique(chosen)]
        names = [each.name for each in self.series] if len(self.series) > 1 else [self.y]
        first = f"{self.x}, from" if self.kind == "bars" else self.x
        cells = [
            [
                self.place(x),
                *(number(values[x]) if x in values else "" for values in by_x),
            ]
            for x in places
        ]
        return [first, *names], cells

    def place(self, x: float) -> str:
        """A place on the x axis in words."""
        return str(np.datetime64(int(x), "D")) if self.dates else number(x)


def number(value: float) -> str:
    """A number with four digits after the point, or none if it is whole."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4f}"


def interval_text(series: Series, at: int) -> str:
    """A value with its interval."""
    if at >= len(series.y) or not np.isfinite(series.y[at]):
        return ""
    return f"{series.y[at]:.4f} [{series.low[at]:.4f}, {series.high[at]:.4f}]"


def learning_curves(panels: Sequence[Panel]) -> list[Plot]:
    """A plot for the loss, and one for each metric that picked the weights of a run."""
    plots = []
    for panel in panels:
        series = tuple(
            Series(
                curve.run,
                tuple(map(float, curve.epochs)),
                curve.values,
                marked=curve.epochs.index(best) if best in curve.epochs else None,
            )
            for curve, best in zip(panel.curves, panel.best, strict=True)
        )
        ends = "; ".join(
            f"{each.name} goes from {each.y[0]:.4f} to {each.y[-1]:.4f}"
            + (
                f" and is best with {each.y[each.marked]:.4f} at {panel.unit} "
                f"{each.x[each.marked]:.0f}"
                if each.marked is not None
                else ""
            )
            for each in series
        )
        title = panel.name[0].upper() + panel.name[1:] + f" by {panel.unit}"
        name = "curve-" + panel.name.replace(" ", "-").replace("@", "-")
        plots.append(Plot(name, title, f"{title}: {ends}.", "line", panel.unit, panel.name, series))
    return plots


def score_plot(report: Report, runs: Sequence[str]) -> Plot:
    """The main metric of all scorers with intervals, the best first."""
    metric, figures = report.main_metric, report.figures
    ranked = sorted(figures, key=lambda name: -figures[name][metric].mean)
    series = tuple(
        of_rows(label, [figures[n][metric] if (n in runs) == own else None for n in ranked])
        for label, own in (("trained", True), ("needs no training", False))
        if any((n in runs) == own for n in ranked)
    )
    alt = f"{metric} of {', '.join(f'{n} {figures[n][metric].mean:.4f}' for n in ranked)}."
    title = f"{metric} on the {report.protocol.part} part, with 95 % intervals"
    rows = tuple(ranked)
    return Plot("scores", title, alt, "intervals", metric, "scorer", series, rows, wide=True)


def of_rows(name: str, figures: Sequence[Figure | None]) -> Series:
    """Figures of rows; where there is none, nothing is drawn."""
    nothing = Figure(np.nan, np.nan, np.nan)
    known = [figure or nothing for figure in figures]
    return Series(
        name,
        tuple(map(float, range(len(known)))),
        tuple(figure.mean for figure in known),
        tuple(figure.low for figure in known),
        tuple(figure.high for figure in known),
    )


def slice_plots(
    metric: str, slices: Mapping[str, Mapping[str, Mapping[str, Figure]]]
) -> list[Plot]:
    """A plot for each kind of slice; `slices` has figures by kind, slice and run."""
    plots = []
    for number_of, (kind, rows) in enumerate(slices.items()):
        runs = list(next(iter(rows.values())))
        series = tuple(of_rows(run, [figures[run] for figures in rows.values()]) for run in runs)
        alt = "; ".join(
            f"{row}: {', '.join(f'{run} {figures[run].mean:.4f}' for run in runs)}"
            for row, figures in rows.items()
        )
        title = f"{metric} by {kind}"
        plots.append(
            Plot(
                f"slice-{number_of}",
                title,
                f"{title}. {alt}.",
                "intervals",
                metric,
                "users",
                series,
                tuple(rows),
            )
        )
    return plots


def coverage_plot(report: Report, runs: Sequence[str]) -> Plot | None:
    """Coverage against accuracy, the runs marked; None where nothing was listed."""
    metric = report.main_metric
    coverage = f"coverage@{metric.partition('@')[2]}"
    known = {name: f for name, f in report.figures.items() if coverage in f}
    if not known:
        return None
    series = tuple(
        Series(
            name,
            (figures[coverage].mean,),
            (figures[metric].mean,),
            marked=0 if name in runs else None,
        )
        for name, figures in known.items()
    )
    alt = "; ".join(f"{each.name}: coverage {each.x[0]:.3f}, {each.y[0]:.4f}" for each in series)
    title = "Accuracy against coverage of the catalogue"
    alt = f"{title}. {alt}."
    return Plot("coverage", title, alt, "points", coverage, metric, series, wide=True)


def bars(
    name: str,
    title: str,
    alt: str,
    axes: tuple[str, str],
    edges: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    log: bool = False,
    dates: bool = False,
) -> Plot:
    """A histogram: `edges` (B + 1,) and `counts` (B,)."""
    series = Series(axes[1], tuple(edges.tolist()), tuple(map(float, counts.tolist())))
    scale: Literal["", "x"] = "x" if log else ""
    return Plot(name, title, alt, "bars", *axes, (series,), scale=scale, dates=dates)
