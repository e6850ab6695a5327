"""seqrec experiment: a grid is trained once, compared and written."""

import json
from pathlib import Path

import pytest

from tests.commands.test_evaluate_results import run
from tests.workshop import CONFIG

GRID = """\
data: [toy]
configs: [toy.yaml]
seeds: [0, 1]
set:
  training.lr: [0.01, 0.1]
metrics: [ndcg@5]
"""


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


def test_the_rules_may_choose_and_a_last_fit_is_named(place: Path) -> None:
    text = "data: [toy]\nconfigs: [chosen]\nset: {training.final: [true]}\nmetrics: [ndcg@5]\n"
    Path("rules.yaml").write_text(text)
    said = run("experiment", "rules.yaml")
    assert "the linear model alone" in said.stderr
    folder = Path("experiments/rules")
    figures = json.loads((folder / "results.json").read_text())["toy"]["figures"]
    assert list(figures) == ["chosen final=true (refitted on train + valid)"]
    statement = (folder / "reproducibility.md").read_text()
    command = "- `seqrec train --data toy --run rules-toy-chosen-final=true-seed0 --set"
    assert command in statement
