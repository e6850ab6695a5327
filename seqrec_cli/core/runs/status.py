"""Whether a run is finished, running or interrupted; read without torch, so that lists are quick.

A training that ends writes `finished.json`. It counts for the epoch and the step that it names: a
run that was resumed with more epochs or steps is finished again when they are done.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from seqrec_cli.core.data.store import NEXT_ITEM
from seqrec_cli.core.runs.directory import LATEST, LOCK, MANIFEST, RUNS
from seqrec_cli.core.runs.history import History
from seqrec_cli.core.settings.yaml import read_yaml
from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.errors import SeqRecError

FINISHED = "finished.json"
LAST = "last.json"

State = Literal["finished", "running", "interrupted", "not started", "damaged"]


@dataclass(frozen=True)
class RunStatus:
    """What can be said of a run without loading it.

    Attributes:
        path: its folder.
    """

    path: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Its manifest; empty if that is damaged."""
        return read_mapping(self.path / MANIFEST)

    @cached_property
    def experiment(self) -> dict[str, Any]:
        """Its experiment as plain values; empty if that is damaged."""
        with contextlib.suppress(OSError, UnicodeDecodeError, SeqRecError):
            path = self.path / "experiment.yaml"
            content = read_yaml(foreign.read_text(path), str(path), {})
            return content if isinstance(content, dict) else {}
        return {}

    @property
    def training(self) -> dict[str, Any]:
        part = self.experiment.get("training")
        return part if isinstance(part, dict) else {}

    @property
    def task(self) -> str:
        return str(self.manifest.get("task", NEXT_ITEM))

    @property
    def model(self) -> str:
        part = self.experiment.get("model")
        return str(part.get("name", "")) if isinstance(part, dict) else ""

    @property
    def reads_time(self) -> bool:
        """Whether any part of it reads when interactions were."""
        parts = (self.experiment.get(name) for name in ("model", "linear"))
        return any(isinstance(part, dict) and part.get("time") is True for part in parts)

    @property
    def data(self) -> str:
        """The name of the dataset that it was trained on."""
        return Path(str(self.manifest.get("data", ""))).stem

    @property
    def epochs(self) -> int:
        """The epochs that it is to have, at most."""
        return whole(self.training.get("epochs"))

    @cached_property
    def counters(self) -> dict[str, Any]:
        return read_mapping(self.path / LAST)

    @property
    def epoch(self) -> int:
        """The epochs that are over, as of its last checkpoint."""
        return whole(self.counters.get("epoch"))

    @cached_property
    def state(self) -> State:
        if not self.manifest or not self.experiment:
            return "damaged"
        if locks.is_held(self.path / LOCK):
            return "running"
        if self.has_ended():
            return "finished"
        return "interrupted" if self.counters else "not started"

    def has_ended(self) -> bool:
        """Whether its training went on to the end of its budget, or to where patience ran out."""
        if not self.counters:
            return False
        finished, step = read_mapping(self.path / FINISHED), whole(self.counters.get("step"))
        if (whole(finished.get("epoch"), -1), whole(finished.get("step"))) == (self.epoch, step):
            return True
        if step:
            return False
        # A run of an older version does not say: its counters do.
        patience = self.training.get("patience")
        impatient = isinstance(patience, int) and whole(self.counters.get("worse")) >= patience
        return self.epoch >= self.epochs > 0 or impatient

    @property
    def best(self) -> dict[str, Any]:
        """The line of the best validation so far; empty if there is none."""
        with contextlib.suppress(SeqRecError):
            return next((x for x in reversed(History(self.path).read()) if x.get("best")), {})
        return {}

    @property
    def metric(self) -> str:
        """The metric that validation picks the best weights by."""
        return str(self.training.get("metric", ""))

    def in_words(self) -> str:
        """Its state in words: "epoch 3 of 20" for a run that has not ended."""
        at = f"epoch {min(self.epoch + 1, self.epochs or self.epoch + 1)} of {self.epochs}"
        if self.state == "running":
            return f"running: {at}"
        return f"interrupted in {at}" if self.state == "interrupted" else self.state


def read_mapping(path: Path) -> dict[str, Any]:
    """A JSON object of a file; empty if there is none, or if it is damaged."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        content = foreign.read_json(path)
        return content if isinstance(content, dict) else {}
    return {}


def whole(value: Any, default: int = 0) -> int:
    """A whole number as read from a file, or the default."""
    return value if type(value) is int else default


def run_statuses(runs: Path = RUNS) -> Iterator[RunStatus]:
    """The runs in a folder, the newest first."""
    made = sorted(runs.glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime, reverse=True)
    yield from (RunStatus(path.parent) for path in made if path.parent.name != LATEST)


def write_finished(folder: Path, facts: dict[str, Any]) -> None:
    """Note that the training in `folder` has ended, and make it the latest."""
    files.write_json(folder / FINISHED, facts)
    if folder.parent == RUNS and folder.name != LATEST:
        files.point_link(RUNS / LATEST, folder.name)


def newer_unfinished(path: Path) -> list[RunStatus]:
    """Runs that began after the one at `path` and have not ended, the newest first."""
    name = path.resolve().name
    found: list[RunStatus] = []
    for status in run_statuses():
        if status.path.name == name:
            return found
        if status.state in ("running", "interrupted"):
            found.append(status)
    return found
