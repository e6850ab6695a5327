"""What a run was trained with counts wherever it is used, until somebody says otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from seqrec_cli import api
from seqrec_cli.app import app
from seqrec_cli.core.evaluation.report import EvaluationProtocol, Report

REPLAY = "\n".join(f"{u} {3 * (u % 2) + t % 3 + 1}" for u in range(1, 9) for t in range(9)) + "\n"
CONFIG = """\
data: replay
model: {hidden: 8, blocks: 1, heads: 1, max_length: 12}
training: {epochs: 6, batch_size: 8, validate_every: 3, lr: 0.02}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everybody plays three items in turn: ../shared/data/cases/repeat-consumption-validation."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "replay.txt").write_text(REPLAY)
    (tmp_path / "toy.yaml").write_text(CONFIG)
    return tmp_path


def said(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 and "--json" in arguments else result.stderr


def plain(*arguments: str) -> Any:
    return json.loads(said(*arguments, "--json"))


def trained() -> str:
    said("prepare", "replay.txt")
    return said("train", "--config", "toy.yaml", "--run", "one", "--device", "cpu")


def test_repeats_are_counted_and_are_no_density() -> None:
    manifest = plain("prepare", "replay.txt")
    assert manifest["density"] == pytest.approx(0.5)  # 3 of 6 items each
    assert manifest["repeats"] == pytest.approx(6 / 9)
    result = CliRunner().invoke(app, ["prepare", "replay.txt"])
    assert "66.67% of interactions repeat an item of the user's history" in result.stdout
    assert "150" not in result.stdout


def test_a_run_means_the_same_wherever_it_is_used() -> None:
    assert "seen items are included (training.seen: auto): 57.1% of the" in trained()
    kept = yaml.safe_load(Path("runs/one/experiment.yaml").read_text())
    assert kept["training"]["seen"] == "include"
    lines = [json.loads(line) for line in Path("runs/one/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["hr@10"] == 1

    report = plain("evaluate", "one", "--k", "3")
    assert report["seen"] == "include"
    assert report["unreachable_targets"] == 0
    assert plain("evaluate", "one", "--seen", "exclude")["unreachable_targets"] == 8
    assert plain("evaluate", "one", "--protocol", "sampled", "--no-baselines")["users"] == 8
    (row,) = plain("recommend", "--run", "one", "--user", "1", "--topk", "6")
    assert len(row["items"]) == 6
    (row,) = plain("recommend", "--run", "one", "--user", "1", "--topk", "6", "--seen", "exclude")
    assert len(row["items"]) == 3
    by_api = api.evaluate("one", protocol=EvaluationProtocol(ks=(3,)))
    assert isinstance(by_api, Report)
    assert by_api.plain()["figures"] == report["figures"]
    assert len(api.recommend("one", users=[1], k=6)[0]) == 6


def test_a_run_of_an_older_version_leaves_seen_items_out() -> None:
    trained()
    path = Path("runs/one/experiment.yaml")
    old = yaml.safe_load(path.read_text())
    del old["training"]["seen"]
    path.write_text(yaml.safe_dump(old, sort_keys=False))
    assert plain("evaluate", "one")["seen"] == "exclude"
    (row,) = plain("recommend", "--run", "one", "--user", "1", "--topk", "6")
    assert len(row["items"]) == 3


def test_runs_that_mean_different_things_are_not_compared_unasked() -> None:
    trained()
    path = Path("runs/one/experiment.yaml")
    said("train", "--config", "toy.yaml", "--run", "two", "--device", "cpu")
    path.write_text(path.read_text().replace("seen: include", "seen: exclude"))
    for command in ("evaluate", "compare"):
        message = said(command, "one", "two", code=1)
        assert "`one` was trained with `seen: exclude` and `two` with `seen: include`" in message
        assert "--seen" in message
        said(command, "one", "two", "--seen", "include")


def test_a_training_that_could_find_nothing_is_refused() -> None:
    said("prepare", "replay.txt")
    exclude = ["--set", "training.seen=exclude"]
    message = said("train", "--config", "toy.yaml", "--run", "one", *exclude, code=1)
    assert "every metric would be 0" in message
    assert "hint: train with `--set training.seen=include`" in message
