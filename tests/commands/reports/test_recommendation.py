"""What is printed of recommendations, and of their reasons."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.commands.conftest import ask


@pytest.fixture(autouse=True)
def place(learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(learnt)
    return learnt


def test_recommendations_carry_history_ids_and_titles(runner: CliRunner) -> None:
    result = runner.invoke(app, ["recommend", "--user", "100", "--run", "good", "--topk", "3"])
    assert result.exit_code == 0, result.output
    first, header, *rows = result.stdout.splitlines()
    assert first.startswith("user 100: ")
    assert "earlier items; Title " in first
    assert header.split() == ["rank", "item", "title", "score"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert "Title" in rows[0]


def test_why_names_the_items_that_carried_a_recommendation(runner: CliRunner) -> None:
    def score(history: str) -> float:
        arguments = ["--history", history, "--topk", "50", "--seen", "include"]
        (found,) = ask(runner, "recommend", *arguments)
        return next(item["score"] for item in found["items"] if item["item"] == 1006)

    arguments = ["--history", "1003 1004 1005", "--topk", "1", "--why"]
    (found,) = ask(runner, "recommend", *arguments)
    reasons = found["items"][0]["why"]
    influences = [reason["influence"] for reason in reasons]
    assert influences == sorted(influences, reverse=True)
    without = {1003: "1004 1005", 1004: "1003 1005", 1005: "1003 1004"}
    for reason in reasons:
        owed = score("1003 1004 1005") - score(without[reason["item"]])
        assert reason["influence"] == pytest.approx(owed, abs=1e-3)
    result = runner.invoke(app, ["recommend", *arguments])
    first = reasons[0]["item"]
    assert f"Title {first - 1000} ({first + 1000}) [{first}] +" in result.stdout


def test_fewer_candidates_give_a_shorter_list_and_a_note(runner: CliRunner) -> None:
    history = " ".join(str(1000 + i) for i in range(1, 49))
    result = runner.invoke(app, ["recommend", "--history", history, "--topk", "5"])
    assert "note: only 2 items were left to recommend to new" in result.stderr
    assert len(result.stdout.splitlines()) == 2 + 2
    included = ask(runner, "recommend", "--history", history, "--topk", "5", "--seen", "include")
    assert len(included[0]["items"]) == 5
