"""What evaluate keeps and remembers, the leaderboard, thresholds, and grids of trainings."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.evaluation import report as report_module
from tests.workshop import CONFIG, invoke

GRID = """\
data: [toy]
configs: [toy.yaml]
seeds: [0, 1]
set:
  training.lr: [0.01, 0.1]
metrics: [ndcg@5]
"""


def run(*arguments: str, code: int = 0) -> Any:
    result = invoke(list(arguments))
    assert result.exit_code == code, result.output
    return result


def test_evaluate_keeps_its_figures_and_the_leaderboard_lists_them(place: Path) -> None:
    told = json.loads(run("evaluate", "one", "--k", "10", "--json").stdout)
    (kept,) = map(json.loads, Path("runs/one/evaluations.jsonl").read_text().splitlines())
    assert kept["figures"] == told["figures"]["one"]
    assert kept["data_sha256"] == told["data_sha256"]
    run("evaluate", "one", "--k", "10")
    assert len(Path("runs/one/evaluations.jsonl").read_text().splitlines()) == 1
    mean = f"{told['figures']['one']['ndcg@10']['mean']:.4f}"
    assert mean in run("leaderboard").stdout
    assert mean in run("leaderboard", "--format", "markdown").stdout
    assert r"\begin{tabular}" in run("leaderboard", "--format", "latex").stdout
    (row,) = csv.DictReader(io.StringIO(run("leaderboard", "--format", "csv").stdout))
    assert (row["run"], float(row["ndcg@10"])) == ("one", told["figures"]["one"]["ndcg@10"]["mean"])
    assert json.loads(run("leaderboard", "--format", "json").stdout)[0]["data"] == "toy"
    refused = run("leaderboard", "--metric", "auc", code=1)
    assert "no run has a result by auc" in refused.stderr


def test_baselines_are_computed_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = json.loads(run("evaluate", "one", "--json").stdout)

    def computed(*_: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patched:
        patched.setattr(report_module, "fit_baselines", computed)
        assert json.loads(run("evaluate", "one", "--json").stdout) == first
        anew = invoke(["evaluate", "one", "--seed", "1"])  # another protocol
        assert isinstance(anew.exception, AssertionError)
    damaged = Path("data/.toy.baselines.json")
    damaged.write_text("{")
    assert json.loads(run("evaluate", "one", "--json").stdout) == first


def test_a_threshold_that_is_missed_fails(place: Path) -> None:
    run("evaluate", "one", "--fail-under", "ndcg@10=0")
    missed = run("evaluate", "one", "--fail-under", "ndcg@10=0.99", code=1)
    assert "error: ndcg@10 of one is" in missed.stderr
    assert "below 0.99" in missed.stderr
    assert "ndcg@10" in missed.stdout
    for wrong in ("ndcg@10", "=1", "ndcg@10=x", "log_loss=1"):
        refused = run("evaluate", "one", "--fail-under", wrong, code=1)
        assert refused.stdout == ""


def test_a_run_that_a_baseline_beats_is_told(place: Path) -> None:
    told = run("evaluate", "one", "--k", "5")
    figures = json.loads(run("evaluate", "one", "--k", "5", "--json").stdout)["figures"]
    own = figures.pop("one")["ndcg@5"]["mean"]
    best = max(figures, key=lambda name: figures[name]["ndcg@5"]["mean"])
    expected = own <= figures[best]["ndcg@5"]["mean"]
    assert (f"one is no better than {best}, which needs no training" in told.stderr) == expected


def test_a_grid_is_trained_once_compared_and_written(place: Path) -> None:
    Path("grid.yaml").write_text(GRID)
    Path("toy.yaml").write_text(CONFIG.replace("epochs: 2", "epochs: 1"))
    planned = run("experiment", "grid.yaml", "--dry-run").stdout
    assert planned.count("not started") == 4
    first = run("experiment", "grid.yaml")
    assert "mean ± standard deviation over seeds" in first.stdout
    assert first.stdout.count("p ") >= 1
    weights = {p: p.read_bytes() for p in Path("runs").glob("grid-*/best.safetensors")}
    assert len(weights) == 4
    again = run("experiment", "grid.yaml")
    assert again.stderr.count("finished already") == 4
    assert {p: p.read_bytes() for p in weights} == weights
    folder = Path("experiments/grid")
    latex = (folder / "table.tex").read_text()
    assert latex.count(r"\textbf") == 1
    assert latex.count(r"$\pm$") == 2
    found = json.loads((folder / "results.json").read_text())["toy"]
    (difference,) = found["differences"]
    means = {name: by_metric["ndcg@5"]["mean"] for name, by_metric in found["figures"].items()}
    expected = means[difference["a"]] - means[difference["b"]]
    assert difference["mean"] == pytest.approx(expected, abs=1e-12)
    statement = (folder / "reproducibility.md").read_text()
    assert statement.count("- `seqrec train --config toy.yaml --data toy --run grid-") == 4
    assert found["data_sha256"] in statement


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("configs: [demo]\n", "`data`: it is missing"),
        ("data: [a]\nconfigs: [demo]\nseed: [1]\n", "line 3: unknown key `seed`"),
        ("data: [a]\nconfigs: [demo]\nseeds: [1, one]\n", "line 3: `seeds`: `one` is not a whole"),
        ("data: [a, a]\nconfigs: [demo]\n", "line 1: `data`: must list each value once"),
        ("data: [a]\nconfigs: []\n", "line 2: `configs`"),
    ],
)
def test_a_grid_that_cannot_be_is_told(place: Path, text: str, message: str) -> None:
    Path("grid.yaml").write_text(text)
    refused = run("experiment", "grid.yaml", "--dry-run", code=1)
    assert message in refused.stderr
    assert "Traceback" not in refused.output


def test_short_forms_are_settings(place: Path) -> None:
    run("train", "--config", "toy.yaml", "--run", "two", "--seed", "7", "--epochs", "1")
    text = Path("runs/two/experiment.yaml").read_text()
    assert "seed: 7\n" in text
    assert "epochs: 1\n" in text
    refused = run("train", "--resume", "two", "--seed", "8", code=2)
    assert "--seed is for a new run" in refused.stderr
    run("train", "--resume", "two", "--epochs", "2")
