"""The main job on generated data whose best achievable figures are known exactly."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.conftest import ROOT

SETTINGS = {
    "model.dropout": 0.2,
    "model.hidden": 64,
    "training.loss": "softmax",
    "training.lr": 0.003,
    "training.batch_size": 32,
    "training.epochs": 15,
    "training.validate_every": 5,
    "training.patience": "null",
}


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def figures_after_training(name: str, data: str) -> dict[str, Any]:
    settings = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    config = str(ROOT / "configs" / "demo.yaml")
    run("train", "--config", config, "--data", data, "--run", name, *settings)
    return json.loads(run("evaluate", name, "--k", "10", "--json"))["figures"]  # type: ignore[no-any-return]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_sasrec_reaches_nine_tenths_of_the_ceiling(folder: Path) -> None:
    run("prepare", "demo")
    ceiling = json.loads((folder / "data" / "demo.json").read_text())["ceiling"]
    figures = figures_after_training("ordered", "demo")
    for metric in ("hr@10", "ndcg@10"):
        share = figures["ordered"][metric]["mean"] / ceiling[metric]
        assert 0.9 <= share <= 1.03, (metric, share)  # beyond the ceiling there is only luck
        assert figures["popularity"][metric]["mean"] < 0.25 * ceiling[metric]


@pytest.mark.slow
def test_with_the_order_destroyed_it_is_no_better_than_popularity(folder: Path) -> None:
    run("prepare", "demo", "--shuffle-order", "log", "--name", "dealt")
    figures = figures_after_training("dealt", "dealt")
    for metric in ("hr@10", "ndcg@10"):
        assert figures["dealt"][metric]["low"] <= figures["popularity"][metric]["high"]
        assert figures["dealt"][metric]["mean"] < 1.1 * figures["popularity"][metric]["mean"]
