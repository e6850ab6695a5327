"""What a command says of data that its model cannot use; each from a case of ../shared/data."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app

LOG = "user,item,time\n" + "".join(
    f"u{u},i{(u + t) % 6},{1_640_000_000 + 20_000_000 * t + u}\n"
    for u in range(12)
    for t in range(5)
)
ITEMS = "item,category\n" + "".join(f"i{i},c{i % 2}\n" for i in range(6))
SMALL = ["--set", "training.epochs=1", "--device", "cpu"]
CONFIG = """\
data: log
model: {hidden: 8, blocks: 1, heads: 1, max_length: 6}
training: {epochs: 1, batch_size: 8, validate_every: 1}
"""
TOWERS = """\
data: log
model: {name: two_tower, history: {name: gru4rec, hidden: 8}, output: 8}
training: {epochs: 1, batch_size: 8, validate_every: 1}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "log.csv": LOG,
        "items.csv": ITEMS,
        "toy.yaml": CONFIG,
        "two.yaml": TOWERS,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stderr


def test_features_that_the_model_does_not_read_are_said() -> None:
    run("prepare", "log.csv", "--items-file", "items.csv", "--min-value-count", "1")
    said = run("train", "--config", "toy.yaml", *SMALL)
    assert "sasrec does not read the features of `log` (items' category)" in said
    assert "two_tower does: `--config two-tower`" in said
    assert "does not read" not in run("train", "--config", "two.yaml", *SMALL)


def test_without_features_nothing_is_said_of_them() -> None:
    run("prepare", "log.csv")
    assert "does not read" not in run("train", "--config", "toy.yaml", *SMALL)


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
