"""What evaluate does with its figures: keeps them, and fails where a run misses a threshold."""

import json
from pathlib import Path
from typing import Any

from tests.workshop import invoke


def run(*arguments: str, code: int = 0) -> Any:
    result = invoke(list(arguments))
    assert result.exit_code == code, result.output
    return result


def test_the_figures_are_kept_once(place: Path) -> None:
    told = json.loads(run("evaluate", "one", "--k", "10", "--json").stdout)
    (kept,) = map(json.loads, Path("runs/one/evaluations.jsonl").read_text().splitlines())
    assert kept["figures"] == told["figures"]["one"]
    assert kept["data_sha256"] == told["data_sha256"]
    run("evaluate", "one", "--k", "10")
    assert len(Path("runs/one/evaluations.jsonl").read_text().splitlines()) == 1


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
