"""A dataset prepared anew after the training: recommend goes on, others say what differs."""

import csv
from pathlib import Path

import pytest

from tests.workshop import invoke

CONFIG = """\
data: log
model: {hidden: 8, blocks: 1, heads: 1, max_length: 6}
training: {epochs: 2, batch_size: 8, validate_every: 1}
"""
USERS = [f"u{user}" for user in range(12)]


def write_log(extra: str = "") -> None:
    rows = [f"u{user},i{(user + t) % 6},{1000 * t + user}" for user in range(12) for t in range(5)]
    Path("log.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n" + extra)


@pytest.fixture(autouse=True)
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_log()
    Path("toy.yaml").write_text(CONFIG)
    for command in (["prepare", "log.csv"], ["train", "--config", "toy.yaml", "--run", "one"]):
        result = invoke(command)
        assert result.exit_code == 0, result.output


def recommended(*arguments: str) -> list[list[str]]:
    result = invoke(["recommend", "one", "--k", "3", *arguments])
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines() if line[:1].isdigit()]


def test_recommendations_are_those_of_the_history_by_the_items_ids() -> None:
    before = recommended("--user", "u3")
    # The first item is now another number, and one is new to the run.
    write_log("u3,a-new-one,90000\nzed,0,1\nzed,i1,2\nzed,i2,3\n")
    assert invoke(["prepare", "log.csv"]).exit_code == 0
    result = invoke(["recommend", "one", "--k", "3", "--user", "u3"])
    assert "`log` was prepared anew since the training" in result.stderr
    assert "without 1 interaction with items that the run does not know" in result.stderr
    assert recommended("--user", "u3") == before
    assert recommended("--history", "i3 i4 i5 i0 i1") == before


def test_evaluate_and_resume_say_what_differs() -> None:
    write_log("zed,i0,1\nzed,i1,2\nzed,i2,3\n")
    assert invoke(["prepare", "log.csv"]).exit_code == 0
    for command in (["evaluate", "one"], ["train", "--resume", "one"]):
        result = invoke(command)
        assert result.exit_code == 1
        assert "users were 12 and are 13; interactions were 60 and are 63" in result.stderr
        assert "`seqrec train --config runs/one/experiment.yaml --data log`" in result.stderr


def test_a_dataset_of_another_name_is_the_same_dataset() -> None:
    for suffix in (".npz", ".json"):
        Path(f"data/log{suffix}").rename(f"data/other{suffix}")
    missing = invoke(["recommend", "one", "--user", "u3"])
    assert missing.exit_code == 1
    assert "`seqrec recommend --history` needs no dataset" in missing.stderr
    result = invoke(["recommend", "one", "--user", "u3", "--data", "other"])
    assert result.exit_code == 0, result.output
    assert "prepared anew" not in result.stderr


def test_a_file_of_users_may_be_asked_for() -> None:
    Path("users.txt").write_text("\n".join(USERS))
    result = invoke(["recommend", "--run", "one", "--users", "users.txt", "--output", "r.csv"])
    assert result.exit_code == 0, result.output
    with Path("r.csv").open() as file:
        assert {row["user"] for row in csv.DictReader(file)} == set(USERS)


def test_a_run_named_twice_is_refused() -> None:
    result = invoke(["recommend", "one", "--run", "two", "--user", "u3"])
    assert result.exit_code == 2
    assert "leave one out" in result.stderr
