"""The trade of accuracy against coverage and popularity: a point for each evaluation under rules.

Evaluations are those that `evaluate` has kept in the runs. As ASCII art for a terminal, or by
matplotlib (the extra `plot`) as PNG or SVG.
"""

import importlib
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seqrec_cli.core.runs.plotting import DOTS_PER_INCH, drawable, load_matplotlib
from seqrec_cli.core.runs.results import newest_results, rules_in_words
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage import files
from seqrec_cli.errors import ConfigError, InputError

ACCURACY, COVERAGE, POPULARITY = "ndcg", "coverage", "popularity rank"
USUAL_K = 10
LABELS = string.ascii_lowercase + string.ascii_uppercase
WIDTH, HEIGHT = 72, 14


@dataclass(frozen=True)
class TradePoint:
    """An evaluation: of which run, under which rules (as typed; "": none), and its figures.

    Attributes:
        accuracy: the mean, and the ends of its 95 % interval.
    """

    run: str
    rules: str
    accuracy: tuple[float, float, float]
    coverage: float
    popularity: float


@dataclass(frozen=True)
class Trade:
    """The points of runs on a part of a dataset, with lists of k items."""

    points: tuple[TradePoint, ...]
    data: str
    part: str
    k: int

    def panels(self) -> tuple[tuple[str, list[float]], ...]:
        """What accuracy is held against, and its value of each point."""
        return (
            (f"{COVERAGE}@{self.k}", [point.coverage for point in self.points]),
            (f"{POPULARITY}@{self.k}", [point.popularity for point in self.points]),
        )


def trade_of(runs: Mapping[str, Run], part: Literal["valid", "test"]) -> Trade:
    """The newest evaluations of runs under each of their rules.

    Raises:
        ConfigError: the runs were trained on different datasets.
        InputError: a run has not been evaluated on that part by full ranking.
        RunError: its evaluations are damaged.
    """
    datasets = {run.manifest()["data_sha256"] for run in runs.values()}
    if len(datasets) > 1:
        raise ConfigError(
            f"the runs {', '.join(runs)} were trained on different datasets",
            "draw each with its own command",
        )
    kept: dict[str, list[dict[str, Any]]] = {}
    for name, run in runs.items():
        kept[name] = [each for each in newest_results(run.path) if is_point(each, part, datasets)]
        if not kept[name]:
            raise InputError(
                f"the run `{run.path}` has no evaluation on the {part} part to draw",
                f"evaluate it: `seqrec evaluate {run.path} --split {part}`, and again with rules, "
                "such as `--popularity-penalty 0.5`",
            )
    entries = [each for own in kept.values() for each in own]
    k = common_length(entries)
    points = tuple(point_of(name, each, k) for name, own in kept.items() for each in own)
    return Trade(points, str(entries[0].get("data", "")), part, k)


def is_point(entry: Mapping[str, Any], part: str, datasets: set[str]) -> bool:
    """Whether an evaluation belongs into the picture: of one stage, one set of targets."""
    return (
        entry.get("split") == part
        and entry.get("protocol") == "full"
        and entry.get("targets", "last") == "last"
        and entry.get("data_sha256") in datasets
        and not any(entry.get(key) for key in ("rerank", "sample_users", "track"))
        and entry.get("index", "exact") == "exact"
        and bool(lengths_of(entry))
    )


def lengths_of(entry: Mapping[str, Any]) -> set[int]:
    """For which lengths of lists an evaluation has all three figures."""
    figures = entry["figures"]
    return {
        int(name.partition("@")[2])
        for name in figures
        if name.startswith(f"{ACCURACY}@")
        and name.partition("@")[2].isdigit()
        and all(f"{kind}@{name.partition('@')[2]}" in figures for kind in (COVERAGE, POPULARITY))
    }


def common_length(entries: Sequence[Mapping[str, Any]]) -> int:
    """The length of lists that all evaluations have: 10, or else the shortest.

    Raises:
        InputError: there is none.
    """
    shared = set.intersection(*map(lengths_of, entries))
    if not shared:
        raise InputError(
            "the evaluations have no length of lists in common",
            f"evaluate again with one for all of them: `--k {USUAL_K}`",
        )
    return USUAL_K if USUAL_K in shared else min(shared)


