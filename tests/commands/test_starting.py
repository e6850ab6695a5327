"""Beginning a training: what is said first, and what is refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app

CONFIG = """\
data: toy
model: {hidden: 8, blocks: 1, heads: 1, max_length: 12}
training: {epochs: 2, batch_size: 100, validate_every: 1}
"""


@pytest.fixture
def place(untrained: Path) -> Path:
    (untrained / "toy.yaml").write_text(CONFIG)
    return untrained


def test_says_what_it_trains_on_what_and_where_it_goes_on(runner: CliRunner, place: Path) -> None:
    result = runner.invoke(app, ["train", "--config", "toy.yaml", "--run", "a", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "training sasrec on toy: 200 users, 50 items, on cpu, into runs/a" in result.stderr
    again = ["train", "--resume", "a", "--set", "training.epochs=3", "--device", "cpu"]
    assert "resuming runs/a after epoch 2, step 0" in runner.invoke(app, again).stderr


def test_an_experiment_without_a_dataset_is_refused(runner: CliRunner, place: Path) -> None:
    (place / "toy.yaml").write_text(CONFIG.partition("\n")[2])
    result = runner.invoke(app, ["train", "--config", "toy.yaml"])
    assert result.exit_code == 1
    assert "names no dataset" in result.stderr
    assert not (place / "runs").exists()
