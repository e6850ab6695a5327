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


def test_columns_are_explained_and_none_is_empty(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = runner.invoke(app, ["recommend", "--user", "100", "--run", "good", "--why"])
    assert "score: orders one list, and is no probability" in result.stderr
    assert "why: items of the history, and by how much the score is lower" in result.stderr
    result = runner.invoke(app, ["recommend", "--user", "100", "--run", "good", "--json"])
    assert "score:" not in result.stderr
    monkeypatch.chdir(tmp_path)
    rows = [f"u{u},i{(u + t) % 7},{t}" for u in range(9) for t in range(5)]
    Path("log.csv").write_text("\n".join(["user,item,time", *rows]) + "\n")
    for command in (["prepare", "log.csv"], ["train", "--data", "log"]):
        assert runner.invoke(app, command).exit_code == 0
    result = runner.invoke(app, ["recommend", "--user", "u1", "--topk", "2", "--why"])
    _, header, *rows = result.stdout.splitlines()
    assert header.split() == ["rank", "item", "score", "why"]
    assert rows[0].split()[1].startswith("i")
    result = runner.invoke(app, ["similar", "--item", "i1", "--by", "transitions"])
    assert result.stdout.splitlines()[1].split() == ["rank", "item", "score"]
    assert "score: log probability" in result.stderr


@pytest.mark.parametrize(
    ("length", "said"), [(5, ""), (6, "1 earlier item; "), (9, "4 earlier items; ")]
)
def test_older_items_of_a_history_are_counted(runner: CliRunner, length: int, said: str) -> None:
    history = " ".join(str(1001 + number) for number in range(length))
    first = runner.invoke(app, ["recommend", "--history", history]).stdout.splitlines()[0]
    assert first.startswith(f"user new: {said}Title ")
