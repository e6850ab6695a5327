"""What is printed of an evaluation: a column a scorer, a row a metric."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.commands.conftest import ask


@pytest.fixture(autouse=True)
def place(learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(learnt)
    return learnt


def test_shows_the_run_beside_the_baselines(runner: CliRunner) -> None:
    result = runner.invoke(app, ["evaluate", "good", "--k", "1,10"])
    assert result.exit_code == 0, result.output
    header, *rows = result.stdout.splitlines()
    assert header.split("  ")[0] == "metric"
    for name in ("good", "popularity", "recent popularity", "markov chain", "item neighbours"):
        assert name in header
    metrics = [row.split()[0] for row in rows]
    for name in ("hr", "ndcg", "mrr", "coverage"):
        assert {f"{name}@1", f"{name}@10"} <= set(metrics)
    assert not {"recall@10", "map@10", "precision@10"} & set(metrics)
    assert "recall = hr, map = mrr, precision = hr/k" in result.stderr
    assert "200 users, each target against all 50 items, seen ones excluded" in result.stderr


def test_json_holds_what_the_table_shows(runner: CliRunner) -> None:
    found = ask(runner, "evaluate", "good", "raw", "--k", "10")
    assert found["users"] == 200
    figures = found["figures"]
    assert figures["good"]["hr@10"]["mean"] > 0.9
    assert figures["markov chain"]["hr@10"]["mean"] > 0.9  # the cycle is a Markov chain
    assert figures["popularity"]["hr@10"]["mean"] < 0.6
    for by_metric in figures.values():
        for figure in by_metric.values():
            assert figure["low"] <= figure["mean"] <= figure["high"]
    (comparison,) = found["comparisons"]
    assert (comparison["run"], comparison["minus"]) == ("good", "raw")
    assert comparison["differences"]["ndcg@10"]["mean"] > 0
    assert comparison["differences"]["ndcg@10"]["p"] < 0.01


def test_sampled_figures_carry_another_name(runner: CliRunner) -> None:
    found = ask(runner, "evaluate", "good", "--protocol", "sampled", "--k", "10", "--no-baselines")
    assert set(found["figures"]) == {"good"}
    assert all(name.endswith("@10 (sampled 100)") for name in found["figures"]["good"])
    again = ask(runner, "evaluate", "good", "--protocol", "sampled", "--k", "10", "--no-baselines")
    assert again == found
