"""seqrec compare: whether one run is better than another, and for whom."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.commands.conftest import ask


@pytest.fixture(autouse=True)
def place(learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(learnt)
    return learnt


def test_compare_agrees_with_evaluate_and_looks_at_slices(runner: CliRunner) -> None:
    found = ask(runner, "compare", "good", "raw")
    expected = ask(runner, "evaluate", "good", "raw", "--k", "10", "--no-baselines")["comparisons"]
    for difference in found:
        assert (difference["a"], difference["b"]) == ("good", "raw")
        assert difference["low"] <= difference["mean"] <= difference["high"]
    overall = {d["metric"]: d for d in found if d["slice"] == "all users"}
    assert overall.keys() == {"ndcg@10", "hr@10"}
    for metric, difference in overall.items():
        assert difference["users"] == 200
        mean = expected[0]["differences"][metric]["mean"]
        assert difference["mean"] == pytest.approx(mean)
        assert difference["p"] < 0.01
    lengths = [d for d in found if d["slice"].startswith("history") and d["metric"] == "hr@10"]
    assert sum(d["users"] for d in lengths) == 200
    shown = runner.invoke(app, ["compare", "good", "raw", "--no-slices"])
    assert "good minus raw" in shown.stdout
    assert "2 comparisons" in shown.stderr


def test_compare_may_ask_about_every_position(runner: CliRunner) -> None:
    found = ask(runner, "compare", "good", "raw", "--targets", "all", "--no-slices")
    options = ("--targets", "all", "--k", "10", "--no-baselines")
    (expected,) = ask(runner, "evaluate", "good", "raw", *options)["comparisons"]
    for difference in found:
        figure = expected["differences"][difference["metric"]]
        assert difference["mean"] == pytest.approx(figure["mean"])


def test_compare_wants_two_runs(runner: CliRunner) -> None:
    assert runner.invoke(app, ["compare", "good"]).exit_code == 2
    twice = runner.invoke(app, ["compare", "good", "good"])
    assert twice.exit_code == 1
    assert "a run is named twice" in twice.stderr
