"""The main job on generated data whose best achievable figures are known exactly."""

import json
from pathlib import Path
from typing import Any

import numpy as np
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
    "training.epochs": 6,
    "training.validate_every": 3,
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


GROUPS, EACH, NEW = 5, 12, 2

TWO_TOWER = """
data: shop
model: {name: two_tower, history: {name: gru4rec, hidden: 16, max_length: 20}, output: 16,
        id_dropout: 0.2}
training: {loss: softmax, epochs: 30, lr: 0.01, batch_size: 32, validate_every: 10}
"""
SASREC = """
data: shop
model: {hidden: 16, max_length: 20, item_features: true, hide_ids: 0.2}
training: {loss: softmax, epochs: 30, lr: 0.01, batch_size: 32, validate_every: 10}
"""


@pytest.mark.parametrize("config", [TWO_TOWER, SASREC], ids=["two_tower", "sasrec"])
def test_items_that_nobody_has_yet_are_recommended_by_their_features(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    """Users stay in one of five groups of things; each has two new ones, known by colour alone."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    log = ["user,item,time"]
    for user in range(200):
        for time in range(10):
            log.append(f"u{user},g{user % GROUPS}n{random.integers(EACH)},{time}")
    things = ["item,colour"] + [
        f"g{group}n{number},colour {group}"
        for group in range(GROUPS)
        for number in range(EACH + NEW)
    ]
    Path("shop.csv").write_text("\n".join(log))
    Path("things.csv").write_text("\n".join(things))
    Path("two.yaml").write_text(config)
    for arguments in (
        ["prepare", "shop.csv", "--items-file", "things.csv", "--new-items"],
        ["train", "--config", "two.yaml"],
    ):
        result = runner.invoke(app, arguments)
        assert result.exit_code == 0, result.output
    # Users take some items twice, so that seen items would be recommended too.
    asked = ["recommend", "--topk", str(GROUPS * (EACH + NEW)), "--seen", "exclude", "--json"]
    asked += [word for user in range(40) for word in ("--user", f"u{user}")]
    result = runner.invoke(app, asked)
    assert result.exit_code == 0, result.output
    first_is_right = in_top_ten = 0
    for found in json.loads(result.stdout):
        group = int(found["user"][1:]) % GROUPS
        items = [row["item"] for row in found["items"]]
        new = [item for item in items if int(item.partition("n")[2]) >= EACH]
        assert len(new) == GROUPS * NEW
        first_is_right += all(item.startswith(f"g{group}n") for item in new[:NEW])
        in_top_ten += any(item in new for item in items[:10])
    assert first_is_right >= 36  # by chance 1 in 45 users
    assert in_top_ten >= 36
