"""A run is complete, checked when it is read, and recommends without the dataset."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.resuming import resume
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import DatasetError, RunError
from tests.core.runs.conftest import EXPERIMENT


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("manifest.json", '{"items": 50}'),
        ("manifest.json", "[]"),
        ("metrics.jsonl", '{"loss": 1}\n'),
        ("metrics.jsonl", "3\n"),
    ],
)
def test_foreign_json_is_told(trained: tuple[Run, Training], file: str, content: str) -> None:
    run, training = trained
    (run.path / file).write_text(content)
    read = run.manifest if file == "manifest.json" else lambda: resume(run, training)
    with pytest.raises(RunError, match=file):
        read()


def test_the_dataset_is_found_from_the_runs_own_folder(
    trained: tuple[Run, Training], cycle_npz: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, _ = trained
    here = Run(run.path.resolve())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "toy.npz").write_bytes(cycle_npz.read_bytes())
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    assert here.find_data(None, Path("data")) == tmp_path / "data" / "toy.npz"
    (tmp_path / "data" / "toy.npz").unlink()
    with pytest.raises(DatasetError, match=r"is not at `data/toy\.npz`") as caught:
        here.find_data(None, Path("data"))
    assert "--data" in caught.value.hint
    assert here.find_data("x", Path("d")) == Path("d/x.npz")


def test_a_run_is_never_overwritten(trained: tuple[Run, Training], cycle: SequenceDataset) -> None:
    with pytest.raises(RunError, match="exists already") as caught:
        create_run(trained[0].path, EXPERIMENT, cycle, Path("x"), "cpu")
    assert "--resume" in caught.value.hint
