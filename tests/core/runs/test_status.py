"""What a run is: finished, running or interrupted; and which one is the latest."""

import json
import shutil
from pathlib import Path

import pytest

from seqrec_cli.core.runs.directory import find_run
from seqrec_cli.core.runs.listing import list_datasets, list_runs
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.runs.status import RunStatus, newer_unfinished, run_statuses
from seqrec_cli.errors import RunError


def interrupt(run: Path, epoch: int = 1, step: int = 1) -> None:
    """Make a finished run look as if it had been stopped."""
    (run / "finished.json").unlink()
    counters = json.loads((run / "last.json").read_text())
    (run / "last.json").write_text(json.dumps(counters | {"epoch": epoch, "step": step}))


def test_a_training_that_ended_is_finished_and_the_latest(place: Path) -> None:
    status = RunStatus(Path("runs/one"))
    assert status.state == "finished"
    assert status.in_words() == "finished"
    assert (status.model, status.data, status.epochs) == ("sasrec", "toy", 2)
    assert json.loads(Path("runs/one/finished.json").read_text())["epoch"] == 2
    assert find_run("latest") == Path("runs/one")


def test_a_run_of_an_older_version_is_finished_by_its_counters(place: Path) -> None:
    Path("runs/one/finished.json").unlink()
    assert RunStatus(Path("runs/one")).state == "finished"


def test_one_that_was_stopped_is_interrupted(place: Path) -> None:
    interrupt(Path("runs/one"))
    assert RunStatus(Path("runs/one")).in_words() == "interrupted in epoch 2 of 2"


def test_one_that_was_resumed_with_more_epochs_is_finished_when_they_are_done(place: Path) -> None:
    counters = json.loads(Path("runs/one/last.json").read_text())
    Path("runs/one/last.json").write_text(json.dumps(counters | {"epoch": 3}))
    experiment = Path("runs/one/experiment.yaml")
    experiment.write_text(experiment.read_text().replace("epochs: 2", "epochs: 9"))
    assert RunStatus(Path("runs/one")).in_words() == "interrupted in epoch 4 of 9"


def test_one_whose_lock_is_held_is_running(place: Path) -> None:
    with Run(Path("runs/one")).locked():
        assert RunStatus(Path("runs/one")).in_words() == "running: epoch 2 of 2"
    assert RunStatus(Path("runs/one")).state == "finished"


def test_damaged_files_are_told_apart(place: Path) -> None:
    Path("runs/one/manifest.json").write_text("[")
    assert RunStatus(Path("runs/one")).state == "damaged"


def test_newer_runs_that_have_not_ended_are_found(place: Path) -> None:
    shutil.copytree("runs/one", "runs/two")
    (Path("runs/two/manifest.json")).touch()
    interrupt(Path("runs/two"))
    assert [s.path.name for s in run_statuses()] == ["two", "one"]
    assert [s.path.name for s in newer_unfinished(find_run("latest"))] == ["two"]


def test_without_a_finished_run_the_newest_is_named(place: Path) -> None:
    Path("runs/latest").unlink()
    interrupt(Path("runs/one"))
    with pytest.raises(RunError, match="no run has finished yet: `runs/one`") as refused:
        Run.open(find_run("latest"))
    assert refused.value.hint == "go on with it: `seqrec train --resume runs/one`"


def test_lists_say_what_there_is(place: Path) -> None:
    (data,) = list_datasets(Path("data"))
    assert (data["name"], data["task"]) == ("toy", "next-item")
    assert data["bytes"] == Path("data/toy.npz").stat().st_size
    (run,) = list_runs()
    lines = [json.loads(x) for x in Path("runs/one/metrics.jsonl").read_text().splitlines()]
    assert run["best"] == max(line["ndcg@10"] for line in lines)
    assert (run["name"], run["latest"], run["status"]) == ("one", True, "finished")
