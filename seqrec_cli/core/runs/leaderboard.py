"""The results of all runs, side by side; read without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqrec_cli.core.runs.directory import RUNS
from seqrec_cli.core.runs.results import in_track, newest_results, rules_in_words
from seqrec_cli.core.runs.status import run_statuses
from seqrec_cli.errors import InputError

LOWER_IS_BETTER = ("log_loss", "calibration_error")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which results are listed.

    Attributes:
        data: the name of a dataset; None: all.
        split: the part that was predicted.
        protocol: full or sampled.
        metric: what they are sorted by, best first.
    """

    data: str | None = None
    split: str = "test"
    protocol: str = "full"
    metric: str = "ndcg@10"


@dataclass(frozen=True)
class Standing:
    """One result: the run, what it is, and its figures as in evaluations.jsonl."""

    run: str
    model: str
    data: str
    seed: Any
    entry: dict[str, Any]

    @property
    def checksum(self) -> str:
        return str(self.entry.get("data_sha256", ""))[:8]

    @property
    def scorer(self) -> str:
        """The run with its track, and what orders its candidates."""
        rerank, run = self.entry.get("rerank"), in_track(self.run, self.track)
        return f"{run} + {Path(str(rerank)).name}" if rerank else run

    @property
    def track(self) -> str:
        """What sets the result apart, such as rules; "": nothing."""
        parts = (str(self.entry.get("track") or ""), rules_in_words(self.entry))
        return ", ".join(filter(None, parts))

    def figure(self, metric: str) -> dict[str, float]:
        found = self.entry["figures"].get(metric)
        return found if isinstance(found, dict) else {}

    def plain(self, metrics: list[str]) -> dict[str, Any]:
        """The result as one row."""
        row: dict[str, Any] = {
            **{"run": self.scorer, "model": self.model, "data": self.data, "seed": self.seed},
            "data_sha256": self.entry.get("data_sha256"),
        }
        for metric in metrics:
            figure = self.figure(metric)
            row |= {metric: figure.get("mean")}
            row |= {f"{metric} {end}": figure.get(end) for end in ("low", "high")}
        kept = ("users", "split", "protocol", "seen", "targets", "index", "track", "seqrec", "at")
        return row | {key: self.entry.get(key) for key in kept}


def standings(asked: Asked, runs: Path = RUNS) -> list[Standing]:
    """The newest result of each run and protocol, the best first within each dataset and track.

    Raises:
        InputError: no run has a result of that kind; the message says what there is.
        RunError: a run's results are damaged.
    """
    everything = [
        Standing(status.path.name, status.model, status.data, status.experiment.get("seed"), entry)
        for status in run_statuses(runs)
        for entry in newest_results(status.path)
    ]
    found = [
        each
        for each in everything
        if asked.data in (None, each.data)
        and each.entry.get("split") == asked.split
        and each.entry.get("protocol", "full") == asked.protocol
        and each.figure(asked.metric)
    ]
    if not found:
        metrics = sorted({name for each in everything for name in each.entry["figures"]})
        datasets = sorted({each.data for each in everything})
        raise InputError(
            f"no run has a result by {asked.metric} on the {asked.split} part"
            + (f" of `{asked.data}`" if asked.data else ""),
            f"there are {', '.join(metrics)} on {', '.join(datasets)}: choose with --metric, "
            "--split and --data"
            if everything
            else "evaluate a run first: `seqrec evaluate RUN`",
        )
    sign = 1 if asked.metric.startswith(LOWER_IS_BETTER) else -1
    return sorted(
        found,
        key=lambda each: (
            *(each.data, each.checksum, each.track),
            sign * each.figure(asked.metric)["mean"],
        ),
    )
