"""The protocol of GRU4Rec's authors, by the commands that its config shows, on a generated log."""

import csv
import itertools
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.conftest import ROOT

CONFIG = ROOT / "configs" / "gru4rec-session.yaml"
COMMANDS = [
    shlex.split(line.removeprefix("#   seqrec "))
    for line in CONFIG.read_text().splitlines()
    if line.startswith("#   seqrec ")
]
NUM_ITEMS, FOLLOWS = 30, 0.85
SMALL = ["--set", "training.negatives=20", "--set", "model.hidden=24", "--device", "cpu"]


def sessions(count: int = 400) -> str:
    """A log in the order of time: i0, i1, ..., i29, i0, ... is followed with probability 0.85."""
    random, rows = np.random.default_rng(0), ["session_id,item_id,timestamp"]
    time = 1_700_000_000
    for session in range(count):
        time += 1000
        item = int(random.integers(NUM_ITEMS))
        for step in range(int(random.integers(2, 8))):
            rows.append(f"s{session},i{item},{time + 20 * step}")
            other = int(random.integers(NUM_ITEMS))
            item = (item + 1) % NUM_ITEMS if random.random() < FOLLOWS else other
    rows += [f"late,{item},{time + 900 + n}" for n, item in enumerate(["i1", *["new"] * 5, "i2"])]
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the log, prepared and trained on as the config says."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "clicks.csv").write_text(sessions())
    (folder / "configs").symlink_to(ROOT / "configs")
    prepare, train, evaluate = COMMANDS[:3]
    assert [command[0] for command in COMMANDS[:3]] == ["prepare", "train", "evaluate"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        said = run(*prepare)
        assert "left out 1 of them, 5 interactions" in said
        assert "--config gru4rec-session --data clicks" in said
        run(*train, *SMALL)
        (folder / "said.json").write_text(run(*evaluate, "--json"))
    return folder


@pytest.fixture(autouse=True)
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout if "--json" in arguments else result.stderr


def held_out() -> dict[str, list[str]]:
    """The items of each test session, oldest first, by a loop over the log."""
    found: dict[str, list[str]] = {}
    for row in csv.DictReader(Path("clicks.csv").read_text().splitlines()):
        found.setdefault(row["session_id"], []).append(row["item_id"])
    last = list(found)[361:]  # of 401 sessions 360 end before the test part begins, and one at it
    test = {name: [i for i in found[name] if i != "new"] for name in list(found)[360:]}
    assert set(last) < set(test)
    return test


def test_every_position_of_the_last_sessions_is_evaluated() -> None:
    said = json.loads(Path("said.json").read_text())
    test = held_out()
    assert said["targets"] == "all"
    assert said["seen"] == "include"
    assert said["users"] == len(test)
    assert said["queries"] == sum(len(items) - 1 for items in test.values())
    best = FOLLOWS + (1 - FOLLOWS) / NUM_ITEMS
    (name,) = [name for name in said["figures"] if name.startswith("clicks-")]
    figures = said["figures"][name]
    assert figures["recall@20"]["mean"] > best
    one: Any = json.loads(run("evaluate", "--targets", "all", "--k", "1", "--json"))["figures"]
    pairs = [pair for items in test.values() for pair in itertools.pairwise(items)]
    followed = np.mean([b == f"i{(int(a[1:]) + 1) % NUM_ITEMS}" for a, b in pairs])
    assert one["markov chain"]["recall@1"]["mean"] == pytest.approx(followed)
    assert one[name]["recall@1"]["mean"] == pytest.approx(followed, abs=0.05)


def test_last_is_what_recommend_gives_before_the_test_part() -> None:
    test = held_out()
    Path("users.txt").write_text("\n".join(test) + "\n")
    run("recommend", "--users", "users.txt", "--before", "test", "--output", "out.csv")
    listed: dict[str, list[str]] = {}
    for row in csv.DictReader(Path("out.csv").read_text().splitlines()):
        listed.setdefault(row["user"], []).append(row["item"])
    places = [
        items.index(test[name][-1]) if test[name][-1] in items else None
        for name, items in listed.items()
    ]
    hits = np.mean([place is not None for place in places])
    reciprocal = np.mean([0 if place is None else 1 / (place + 1) for place in places])
    said = json.loads(run("evaluate", "--k", "10", "--no-baselines", "--json"))
    (figures,) = said["figures"].values()
    assert said["users"] == len(test)
    assert figures["hr@10"]["mean"] == pytest.approx(hits)
    assert figures["mrr@10"]["mean"] == pytest.approx(reciprocal)


def test_all_positions_are_said_and_written_by_user() -> None:
    said = run("evaluate", "--targets", "all", "--k", "5", "--no-baselines", "--per-user", "u.csv")
    assert "targets (every item with one before it)" in said
    assert "means are over all targets, intervals over users" in said
    rows = list(csv.DictReader(Path("u.csv").read_text().splitlines()))
    assert {row["user"]: int(row["targets"]) for row in rows} == {
        name: len(items) - 1 for name, items in held_out().items()
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--targets", "all", "--protocol", "sampled"], "--targets is for --protocol"),
        (["evaluate", "--targets", "all", "--rerank", "x"], "--targets is for one stage"),
        (["prepare", "clicks.csv", "--split", "sessions", "--task", "ranking"], "only for --task"),
        (["prepare", "clicks.csv", "--valid-from", "2023"], "for --split time or sessions"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_split_by_time_of_sessions_names_the_remedy() -> None:
    """../shared/data/cases/sessions-split-by-time."""
    whole = ["2023-11-19T00:00", "2023-11-19T10:00"]
    moments = ["--valid-from", whole[0], "--test-from", whole[1]]
    result = CliRunner().invoke(
        app, ["prepare", "clicks.csv", "--name", "cut", "--split", "time", *moments]
    )
    said = result.stderr
    assert "--split sessions" in said
    assert "did anything before it" in " ".join(said.split())
