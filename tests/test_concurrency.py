"""Several processes at once in one folder: what comes of it is right, or one is refused."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.index import load_index
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import Run
from tests.forked import Warm
from tests.workshop import LEFTOVER, TRAIN, files_in, finished, invoke

CORE = "seqrec_cli.core"


@pytest.fixture(scope="module")
def two(warm: Warm) -> Iterator[tuple[Warm, Warm]]:
    """Two processes that fork commands, one each at a time."""
    other = Warm()
    yield warm, other
    other.close()


def together(
    two: tuple[Warm, Warm], place: Path, folder: Path, commands: list[list[str]], phase: str = ""
) -> list[tuple[int, str]]:
    """Run two commands at once, resting at `phase`; how each ended, and what it said."""
    children = [
        warm.start(command, place, folder / str(number), phase)
        for number, (warm, command) in enumerate(zip(two, commands, strict=True))
    ]
    return [(child.wait(), child.stderr) for child in children]


def none_left(place: Path) -> bool:
    return not [path for path in files_in(place) if LEFTOVER.fullmatch(path)]


@pytest.mark.parametrize(
    "phase", ["", f"{CORE}.data.store:save_arrays", f"{CORE}.storage.files:move"]
)
def test_two_prepares_of_one_name_give_one_of_the_two(
    phase: str, two: tuple[Warm, Warm], place: Path, tmp_path: Path
) -> None:
    first = ["prepare", "log.txt", "--name", "new"]
    second = [*first, "--shuffle-order", "history"]
    allowed = []
    for command in (first, second):
        assert invoke(command).exit_code == 0
        allowed.append(SequenceDataset.load(place / "data" / "new.npz").manifest)
    for _ in range(1 if phase else 3):
        ends = together(two, place, tmp_path, [first, second], phase)
        assert [code for code, _ in ends] == [0, 0], ends
        assert SequenceDataset.load(place / "data" / "new.npz").manifest in allowed
        assert none_left(place)


def test_of_two_trainings_in_one_run_the_second_is_refused(
    two: tuple[Warm, Warm], place: Path, tmp_path: Path
) -> None:
    expected = finished(place)
    shutil.rmtree(place / "runs")
    ends = together(two, place, tmp_path, [TRAIN, TRAIN], f"{CORE}.training.sequential:train_epoch")
    assert sorted(code for code, _ in ends) == [0, 1], ends
    refusal = next(said for code, said in ends if code)
    assert "error: the run `runs/one` is being written by process " in refusal
    assert "hint: wait for it to end, or choose another `--run`" in refusal
    assert finished(place) == expected
    assert none_left(place)


def test_two_trainings_without_a_name_get_a_run_each(
    two: tuple[Warm, Warm], place: Path, tmp_path: Path
) -> None:
    expected = finished(place)
    shutil.rmtree(place / "runs")
    command = ["train", "--config", "toy.yaml", "--device", "cpu"]
    ends = together(two, place, tmp_path, [command, command], f"{CORE}.runs.directory:next_run")
    assert [code for code, _ in ends] == [0, 0], ends
    names = ["toy-sasrec-1", "toy-sasrec-2"]
    assert sorted(path.name for path in (place / "runs").iterdir()) == ["latest", *names]
    for name in names:
        (place / "runs" / name).rename(place / "runs" / "one")
        assert finished(place) == expected
        shutil.rmtree(place / "runs" / "one")


def test_recommending_during_a_training_gives_whole_weights_or_says_that_there_are_none(
    two: tuple[Warm, Warm], place: Path, tmp_path: Path
) -> None:
    shutil.rmtree(place / "runs")
    long = [*TRAIN, "--set", "training.epochs=100000"]
    training = two[0].start(long, place, tmp_path / "train")
    codes = []
    deadline = time.monotonic() + 60
    while codes.count(0) < 15 and time.monotonic() < deadline:
        result = invoke(["recommend", "--history", "1001", "--run", "one", "--json"])
        codes.append(result.exit_code)
        if result.exit_code:
            assert "there is no run" in result.stderr or "has no best weights" in result.stderr
        else:
            assert len(json.loads(result.stdout)[0]["items"]) == 8
            assert "damaged" not in result.stderr
    os.kill(training.pid, signal.SIGTERM)
    assert training.wait() == 128 + signal.SIGTERM
    assert codes.count(0) == 15


@pytest.mark.parametrize("phase", ["", f"{CORE}.inference.index:NeighbourIndex.to_bytes"])
def test_two_who_make_the_index_at_once_leave_one_that_counts(
    phase: str, two: tuple[Warm, Warm], place: Path, tmp_path: Path
) -> None:
    pytest.importorskip("usearch")
    ask = ["recommend", "--history", "1001", "--run", "one", "--index", "hnsw"]
    for _ in range(1 if phase else 3):
        for path in (place / "runs" / "one").glob("index.*"):
            path.unlink()
        ends = together(two, place, tmp_path, [ask, ask], phase)
        assert [code for code, _ in ends] == [0, 0], ends
        run = Run(place / "runs" / "one")
        _, made = load_index(run.path, load_scorer(run, torch.device("cpu")))
        assert not made
        assert none_left(place)


def test_a_dataset_can_be_read_while_it_is_prepared_anew(
    two: tuple[Warm, Warm], place: Path, tmp_path: Path
) -> None:
    shuffle = ["--shuffle-order", "history", "--seed"]
    commands = [["prepare", "log.txt", "--name", "new", *shuffle, seed] for seed in "12"]
    allowed = []
    for command in commands:
        assert invoke(command).exit_code == 0
        allowed.append(SequenceDataset.load(place / "data" / "new.npz").sha256)
    read = 0
    for command in commands * 3:
        child = two[0].start(command, place, tmp_path / "said")
        while not (tmp_path / "said" / "stderr").exists() or "done" not in child.stderr:
            assert SequenceDataset.load(place / "data" / "new.npz").sha256 in allowed
            read += 1
        assert child.wait() == 0
        (tmp_path / "said" / "stderr").unlink()
    assert read > 20
