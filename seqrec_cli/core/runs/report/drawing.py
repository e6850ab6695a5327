"""Plots as SVG by matplotlib (the extra `report`), in the colors of the page around them."""

import importlib
import io
import math
import re
import warnings
from collections.abc import Mapping
from typing import Any

from seqrec_cli.core.runs.plotting import load_matplotlib
from seqrec_cli.core.runs.report.plots import Plot

# matplotlib draws with these, which become variables of the page's style: light or dark.
INK, FAINT = "#010101", "#020202"
SERIES = tuple(f"#0300{number:02x}" for number in range(1, 9))
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    **{color: f"var(--series-{number})" for number, color in enumerate(SERIES, 1)},
}
MARKS = "os^DvPX*"  # beside colors, as not everybody tells these apart
WIDTH, BESIDE = 6.6, 4.7  # inches, of 72 points: of the page, and of a plot beside another
ROW = 0.3  # inches for a row of intervals
FAR = 1000  # the end of a logarithmic axis over its beginning, from which on tens are enough
LINE = 40  # points of a line that are marked one by one, at most
STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be searched, and takes the page's font
    "svg.hashsalt": "seqrec",
    "text.parse_math": False,  # a `$` in a name is a `$`
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "legend.frameon": False,
}


def draw_plot(plot: Plot) -> str:
    """A plot as an `<svg>` element; the same plot gives the same text.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    library = load_matplotlib()
    figures = importlib.import_module("matplotlib.figure")
    rows = len(plot.rows) * max(1.0, 0.55 * len(plot.series))
    height = 1.0 + ROW * rows if plot.kind == "intervals" else 3.4 if plot.wide else 2.7
    buffer = io.StringIO()
    with library.rc_context(STYLE), warnings.catch_warnings():
        # The browser draws the text, with fonts that have more than matplotlib's to measure with.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        # Without pyplot, which would look for a display.
        figure = figures.Figure(
            figsize=(WIDTH if plot.wide else BESIDE, height), layout="constrained"
        )
        axes = figure.subplots()
        axes.grid(visible=True)
        axes.set_axisbelow(True)
        handles = DRAWN[plot.kind](axes, plot)
        axes.set_xlabel(plot.x)
        axes.set_ylabel("" if plot.kind == "intervals" else plot.y)
        if "x" in plot.scale:
            axes.set_xscale("log")
        if "y" in plot.scale:
            axes.set_yscale("log")
        plain_ticks(axes, plot)
        if len(plot.series) > 1:
            names = [each.name for each in plot.series]
            columns = 3 if plot.wide else 2
            legend = figure.legend(
                handles, ["run"] * len(names), loc="outside upper left", ncols=columns
            )
            for text, name in zip(legend.get_texts(), names, strict=True):
                text.set_text(name)  # as a label it would be left out if it began with `_`
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return in_page(buffer.getvalue(), plot.name)


def color_and_mark(number: int) -> tuple[str, str]:
    """How a series looks; the first 64 all differ."""
    return SERIES[number % 8], MARKS[(number + number // 8) % 8]


def draw_line(axes: Any, plot: Plot) -> list[Any]:
    """A line for each series; the point that matters is a star."""
    handles = []
    for number, each in enumerate(plot.series):
        color, mark = color_and_mark(number)
        mark = mark if len(each.x) <= LINE else ""
        handles += axes.plot(each.x, each.y, color=color, marker=mark, markersize=3.5)
        if each.marked is not None:
            at = each.marked
            axes.plot([each.x[at]], [each.y[at]], "*", color=color, markersize=12)
    return handles


def draw_bars(axes: Any, plot: Plot) -> list[Any]:
    """A histogram."""
    (each,) = plot.series
    handle = axes.stairs(each.y, each.x, fill=True, color=SERIES[0])
    axes.set_ylim(bottom=0)
    if plot.dates:
        dates = importlib.import_module("matplotlib.dates")
        axes.xaxis_date()
        locator = dates.AutoDateLocator(minticks=3, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    return [handle]


def draw_points(axes: Any, plot: Plot) -> list[Any]:
    """A point for each series; those that matter have their names beside them."""
    handles = []
    middle = (min(s.x[0] for s in plot.series) + max(s.x[0] for s in plot.series)) / 2
    for number, each in enumerate(plot.series):
        (x,), (y,) = each.x, each.y
        color, mark = color_and_mark(number)
        handles += axes.plot([x], [y], mark, color=color, markersize=7)
        if each.marked is None:
            continue
        left = x > middle
        axes.annotate(
            each.name,
            (x, y),
            textcoords="offset points",
            xytext=(-7 if left else 7, 0),
            ha="right" if left else "left",
            va="center",
        )
    return handles


def draw_intervals(axes: Any, plot: Plot) -> list[Any]:
    """A row for each name, and in it a point with its interval for each series."""
    handles = []
    count = len(plot.series)
    overlapping = count > 1 and not any(
        all(math.isfinite(each.y[row]) for each in plot.series) for row in range(len(plot.rows))
    )
    for number, each in enumerate(plot.series):
        shift = 0.0 if count == 1 or overlapping else 0.5 * (number / (count - 1) - 0.5)
        known = [at for at, value in enumerate(each.y) if math.isfinite(value)]
        values = [each.y[at] for at in known]
        ends = [
            [each.y[at] - each.low[at] for at in known],
            [each.high[at] - each.y[at] for at in known],
        ]
        color, mark = color_and_mark(number)
        bar = axes.errorbar(
            values,
            [at + shift for at in known],
            xerr=[[max(0.0, end) for end in side] for side in ends],
            fmt=mark,
            color=color,
            markersize=5,
            capsize=2.5,
        )
        handles.append(bar)
    axes.set_yticks(range(len(plot.rows)), plot.rows)
    axes.set_ylim(len(plot.rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    return handles


DRAWN = {
    "line": draw_line,
    "bars": draw_bars,
    "points": draw_points,
    "intervals": draw_intervals,
}


def plain_ticks(axes: Any, plot: Plot) -> None:
    """Write the numbers of logarithmic axes out, and those of epochs whole."""
    ticker = importlib.import_module("matplotlib.ticker")
    for axis, letter in ((axes.xaxis, "x"), (axes.yaxis, "y")):
        if letter in plot.scale:
            low, high = axis.get_view_interval()
            between = (1.0, 2.0, 5.0) if high < FAR * low else (1.0,)
            axis.set_major_locator(ticker.LogLocator(subs=between, numticks=8))
            axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
            axis.set_minor_formatter(ticker.NullFormatter())
    if plot.kind == "line" and not plot.scale:
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
        if len({x for each in plot.series for x in each.x}) == 1:
            axes.set_xlim(plot.series[0].x[0] - 1, plot.series[0].x[0] + 1)
    if plot.kind == "bars" and not plot.scale:
        axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))


def in_page(svg: str, name: str) -> str:
    """An SVG file as an element of a page, with ids of its own and the page's colors and font."""
    svg = svg[svg.index("<svg") :]
    for unwanted in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style.*?</style>"):
        svg = re.sub(unwanted, "", svg, flags=re.DOTALL)

    def fitted(tag: re.Match[str]) -> str:
        text = re.sub(r"font-family: [^;\"]*;?", "", tag[0])
        for color, variable in VARIABLES.items():
            text = text.replace(color, variable)
        text = text.replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")
        return text.replace('xlink:href="#', f'href="#{name}-')

    svg = re.sub(r"<[^<>]+>", fitted, svg)
    size = re.search(r'viewBox="[^"]*"', svg)
    assert size is not None
    label = f'role="img" aria-labelledby="{name}-title {name}-alt"'
    return f"<svg {size[0]} {label}>{svg[svg.index('>') + 1 :]}"
