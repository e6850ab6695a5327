"""A folder with runs that have learnt the cycle, in which commands are tried."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.commands.test_train import CONFIG
from tests.core.data.ranking.conftest import log  # noqa: F401
from tests.core.data.ranking.toy import toy_folder

RANKING = """\
data: toy
model: {name: dien, embedding: 8}
training: {epochs: 4, lr: 0.01}
"""


@pytest.fixture
def untrained(cycle_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the dataset `toy` and no run, which is where commands run."""
    copy_dataset(cycle_npz, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copy_dataset(dataset: Path, folder: Path) -> None:
    (folder / "data").mkdir()
    for file in (dataset, dataset.with_suffix(".json")):
        (folder / "data" / file.name).write_bytes(file.read_bytes())


@pytest.fixture(scope="session")
def learnt(cycle_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset and two runs: `good` has learnt it, `raw` has hardly begun."""
    folder = tmp_path_factory.mktemp("place")
    copy_dataset(cycle_npz, folder)
    (folder / "toy.yaml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, epochs in (("raw", 1), ("good", 40)):
            arguments = ["--run", name, "--set", f"training.epochs={epochs}"]
            result = CliRunner().invoke(app, ["train", "--config", "toy.yaml", *arguments])
            assert result.exit_code == 0, result.output
    return folder


def ask(runner: CliRunner, *arguments: str) -> dict:
    result = runner.invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def run(runner: CliRunner, *arguments: str, code: int = 0) -> Any:
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def ranking_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: CliRunner) -> Path:
    """A folder with a prepared ranking dataset and an experiment, which is where commands run."""
    monkeypatch.chdir(tmp_path)
    toy_folder(tmp_path / "toy", users=300)
    (tmp_path / "toy.yaml").write_text(RANKING)
    run(runner, "prepare", "toy", "--task", "ranking", "--table", "toy/columns.yaml")
    return tmp_path


@pytest.fixture
def two_stages(
    log: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runner: CliRunner,
) -> Path:
    """A retrieval run and a ranking run of the same log."""
    monkeypatch.chdir(tmp_path)
    files = [
        "--users-file",
        str(log.parent / "people.csv"),
        "--items-file",
        str(log.parent / "things.csv"),
        "--min-value-count",
        "1",
    ]
    run(runner, "prepare", str(log), "--name", "seq")
    ranking = ["--task", "ranking", "--split", "leave-one-out", "--rows-per-user", "0"]
    run(runner, "prepare", str(log), "--name", "rows", *ranking, *files)
    (tmp_path / "seq.yaml").write_text(
        "data: seq\nmodel: {hidden: 8, max_length: 12}\ntraining: {epochs: 2, validate_every: 1}\n"
    )
    (tmp_path / "rows.yaml").write_text(RANKING.replace("toy", "rows"))
    run(runner, "train", "--config", "seq.yaml", "--run", "finder")
    run(runner, "train", "--config", "rows.yaml", "--run", "ranker")
    return tmp_path
