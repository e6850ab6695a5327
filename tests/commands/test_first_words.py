"""What a command says of data that its model cannot use."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.small_log import SMALL, run

pytestmark = pytest.mark.usefixtures("small_log")


@pytest.mark.parametrize("users", [1, 2])
@pytest.mark.parametrize("split", ["user", "time", "leave-one-out"])
def test_ranking_rows_of_one_or_two_users_are_made_or_refused(users: int, split: str) -> None:
    rows = [f"u{u},i{t % 4},{t % 5 + 1},{100 + 10 * t + u}" for u in range(users) for t in range(3)]
    Path("two.csv").write_text("user,item,rating,time\n" + "\n".join(rows) + "\n")
    result = CliRunner().invoke(app, ["prepare", "two.csv", "--task", "ranking", "--split", split])
    assert result.exit_code in (0, 1), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code == 0 or "error: " in result.stderr


def test_a_year_is_a_moment() -> None:
    """The log goes from December 2021 to July 2024."""
    said = run(
        "prepare", "log.csv", "--split", "time", "--valid-from", "2023", "--test-from", "2024"
    )
    assert "done" in said
    split = json.loads(Path("data/log.json").read_text())["split"]
    assert (split["valid_from"], split["test_from"]) == (1_672_531_200, 1_704_067_200)


def test_recommend_says_that_a_ranking_run_finds_nothing() -> None:
    rated = [
        f"u{u},i{(u + t) % 6},{(u + t) % 5 + 1},{100 * t + u}" for u in range(20) for t in range(6)
    ]
    Path("rated.csv").write_text("user,item,rating,time\n" + "\n".join(rated) + "\n")
    run("prepare", "rated.csv", "--task", "ranking", "--min-value-count", "1")
    Path("rank.yaml").write_text("data: rated-ranking\nmodel: {name: logistic}\n")
    run("train", "--config", "rank.yaml", "--run", "r1", *SMALL)
    said = run("recommend", "--run", "r1", "--user", "u1", code=1)
    assert "the run `runs/r1` ranks candidates and does not find any" in said
    assert "--rerank" in said
