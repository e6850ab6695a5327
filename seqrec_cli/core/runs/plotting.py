"""Plots of trainings: loss and validation metric by epoch, from a run's history.

As ASCII art for a terminal, or by matplotlib (the extra `plot`) as PNG or SVG.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage import files
from seqrec_cli.errors import InputError, MissingExtra, RunError

MARKS = "ox+*#@%&=~"  # of the runs, in their order
DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Curve:
    """A value of one run by epoch."""

    run: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """The same value of several runs.

    Attributes:
        best: for each curve the epoch whose weights were kept; None for the loss.
        unit: epoch, or step where all runs were validated by steps or minutes.
    """

    name: str
    curves: tuple[Curve, ...]
    best: tuple[int | None, ...]
    unit: str = "epoch"


def panels_of(runs: dict[str, Run]) -> list[Panel]:
    """A panel of the loss, and one for each metric that picks the best weights of a run.

    Raises:
        RunError: a run has no validation yet, or its history is damaged.
    """
    losses: list[Curve] = []
    by_metric: dict[str, list[tuple[Curve, int]]] = {}
    histories = {name: run.history.read() for name, run in runs.items()}
    by_step = all("step" in line for lines in histories.values() for line in lines)
    unit = "step" if by_step else "epoch"
    for name, run in runs.items():
        lines = histories[name]
        if not lines:
            raise RunError(
                f"the run `{run.path}` has no validation yet, so there is nothing to plot",
                f"resume it: `seqrec train --resume {run.path}`",
            )
        metric = run.any_experiment().training.metric
        epochs = tuple(line[unit] for line in lines)
        try:
            values = tuple(float(line[metric]) for line in lines)
            if any("loss" in line for line in lines):  # a model that is fitted has none
                losses.append(Curve(name, epochs, tuple(float(line["loss"]) for line in lines)))
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"`{run.history.path}` is damaged: a line has no number for {error}",
                "remove it: only the record of validations is lost, not the weights",
            ) from error
        best = max((line[unit] for line in lines if line.get("best")), default=epochs[-1])
        by_metric.setdefault(metric, []).append((Curve(name, epochs, values), best))
    panels = [Panel("loss", tuple(losses), (None,) * len(losses), unit)] if losses else []
    for metric, pairs in by_metric.items():
        curves, bests = zip(*pairs, strict=True)
        panels.append(Panel(f"validation {metric}", curves, bests, unit))
    return panels


def text_chart(panel: Panel, width: int = 72, height: int = 14) -> list[str]:
    """A panel as lines of ASCII characters: a mark for each run, and `!` at its best epoch."""
    width, height = max(width, 30), max(height, 4)
    values = np.concatenate([curve.values for curve in panel.curves])
    epochs = np.concatenate([curve.epochs for curve in panel.curves])
    low, high = float(values.min()), float(values.max())
    first, last = int(epochs.min()), int(epochs.max())
    labels = [f"{high:.4f}", f"{low:.4f}"]
    margin = max(map(len, labels))
    columns = width - margin - 2
    grid = [[" "] * columns for _ in range(height)]

    def place(epoch: int, value: float) -> tuple[int, int]:
        across = (epoch - first) / max(1, last - first)
        up = (value - low) / (high - low) if high > low else 0.5
        return height - 1 - round(up * (height - 1)), round(across * (columns - 1))

    for number, curve in enumerate(panel.curves):
        for epoch, value in zip(curve.epochs, curve.values, strict=True):
            row, column = place(epoch, value)
            grid[row][column] = MARKS[number % len(MARKS)]
    for curve, best in zip(panel.curves, panel.best, strict=True):
        if best in curve.epochs:
            row, column = place(best, curve.values[curve.epochs.index(best)])
            grid[row][column] = "!"
    lines = [panel.name]
    for row, cells in enumerate(grid):
        label = {0: labels[0], height - 1: labels[1]}.get(row, "")
        lines.append(f"{label:>{margin}} |{''.join(cells)}".rstrip())
    lines.append(f"{'':>{margin}} +{'-' * columns}")
    end = f"{panel.unit} {last}"
    lines.append(f"{'':>{margin}}  {first}{end:>{columns - len(str(first))}}")
    return lines


def legend(panels: Sequence[Panel]) -> list[str]:
    """The mark of each run, with its best value."""
    lines = []
    for panel in panels[1:]:
        for curve, best in zip(panel.curves, panel.best, strict=True):
            number = [c.run for c in panels[0].curves].index(curve.run)
            at = curve.epochs.index(best) if best in curve.epochs else -1
            lines.append(
                f"{MARKS[number % len(MARKS)]} {curve.run}: {panel.name} "
                f"{curve.values[at]:.4f} at {panel.unit} {curve.epochs[at]} (!)"
            )
    return lines


def check_picture(path: Path) -> None:
    """Refuse an unknown file extension, or a missing library, before any work is done.

    Raises:
        InputError: it is neither .png nor .svg.
        MissingExtra: matplotlib is not installed.
    """
    if path.suffix not in (".png", ".svg"):
        raise InputError(f"`{path}` ends in neither .png nor .svg", "use one of these extensions")
    load_matplotlib()


def load_matplotlib() -> Any:
    """matplotlib.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module("matplotlib")
    except ImportError:
        raise MissingExtra("matplotlib", "plot") from None


def drawable(name: str) -> str:
    """A name with the characters escaped that the font of pictures does not have."""
    manager = importlib.import_module("matplotlib.font_manager")
    font = manager.get_font(manager.findfont(manager.FontProperties()))
    return "".join(
        c if font.get_char_index(ord(c)) else c.encode("unicode_escape").decode() for c in name
    )


def draw(path: Path, panels: Sequence[Panel]) -> list[str]:
    """Write the panels side by side; the same panels give the same bytes.

    Returns the names of runs with characters that the font does not have, which are escaped.
    """
    library = load_matplotlib()
    figures = importlib.import_module("matplotlib.figure")
    ticker = importlib.import_module("matplotlib.ticker")
    runs = [curve.run for curve in panels[0].curves]  # a run has one color in all panels
    names = {run: drawable(run) for run in runs}
    with library.rc_context({"svg.hashsalt": "seqrec"}):
        # Without pyplot, which would look for a display.
        figure = figures.Figure(figsize=(5.5 * len(panels), 4), layout="constrained")
        for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
            lines = []
            for curve, best in zip(panel.curves, panel.best, strict=True):
                color = f"C{runs.index(curve.run) % 10}"
                lines += axes.plot(curve.epochs, curve.values, ".-", color=color)
                if best in curve.epochs:
                    value = curve.values[curve.epochs.index(best)]
                    axes.plot([best], [value], "*", color=color, markersize=13)
            axes.set_title(panel.name)
            axes.set_xlabel(panel.unit)
            axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
            legend = axes.legend(lines, ["run"] * len(lines))
            for text, curve in zip(legend.get_texts(), panel.curves, strict=True):
                text.set_parse_math(False)  # a `$` in a name is a `$`
                text.set_text(names[curve.run])
        kind = path.suffix[1:]
        metadata = {"Date": None} if kind == "svg" else {"Software": "seqrec"}
        with files.atomic_writer(path) as file:
            figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return [run for run in runs if names[run] != run]
