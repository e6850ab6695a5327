"""The datasets and runs that there are, with what their files say."""

import json
from pathlib import Path

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.listing import list_datasets, list_runs


def test_a_dataset_is_listed_with_its_counts(place: Path) -> None:
    (found,) = list_datasets(Path("data"))
    data = SequenceDataset.load(Path("data/toy.npz"))
    assert (found["name"], found["task"]) == ("toy", "next-item")
    assert found["users"] in (None, data.num_users)
    assert found["bytes"] == len(Path("data/toy.npz").read_bytes())


def test_a_run_is_listed_with_its_state_and_its_best(place: Path) -> None:
    (found,) = list_runs()
    assert (found["name"], found["data"], found["model"]) == ("one", "toy", "sasrec")
    assert (found["state"], found["latest"]) == ("finished", True)
    lines = [json.loads(line) for line in Path("runs/one/metrics.jsonl").read_text().splitlines()]
    best = max(lines, key=lambda line: line[found["metric"]])
    assert found["best"] == best[found["metric"]]
    assert found["best_epoch"] == best["epoch"]
    assert found["bytes"] == sum(len(p.read_bytes()) for p in Path("runs/one").iterdir())


def test_nothing_is_listed_where_there_is_nothing(tmp_path: Path) -> None:
    assert list(list_runs(tmp_path / "runs")) == []
    assert list(list_datasets(tmp_path / "data")) == []
