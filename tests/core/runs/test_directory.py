"""A name is a run, a path is a path, and the newest run is followed by its link."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.directory import find_run, next_run
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.runs.status import write_finished
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import RunError
from tests.core.runs.conftest import EXPERIMENT


def test_latest_points_at_the_newest_that_is_finished(
    trained: tuple[Run, Training], cycle: SequenceDataset
) -> None:
    write_finished(Path("runs/one"), {"epoch": 2})
    assert Run.open(find_run("latest")).name == "one"
    create_run(Path("runs/two"), EXPERIMENT, cycle, Path("data/toy.npz"), "cpu")
    assert Run.open(find_run("latest")).name == "one"
    write_finished(Path("runs/two"), {"epoch": 2})
    assert Run.open(find_run("latest")).name == "two"
    assert next_run("toy", "sasrec") == Path("runs/toy-sasrec-1")


def test_a_name_is_a_run_and_a_path_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert find_run("here") == Path("runs/here")  # any folder is not a run
    (tmp_path / "here" / "manifest.json").write_text("{}")
    assert find_run("here") == Path("here")
    (tmp_path / "runs" / "here").mkdir(parents=True)
    assert find_run("here") == Path("runs/here")
    assert find_run("mine") == Path("runs/mine")
    assert find_run("./mine") == Path("mine")
    assert find_run("a/b") == Path("a/b")


def test_latest_is_no_name_for_a_run(cycle: SequenceDataset, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is the link to the newest finished run"):
        create_run(tmp_path / "latest", EXPERIMENT, cycle, Path("x"), "cpu")
    assert not (tmp_path / "latest").exists()


def test_no_run_names_those_there_are(trained: tuple[Run, Training]) -> None:
    with pytest.raises(RunError, match="there is no run `runs/three`") as caught:
        Run.open(find_run("three"))
    assert caught.value.hint == "the runs here are one"


def test_the_link_to_the_newest_is_followed_once(
    trained: tuple[Run, Training], cycle: SequenceDataset
) -> None:
    write_finished(Path("runs/one"), {"epoch": 2})
    opened = Run.open(find_run("latest"))
    create_run(Path("runs/two"), EXPERIMENT, cycle, Path("data/toy.npz"), "cpu")
    write_finished(Path("runs/two"), {"epoch": 2})
    assert opened.path == Path("runs/one")
    assert opened.checkpoints.best.exists()
