"""A dataset in one file and in shards: the same weights, figures and lists."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import Result

from seqrec_cli.core.data import lazy, sequences
from seqrec_cli.core.inference import scoring
from seqrec_cli.core.training import checks
from tests.small_log import SMALL, write
from tests.workshop import invoke

JOINED = ["--set", "transitions.lags=2", "--set", "training.final=true"]


def done(*arguments: str) -> Result:
    result = invoke([*arguments])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the log prepared as a file, and as 1 and 7 shards under other names."""
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sequences, "TAKEN_AT_ONCE", 10)  # as if the log were large
    done("prepare", "log.csv", "--name", "file")
    for count in ("1", "7"):
        done("prepare", "log.csv", "--name", f"of{count}", "--shards", count)
    return tmp_path


NAMES = ("file", "of1", "of7")


def test_weights_figures_and_lists_are_the_same(place: Path) -> None:
    (place / "users.txt").write_text("u3\nu1\nu7\n")
    weights, figures, lists = set(), set(), set()
    for name in NAMES:
        done("train", "--config", "toy.yaml", "--data", name, "--run", name, *SMALL, *JOINED)
        run = place / "runs" / name
        weights.add(b"".join((run / f"{w}.safetensors").read_bytes() for w in ("best", "final")))
        said = done("evaluate", name, "--json", "--device", "cpu").stdout
        figures.add(said.replace(name, "NAME"))
        done("recommend", name, "--users", "users.txt", "--output", f"{name}.csv")
        lists.add((place / f"{name}.csv").read_bytes())
    assert (len(weights), len(figures), len(lists)) == (1, 1, 1)
    assert len(next(iter(lists)).splitlines()) > 3


def test_nothing_is_read_as_a_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"u{u},i{(u + t) % 6},{t}" for u in range(200) for t in range(2 + u % 4)]
    (place / "many.csv").write_text("\n".join(["user,item,time", *rows, ""]))
    (place / "users.txt").write_text("u3\nu1\nu7\n")
    done("prepare", "many.csv", "--shards", "7")
    monkeypatch.setattr(sequences, "TAKEN_AT_ONCE", 300)  # more than of a batch, less than of all
    monkeypatch.setattr(scoring, "BATCH_SLOTS", 100)
    monkeypatch.setattr(lazy, "total_memory", lambda: 0)
    done("train", "--config", "toy.yaml", "--data", "many", "--run", "one", *SMALL)
    done("evaluate", "one", "--k", "5", "--no-baselines")
    done("recommend", "one", "--users", "users.txt", "--output", "lists.csv")
    done("recommend", "one", "--user", "u1", "--before", "valid")


def test_models_that_need_the_whole_are_refused_before_anything_is_done(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "total_memory", lambda: 300)
    train = ["train", "--config", "toy.yaml", "--run", "one", *SMALL, *JOINED]
    result = invoke([*train, "--data", "of7"])
    assert result.exit_code == 1
    assert "the transitions model that joins the network takes" in result.stderr
    assert "hint: leave it out: `--set transitions=null`" in result.stderr
    assert not (place / "runs" / "one").exists()


def test_a_run_goes_on_with_the_dataset_in_another_form(place: Path) -> None:
    done("train", "--config", "toy.yaml", "--data", "file", "--run", "one", *SMALL)
    told = done("evaluate", "one", "--json", "--data", "of7").stdout
    done("prepare", "log.csv", "--name", "file", "--shards", "3")
    assert not (place / "data" / "file.npz").exists()
    assert done("evaluate", "one", "--json").stdout == told.replace("of7", "file")
    done("train", "--resume", "one", "--set", "training.epochs=2", "--device", "cpu")


def test_they_are_listed_with_their_bytes(place: Path) -> None:
    listed = {each["name"]: each for each in json.loads(done("list", "--json").stdout)["datasets"]}
    assert set(listed) == set(NAMES)
    folder = place / "data" / "of7.shards"
    assert listed["of7"]["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert listed["of7"]["interactions"] == listed["file"]["interactions"]


def test_a_shard_that_is_gone_ends_every_command_in_a_sentence(place: Path) -> None:
    done("train", "--config", "toy.yaml", "--data", "of7", "--run", "one", *SMALL)
    sorted((place / "data" / "of7.shards").iterdir())[2].unlink()
    for command in (
        ["train", "--config", "toy.yaml", "--data", "of7", "--run", "two"],
        ["evaluate", "one"],
        ["recommend", "one", "--user", "u1"],
    ):
        result = invoke(command)
        assert result.exit_code == 1
        assert "is missing" in result.stderr
        assert "hint: copy the whole folder, or prepare it again" in result.stderr
    assert not (place / "runs" / "two").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--shards", "13"], 1, "12 users cannot be cut into 13 shards"),
        (["--shards", "0"], 2, "greater than or equal to 1"),
        (["--shards", "2", "--task", "ranking"], 2, "--shards is not for --task ranking"),
    ],
)
def test_what_cannot_be_in_shards_is_refused(
    place: Path, arguments: list[str], code: int, message: str
) -> None:
    shutil.rmtree(place / "data")
    result = invoke(["prepare", "log.csv", *arguments])
    assert result.exit_code == code
    assert message in result.stderr
    assert not list((place / "data").glob("*")) if (place / "data").exists() else True


def test_features_of_items_and_users_are_kept(place: Path) -> None:
    weights = set()
    for name, more in (("a", []), ("b", ["--shards", "5"])):
        done("prepare", "log.csv", "--name", name, "--items-file", "items.csv", *more)
        done("train", "--config", "two.yaml", "--data", name, "--run", name, *SMALL)
        weights.add((place / "runs" / name / "best.safetensors").read_bytes())
    assert len(weights) == 1
