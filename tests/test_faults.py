"""Whatever happens at whichever step of a write: each file is the old one or the new one, whole.

Each test counts the steps of a write once, and then has each of them that tells something fail or
kill; all of them, and a training with every fault at each, where SEQREC_FUZZ is set.
"""

import errno
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import Run
from tests.faults import Killed, disk_of
from tests.hostile import CASES
from tests.workshop import LEFTOVER, TRAIN, files_in, finished, go_on, invoke

ERRORS = [errno.ENOSPC, errno.EIO, errno.EACCES]


def afresh(origin: Path, place: Path) -> None:
    os.chdir(place.parent)
    shutil.rmtree(place)
    shutil.copytree(origin, place, symlinks=True)
    os.chdir(place)


@dataclass(frozen=True)
class Write:
    """A command that writes, and how what it wrote is read."""

    command: list[str]
    output: str
    read: Callable[[Path], Any] = Path.read_bytes
    needs: str = "numpy"


def read_dataset(path: Path) -> Any:
    data = SequenceDataset.load(path)
    return data.manifest, data.train.items.tolist(), data.item_ids.tolist()


def use_index(path: Path) -> Any:
    result = invoke(["recommend", "--history", "1001", "--run", "one", "--index", "hnsw", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)[0]["items"][0]["item"]


WRITES = {
    "prepare": Write(["prepare", "log.txt", "--name", "toy"], "data/toy.npz", read_dataset),
    "recommend csv": Write(
        ["recommend", "--users", "users.txt", "--run", "one", "--output", "out.csv"], "out.csv"
    ),
    "recommend jsonl": Write(
        ["recommend", "--users", "users.txt", "--run", "one", "--output", "out.jsonl"], "out.jsonl"
    ),
    "embed": Write(["embed", "one", "--items", "--output", "out.npz"], "out.npz"),
    "embed parquet": Write(
        ["embed", "one", "--users", "--output", "o.parquet"], "o.parquet", needs="pyarrow"
    ),
    "evaluate": Write(["evaluate", "one", "--k", "5", "--per-user", "out.csv"], "out.csv"),
    "index": Write(
        ["recommend", "--history", "1001", "--run", "one", "--index", "hnsw"],
        "runs/one/index.usearch",
        use_index,
        needs="usearch",
    ),
}


def begin(place: Path, write: Write) -> None:
    """An earlier file in the way of a write."""
    if write.output.startswith("out") or write.output == "o.parquet":
        (place / write.output).write_bytes(b"the old one")


def telling(calls: list[str]) -> list[int]:
    """The numbers of the steps but those amid writes to one file: the first and last tell them."""
    around = zip(["", *calls], calls, [*calls[1:], ""], strict=False)
    amid = [before == call == after == "write" for before, call, after in around]
    return [at for at, skipped in enumerate(amid, 1) if CASES or not skipped]


def outcomes(origin: Path, place: Path, write: Write) -> tuple[list[Any], list[str]]:
    """What may be read afterwards, and the steps of the write."""
    pytest.importorskip(write.needs)
    begin(place, write)
    old = write.read(place / write.output)
    if write.output.startswith("runs"):
        for path in (place / "runs" / "one").glob("index.*"):
            path.unlink()
    with disk_of() as disk:
        result = invoke(write.command)
    assert result.exit_code == 0, result.output
    assert len(disk.calls) >= 5
    return [old, write.read(place / write.output)], disk.calls


@pytest.mark.parametrize("power_cut", [False, True], ids=["killed", "power cut"])
@pytest.mark.parametrize("name", WRITES)
def test_killed_at_any_step_it_is_old_or_new(
    name: str, power_cut: bool, origin: Path, place: Path
) -> None:
    write = WRITES[name]
    allowed, steps = outcomes(origin, place, write)
    found = []
    for at in telling(steps):
        afresh(origin, place)
        begin(place, write)
        with disk_of(at, Killed(), power_cut=power_cut) as disk, pytest.raises(Killed):
            invoke(write.command)
        assert disk.dead
        found.append(write.read(place / write.output))
        assert found[-1] in allowed, (at, disk.calls)
        result = invoke(write.command)  # and the next start cleans up
        assert result.exit_code == 0, result.output
        assert write.read(place / write.output) == allowed[1]
        assert not [path for path in files_in(place) if LEFTOVER.fullmatch(path)], at
    assert allowed[0] in found


@pytest.mark.parametrize("numbers", [ERRORS, [None]], ids=["errors", "short"])
@pytest.mark.parametrize("name", WRITES)
def test_a_fault_at_any_step_is_told_and_changes_nothing(
    name: str, numbers: list[int | None], origin: Path, place: Path
) -> None:
    write = WRITES[name]
    allowed, steps = outcomes(origin, place, write)
    failed = 0
    writes = [at for at, step in enumerate(steps, 1) if step == "write"]
    assert writes
    for at in writes if numbers == [None] else telling(steps):  # nothing else can be short
        number = numbers[at % len(numbers)]
        fault = OSError(number, os.strerror(number)) if number else None
        afresh(origin, place)
        begin(place, write)
        with disk_of(at, fault) as disk:
            result = invoke(write.command)
        step = disk.calls[at - 1]
        assert write.read(place / write.output) in allowed, (at, step)
        if result.exit_code:
            failed += 1
            assert number is not None
            assert result.exit_code == 1
            assert isinstance(result.exception, SystemExit), result.exception
            assert re.search(
                rf"^error: cannot write `[^`]+`: {os.strerror(number)}$", result.stderr, re.M
            )
            if number == errno.ENOSPC:
                assert "hint: free some space on the disk of `" in result.stderr
        if step != "unlink":
            assert not [path for path in files_in(place) if LEFTOVER.fullmatch(path)], (at, step)
    assert failed == 0 if numbers == [None] else failed >= 4


def load_notes(place: Path) -> list[str]:
    """What there is to say of a run when its weights are loaded."""
    run = Run.open(place / "runs" / "one")
    load_scorer(run, torch.device("cpu"))
    return run.notes


FAULTS = ["killed", "power cut", "error"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_training_cut_off_anywhere_ends_in_the_same_bytes(
    fault: str, origin: Path, place: Path
) -> None:
    expected = finished(place)
    shutil.rmtree(place / "runs")
    with disk_of() as disk:
        assert invoke(TRAIN).exit_code == 0
    assert finished(place) == expected
    resumed = 0
    assert len(disk.calls) > 60
    # Each step has one of the faults, and each of its kind, of some file, every one of them.
    steps = range(1, len(disk.calls) + 1)
    walked = steps if CASES else steps[FAULTS.index(fault) :: len(FAULTS)]
    for at in walked:
        shutil.rmtree(place / "runs")
        if fault == "error":
            number = ERRORS[at % len(ERRORS)]
            with disk_of(at, OSError(number, os.strerror(number))) as disk:
                result = invoke(TRAIN)
            assert result.exit_code in (0, 1)
            assert result.exit_code == 0 or "error: cannot write `" in result.stderr, result.stderr
            assert result.exception is None or isinstance(result.exception, SystemExit)
            assert result.exit_code == 1 or disk.calls[at - 1] == "unlink"
        else:
            with disk_of(at, Killed(), power_cut=fault == "power cut"), pytest.raises(Killed):
                invoke(TRAIN)
        result = go_on(place)
        assert result.exit_code == 0, (at, result.output)
        resumed += "resuming" in result.stderr
        assert finished(place) == expected, (at, disk.calls)
        assert not [path for path in files_in(place) if LEFTOVER.fullmatch(path)], at
        assert not load_notes(place), at
    assert resumed > len(walked) / 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        failed = subprocess.run(mount, capture_output=True).returncode != 0
    except OSError:
        failed = True
    if failed:
        pytest.skip("a disk can be mounted by root alone")
    yield folder
    # Lazily: what is loaded from a file may still be looking at it.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_real_full_disk_is_told_and_leaves_what_was_there(
    origin: Path, place: Path, small_disk: Path
) -> None:
    begin(place, WRITES["recommend csv"])
    runs = place / "runs"
    shutil.copytree(runs / "one", small_disk / "one")
    (small_disk / "out.csv").write_text("the old one")
    with (small_disk / "filling").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    before = files_in(small_disk)
    for command in (
        ["prepare", "demo", "--data-dir", str(small_disk)],
        ["train", "--resume", str(small_disk / "one"), "--set", "training.epochs=3"],
        ["train", "--config", "toy.yaml", "--run", str(small_disk / "two")],
        [*WRITES["recommend csv"].command[:-1], str(small_disk / "out.csv")],
        ["embed", "one", "--items", "--output", str(small_disk / "out.npz")],
    ):
        result = invoke(command)
        assert result.exit_code == 1, result.output
        assert f"error: cannot write `{small_disk}" in result.stderr
        assert "No space left on device" in result.stderr
        assert "hint: free some space on the disk of `" in result.stderr
        assert "Traceback" not in result.output
        assert files_in(small_disk) == before, command
    (small_disk / "filling").unlink()
    assert invoke(["train", "--resume", str(small_disk / "one")]).exit_code == 0
