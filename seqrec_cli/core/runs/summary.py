"""What a grid of trainings comes to: means over seeds, paired tests, a table for a paper, and what
is needed to repeat it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from seqrec_cli.core.devices import choose_device
from seqrec_cli.core.evaluation.comparison import Difference, compare
from seqrec_cli.core.evaluation.groups import Spread, mean_outcomes, spreads_of
from seqrec_cli.core.evaluation.report import (
    EvaluationProtocol,
    Report,
    evaluate_each,
    make_report,
)
from seqrec_cli.core.experiment.grid import Grid, Trial
from seqrec_cli.core.runs.comparing import load_runs, settle_protocol
from seqrec_cli.core.runs.directory import RUNS
from seqrec_cli.core.runs.environment import versions
from seqrec_cli.core.runs.results import add_result, entries_of, in_track
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage import files, typesetting

SIGNIFICANT = 0.05


@dataclass(frozen=True, eq=False)
class Summary:
    """The trainings of a grid on one dataset.

    Attributes:
        spreads: by variant and metric, mean and standard deviation over seeds.
        differences: each variant minus each other, paired by user, corrected for all pairs and
            metrics.
    """

    data: str
    report: Report
    spreads: Mapping[str, Mapping[str, Spread]]
    differences: Sequence[Difference]

    def best(self, metric: str) -> str:
        """The variant with the best mean."""
        return max(self.spreads, key=lambda variant: self.spreads[variant][metric].mean)


def summarise_trials(
    data: str, trials: Sequence[Trial], metrics: Sequence[str], data_dir: Path, device: str
) -> Summary:
    """Evaluate the trainings on one dataset on its test part, keep the figures in the runs, and
    compare the variants.

    Raises:
        RunError, ConfigError, DatasetError: as `seqrec evaluate`.
    """
    runs = [Run.open(RUNS / trial.run) for trial in trials]
    ks = sorted({int(metric.partition("@")[2]) for metric in metrics})
    protocol = settle_protocol(EvaluationProtocol(ks=ks), runs)
    compared = load_runs(runs, data, data_dir, choose_device(device))
    outcomes = dict(evaluate_each(compared.dataset, compared.scorers, protocol, {}))
    report = make_report(compared.dataset, protocol, outcomes, [], {}, {})
    folders = {name: run.path for name, run in compared.runs.items()}
    for folder, entry in entries_of(report.plain(), {}, folders, compared.tracks):
        add_result(folder, entry)
    groups: dict[str, list[str]] = {}
    for trial, (name, track) in zip(trials, compared.tracks.items(), strict=True):
        groups.setdefault(in_track(trial.variant, track), []).append(name)
    spreads = spreads_of(report.figures, groups)
    differences = (
        compare(mean_outcomes(outcomes, groups), {}, metrics, protocol.seed)
        if len(groups) > 1
        else []
    )
    return Summary(data, report, spreads, differences)


def spread_text(spread: Spread) -> str:
    """A mean with its standard deviation."""
    return (
        f"{spread.mean:.4f}"
        if spread.deviation is None
        else f"{spread.mean:.4f} ± {spread.deviation:.4f}"
    )


def table_of(
    summaries: Sequence[Summary], metrics: Sequence[str]
) -> tuple[list[str], list[list[str]], set[tuple[int, int]]]:
    """A row for each variant and a column for each dataset and metric; and where the best are.

    A dagger marks what differs from the best of its column, p < 0.05 after correction.
    """
    columns = ["model", *(f"{each.data} {metric}" for each in summaries for metric in metrics)]
    variants = list(dict.fromkeys(variant for each in summaries for variant in each.spreads))
    rows, bold = [], set()
    for y, variant in enumerate(variants):
        row = [variant]
        for each in summaries:
            for metric in metrics:
                spread = each.spreads.get(variant, {}).get(metric)
                best = each.best(metric)
                worse = any(
                    {d.a, d.b} == {variant, best} and d.metric == metric and d.p < SIGNIFICANT
                    for d in each.differences
                )
                if variant == best:
                    bold.add((y, len(row)))
                row.append("-" if spread is None else spread_text(spread) + "†" * worse)
        rows.append(row)
    return columns, rows, bold


def statement(
    grid: Grid, trials: Sequence[Trial], summaries: Sequence[Summary], source: Path
) -> str:
    """What is needed to repeat it, as Markdown: versions, checksums, seeds, commands."""
    lines = ["# How to repeat this", "", f"`seqrec experiment {source}`", "", "## Versions", ""]
    lines += [f"- {name} {version}" for name, version in versions().items()]
    lines += [f"- threads {torch.get_num_threads()}", "", "## Data", ""]
    for each in summaries:
        dataset = each.report.dataset
        origin = dataset.manifest.get("source")
        path = origin.get("path") if isinstance(origin, dict) else None
        lines.append(
            f"- {each.data}: SHA-256 of the prepared dataset {dataset.sha256}, from `{path}`"
        )
    protocol = summaries[0].report.protocol
    lines += [
        *("", "## Protocol", ""),
        f"Test part, {protocol.kind} ranking, seen items {protocol.settled_seen}d; validation "
        "chose the best weights. Means and sample standard deviations over the seeds "
        f"{', '.join(map(str, grid.seeds))}. Differences are paired by user (means over seeds): "
        "bootstrap of 10,000 resamples, Holm's correction.",
        *("", "## Trainings", ""),
    ]
    for trial in trials:
        changes = " ".join(f"--set {override}" for override in trial.overrides)
        config = f"--config {trial.named_config} " if trial.named_config else ""
        lines.append(f"- `seqrec train {config}--data {trial.data} --run {trial.run} {changes}`")
    return "\n".join(lines) + "\n"


def write_summary(
    folder: Path,
    grid: Grid,
    trials: Sequence[Trial],
    summaries: Sequence[Summary],
    source: Path,
) -> list[Path]:
    """Write the tables, the numbers and the statement; returns the files."""
    columns, rows, bold = table_of(summaries, grid.metrics)
    content: dict[str, Any] = {
        each.data: {
            "figures": {
                variant: {metric: asdict(by_metric[metric]) for metric in grid.metrics}
                for variant, by_metric in each.spreads.items()
            },
            "differences": [asdict(difference) for difference in each.differences],
            "data_sha256": each.report.dataset.sha256,
        }
        for each in summaries
    }
    files.write_json(folder / "results.json", content)
    texts = {
        "table.tex": typesetting.as_latex(columns, rows, bold),
        "table.md": typesetting.as_markdown(columns, rows, bold),
        "reproducibility.md": statement(grid, trials, summaries, source),
    }
    for name, text in texts.items():
        files.write_text(folder / name, text)
    return [folder / name for name in ("results.json", *texts)]