def point_of(run: str, entry: Mapping[str, Any], k: int) -> TradePoint:
    """An evaluation as a point."""
    figures = entry["figures"]
    accuracy = figures[f"{ACCURACY}@{k}"]
    return TradePoint(
        run,
        rules_in_words(entry),
        (float(accuracy["mean"]), float(accuracy["low"]), float(accuracy["high"])),
        float(figures[f"{COVERAGE}@{k}"]["mean"]),
        float(figures[f"{POPULARITY}@{k}"]["mean"]),
    )


def letter_of(number: int) -> str:
    """The letter of a point."""
    return LABELS[number % len(LABELS)]


def scatter(trade: Trade, values: Sequence[float], title: str) -> list[str]:
    """Accuracy (up) against `values` (across) as lines of ASCII characters, a letter a point."""
    heights = [point.accuracy[0] for point in trade.points]
    low, high, first, last = min(heights), max(heights), min(values), max(values)
    labels = [f"{high:.4f}", f"{low:.4f}"]
    margin = max(map(len, labels))
    columns = WIDTH - margin - 2
    grid = [[" "] * columns for _ in range(HEIGHT)]
    for number, (value, height) in enumerate(zip(values, heights, strict=True)):
        across = (value - first) / (last - first) if last > first else 0.5
        up = (height - low) / (high - low) if high > low else 0.5
        row, column = HEIGHT - 1 - round(up * (HEIGHT - 1)), round(across * (columns - 1))
        grid[row][column] = letter_of(number) if grid[row][column] == " " else "*"
    lines = [title]
    for row, cells in enumerate(grid):
        label = {0: labels[0], HEIGHT - 1: labels[1]}.get(row, "")
        lines.append(f"{label:>{margin}} |{''.join(cells)}".rstrip())
    lines.append(f"{'':>{margin}} +{'-' * columns}")
    left, right = f"{first:.4g}", f"{last:.4g}"
    lines.append(f"{'':>{margin}}  {left}{right:>{columns - len(left)}}")
    return lines


def draw_trade(path: Path, trade: Trade) -> None:
    """Write both panels side by side, with 95 % intervals; the same points give the same bytes."""
    library = load_matplotlib()
    figures = importlib.import_module("matplotlib.figure")
    names = list(dict.fromkeys(point.run for point in trade.points))
    with library.rc_context({"svg.hashsalt": "seqrec"}):
        rows = len(trade.points)
        figure = figures.Figure(figsize=(11, 4 + 0.22 * rows), layout="constrained")
        for axes, (title, values) in zip(figure.subplots(1, 2), trade.panels(), strict=True):
            for number, (point, value) in enumerate(zip(trade.points, values, strict=True)):
                mean, low, high = point.accuracy
                axes.errorbar(
                    [value],
                    [mean],
                    yerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]],
                    fmt="o",
                    color=f"C{names.index(point.run) % 10}",
                    elinewidth=0.8,
                    alpha=0.9,
                )
                at = {"xytext": (6, 3), "textcoords": "offset points"}
                axes.annotate(letter_of(number), (value, mean), **at)
            axes.set_xlabel(title)
            axes.set_ylabel(f"{ACCURACY}@{trade.k}")
            axes.grid(alpha=0.3)
        figure.suptitle(f"{drawable(trade.data)}, {trade.part} part", parse_math=False)
        text = "\n".join(drawable(line) for line in points_in_words(trade))
        figure.supxlabel(text, fontsize=9, ha="left", x=0.02, parse_math=False)
        kind = path.suffix[1:]
        metadata = {"Date": None} if kind == "svg" else {"Software": "seqrec"}
        with files.atomic_writer(path) as file:
            figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)


def points_in_words(trade: Trade) -> list[str]:
    """What each letter is: the run, and its rules."""
    return [
        f"{letter_of(number)}  {point.run}: {point.rules or 'no rule'}"
        for number, point in enumerate(trade.points)
    ]
