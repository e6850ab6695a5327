"""The datasets and runs that there are, with what is worth knowing of each; read without torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqrec_cli.core.data.store import (
    NEXT_ITEM,
    dataset_bytes,
    find_dataset,
    known_datasets,
    manifest_path,
)
from seqrec_cli.core.runs.directory import LATEST, RUNS
from seqrec_cli.core.runs.results import TIMED, in_track
from seqrec_cli.core.runs.status import read_mapping, run_statuses
from seqrec_cli.core.storage import files


def list_datasets(data_dir: Path) -> Iterator[dict[str, Any]]:
    """Each prepared dataset: name, task, users, items, interactions or rows, bytes, source."""
    for name in known_datasets(data_dir):
        path = find_dataset(name, data_dir)
        manifest = read_mapping(manifest_path(path))
        source = manifest.get("source")
        yield {
            "name": name,
            "task": manifest.get("task", NEXT_ITEM),
            "users": manifest.get("users"),
            "items": manifest.get("items"),
            "interactions": manifest.get("interactions", manifest.get("rows")),
            "bytes": dataset_bytes(path),
            "source": source.get("path") if isinstance(source, dict) else None,
        }


def list_runs(runs: Path = RUNS) -> Iterator[dict[str, Any]]:
    """Each run, the newest first: name, model, data, state, best validation, bytes."""
    latest = files.read_link(runs / LATEST).name
    for status in run_statuses(runs):
        best = status.best
        yield {
            "name": status.path.name,
            "latest": status.path.name == latest,
            "task": status.task,
            "model": in_track(status.model, TIMED if status.reads_time else ""),
            "data": status.data,
            "state": status.state,
            "epoch": status.epoch,
            "epochs": status.epochs,
            "status": status.in_words(),
            "metric": status.metric,
            "best": best.get(status.metric),
            "best_epoch": best.get("epoch"),
            "bytes": sum(p.stat().st_size for p in status.path.iterdir() if p.is_file()),
        }
