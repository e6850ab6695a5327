"""Datasets and runs of earlier formats open, and give the figures that they gave."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden" / "version-1"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is a copy of the files of format 1."""
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def said(runner: CliRunner, *arguments: str) -> Any:
    result = runner.invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def means(runner: CliRunner, *arguments: str) -> dict[str, dict[str, float]]:
    figures = said(runner, "evaluate", *arguments, "--no-baselines")["figures"]
    return {
        run: {metric: figure["mean"] for metric, figure in metrics.items()}
        for run, metrics in figures.items()
    }


def test_runs_give_the_figures_that_they_gave(runner: CliRunner, golden: None) -> None:
    assert means(runner, "runs/two")["two"] == pytest.approx(EXPECTED["two"], rel=1e-6)
    assert means(runner, "runs/dien")["dien"] == pytest.approx(EXPECTED["dien"], rel=1e-5)
    both = means(runner, "runs/two", *["--rerank", "runs/dien", "--candidates", "10", "--k", "5"])
    assert both["two + dien"] == pytest.approx(EXPECTED["two + dien"], rel=1e-6)


def test_recommends_what_it_recommended(runner: CliRunner, golden: None) -> None:
    (row,) = said(runner, "recommend", "--run", "runs/two", "--user", "103")
    items, expected = row["items"], EXPECTED["recommended to 103"]
    assert [row["item"] for row in items] == [item for item, _ in expected]
    assert [row["score"] for row in items] == pytest.approx([s for _, s in expected], rel=1e-5)


def test_a_training_goes_on_as_it_would_have(runner: CliRunner, golden: None) -> None:
    arguments = ["train", "--resume", "runs/two", "--set", "training.epochs=4"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    expected = EXPECTED["two, resumed to 4 epochs"]
    assert means(runner, "runs/two")["two"] == pytest.approx(expected, rel=1e-6)
    result = runner.invoke(app, ["train", "--resume", "runs/dien", "--set", "training.epochs=2"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifest_version": 3, "seqrec_version": "9.1"}, "was made by seqrec 9.1"),
        ({"manifest_version": 99, "seqrec_version": None}, "was made by a newer seqrec"),
    ],
)
def test_a_dataset_of_a_newer_format_is_refused(
    runner: CliRunner, golden: None, change: dict[str, Any], message: str
) -> None:
    path = Path("data/next.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    result = runner.invoke(app, ["evaluate", "runs/two"])
    assert result.exit_code == 1
    assert message in result.stderr
    assert "hint: update seqrec" in result.stderr
