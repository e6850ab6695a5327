"""What is printed of ranking datasets and ranking runs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.commands.conftest import run


@pytest.fixture
def place(ranking_place: Path) -> Path:
    return ranking_place


def test_prepare_says_what_became_of_everything(runner: CliRunner, place: Path) -> None:
    arguments = ["prepare", "toy", "--task", "ranking", "--table", "toy/columns.yaml"]
    result = run(runner, *arguments)
    assert "300 rows of 300 users" in result.stdout
    assert "age (dense); city (sparse, 5 values); topics (tags, 4 values)" in result.stdout
    assert "there is no valid part" in result.stderr
    assert "hint: seqrec train --config dien --data toy" in result.stderr
    manifest = json.loads(run(runner, *arguments, "--json").stdout)
    assert manifest["task"] == "ranking"
    assert manifest == json.loads((place / "data" / "toy.json").read_text())


def test_evaluate_prints_every_metric_with_its_interval(runner: CliRunner, place: Path) -> None:
    run(runner, "train", "--config", "toy.yaml")
    run(runner, "train", "--config", "toy.yaml", "--set", "model={name: mlp}")
    result = run(runner, "evaluate", "toy-dien-1", "toy-mlp-1")
    for word in ("auc", "log_loss", "calibration_error", "predicted/observed", "item's rate"):
        assert word in result.stdout
    assert "toy-dien-1 minus toy-mlp-1" in result.stdout
    assert "150 users left out of gauc" in result.stderr
    assert "optimistic" not in result.stderr
    found = json.loads(run(runner, "evaluate", "toy-dien-1", "--json").stdout)
    figure = found["figures"]["toy-dien-1"]["auc"]
    assert figure["low"] < figure["mean"] < figure["high"]
    assert (found["rows"], found["stopped_on_the_test_part"]) == (150, [])
    assert "has no valid part" in run(runner, "evaluate", "--split", "valid", code=1).stderr
