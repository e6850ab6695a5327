"""Finding by an index, and reordering by a second run."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.commands.conftest import ask, run


@pytest.fixture(autouse=True)
def place(learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(learnt)
    return learnt


def test_an_index_gives_the_same_and_says_its_recall(runner: CliRunner) -> None:
    pytest.importorskip("usearch")
    asked = ["evaluate", "good", "--no-baselines", "--k", "10"]
    exact, found = ask(runner, *asked), ask(runner, *asked, "--index", "hnsw")
    assert found["figures"] == exact["figures"]  # 50 items: the index looks at all of them
    assert found["recall"] == {"good": 1.0}
    assert Path("runs/good/index.usearch").is_file()
    shown = runner.invoke(app, [*asked, "--index", "hnsw"])
    assert "good, hnsw: recall@10 1.0000 of the exact result" in shown.stderr
    wrong = runner.invoke(app, [*asked, "--index", "hnsw", "--protocol", "sampled"])
    assert wrong.exit_code == 2
    one = ["recommend", "--run", "good", "--user", "100"]
    (exact,), (found,) = ask(runner, *one), ask(runner, *one, "--index", "hnsw")
    for a, b in zip(exact["items"], found["items"], strict=True):
        assert a["item"] == b["item"]
        assert a["score"] == pytest.approx(b["score"], rel=1e-5)
    again = runner.invoke(app, [*one, "--index", "hnsw"])
    assert "hnsw: recall@10 1.0000 of the exact result, over 1 history" in again.stderr


def test_the_newest_run_that_finds_is_taken_where_the_latest_ranks(
    runner: CliRunner, two_stages: Path
) -> None:
    assert (two_stages / "runs" / "latest").resolve().name == "ranker"
    arguments = ["--user", "100", "--topk", "3", "--candidates", "6", "--rerank", "ranker"]
    result = run(runner, "recommend", *arguments)
    assert "6 candidates found by runs/finder, ordered by runs/ranker" in result.stderr
    assert "user 100" in result.stdout
    new = ["--history", "1003 1004", "--rerank", "ranker", "--topk", "3"]
    assert "user new" in run(runner, "recommend", *new).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["recommend", "--user", "100", "--candidates", "3"], 1, "3 candidates are fewer than"),
        (["recommend", "--user", "100", "--why"], 2, "leave out --rerank"),
        (["evaluate", "finder", "--protocol", "sampled"], 2, "--rerank is for --protocol full"),
        (["evaluate", "ranker"], 1, "ranks candidates and does not find any"),
    ],
)
def test_two_stages_explain_what_does_not_go_together(
    runner: CliRunner, two_stages: Path, arguments: list[str], code: int, message: str
) -> None:
    result = run(runner, *arguments, "--rerank", "ranker", code=code)
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_run_that_finds_cannot_rank(runner: CliRunner, two_stages: Path) -> None:
    said = run(runner, "recommend", "--user", "100", "--rerank", "finder", code=1).stderr
    assert "does not rank candidates" in said
