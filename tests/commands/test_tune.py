"""seqrec tune: a search, its table and its files."""

import json
import sys
from pathlib import Path

import pytest

from tests.commands.test_evaluate_results import run

SPACE = "model.hidden: [4, 8]\ntraining.lr: {low: 0.001, high: 0.1, log: true}\n"


@pytest.fixture(autouse=True)
def space(place: Path) -> None:
    pytest.importorskip("optuna")
    Path("space.yaml").write_text(SPACE)


def test_searches_goes_on_and_writes_the_best(place: Path) -> None:
    first = run("tune", "space.yaml", "--config", "toy.yaml", "--trials", "2", "--device", "cpu")
    assert "the test part is not read" in first.stderr
    assert "the first trial has the experiment's own settings" in first.stderr
    folder = Path("tunings/space-toy-toy")
    assert f"the best settings are in `{folder / 'best.yaml'}`" in first.stderr
    again = run("tune", "space.yaml", "--config", "toy.yaml", "--trials", "4", "--json")
    assert f"2 trials of before in `{folder}`" in again.stderr
    told = json.loads(again.stdout)
    assert told == json.loads((folder / "result.json").read_text())
    assert (told["trials"], told["split"]) == (4, "valid")
    text = (folder / "best.yaml").read_text()
    assert text.startswith("# The best of 4 trials of `seqrec tune`, by ndcg@10 of the valid part")
    trained = run("train", "--config", str(folder / "best.yaml"), "--run", "best")
    assert "runs/best" in trained.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "say how long"),
        (["--trials", "1", "--config", "nope"], 1, "there is no config `nope`"),
        (["--trials", "1", "--data", "nope"], 1, "there is no prepared dataset `data/nope.npz`"),
        (["--trials", "1", "--set", "model.hiden=3"], 1, "unknown setting `model.hiden`"),
    ],
)
def test_says_what_is_wrong(place: Path, arguments: list[str], code: int, message: str) -> None:
    config = [] if "--config" in arguments else ["--config", "toy.yaml"]
    refused = run("tune", "space.yaml", *config, *arguments, code=code)
    assert message in " ".join(refused.stderr.split())
    assert not Path("tunings").exists()


def test_a_bad_key_is_told_with_its_line(place: Path) -> None:
    Path("space.yaml").write_text("# what to try\nmodel.hiden: [4]\n")
    refused = run("tune", "space.yaml", "--config", "toy.yaml", "--trials", "1", code=1)
    assert "error: `space.yaml`, line 2: unknown setting `model.hiden`" in refused.stderr
    assert "hint: did you mean `model.hidden`?" in refused.stderr


def test_no_finished_trial_is_told(place: Path) -> None:
    more = ("--minutes", "0.01", "--set", "training.epochs=1000000")
    told = run("tune", "space.yaml", "--config", "toy.yaml", *more, code=1)
    assert "no trial was finished" in told.stderr


def test_names_what_is_missing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    refused = run("tune", "space.yaml", "--config", "toy.yaml", "--trials", "1", code=1)
    assert 'hint: pip install "optuna>=4.2"' in refused.stderr
