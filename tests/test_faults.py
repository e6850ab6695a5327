"""Whatever happens at whichever step of a write: each file is the old one or the new one, whole.

Each test counts the steps of a write once, and then has every one of them fail or kill.
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

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from seqrec_cli.app import app
from seqrec_cli.core.dataset import SequenceDataset
from tests.conftest import leave_one_out
from tests.faults import Killed, disk_of

CONFIG = """\
data: toy
model: {hidden: 4, blocks: 1, heads: 1, max_length: 6}
training: {epochs: 2, batch_size: 16, validate_every: 1, lr: 0.01}
"""
TRAIN = ["train", "--config", "toy.yaml", "--run", "one", "--device", "cpu"]
RESUME = ["train", "--resume", "one", "--device", "cpu"]
ERRORS = [errno.ENOSPC, errno.EIO, errno.EACCES]
LEFTOVER = re.compile(r".*\.(tmp|lock|next)")


def invoke(arguments: list[str]) -> Result:
    return CliRunner().invoke(app, arguments)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a dataset, an experiment and a finished run of it."""
    folder = tmp_path_factory.mktemp("origin")
    random = np.random.default_rng(0)
    data = leave_one_out(
        [[(s + t) % 9 + 1 for t in range(6)] for s in random.integers(9, size=24)], 9
    )
    data.save(folder / "data" / "toy.npz")
    (folder / "toy.yaml").write_text(CONFIG)
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = invoke(TRAIN)
        assert result.exit_code == 0, result.output
        yield folder
    finally:
        os.chdir(before)


@pytest.fixture
def place(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder."""
    shutil.copytree(origin, tmp_path / "a", symlinks=True)
    monkeypatch.chdir(tmp_path / "a")
    return tmp_path / "a"


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
    """What a write needs, and an earlier file in its way."""
    (place / "users.txt").write_text("100\n101\n102\n")
    rows = [f"{user} {(user + t) % 7 + 1}" for user in range(1, 9) for t in range(5)]
    (place / "log.txt").write_text("\n".join(rows) + "\n")
    if write.output.startswith("out") or write.output == "o.parquet":
        (place / write.output).write_bytes(b"the old one")


def outcomes(origin: Path, place: Path, write: Write) -> tuple[list[Any], int]:
    """What may be read afterwards, and how many steps the write has."""
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
    return [old, write.read(place / write.output)], len(disk.calls)


@pytest.mark.parametrize("power_cut", [False, True], ids=["killed", "power cut"])
@pytest.mark.parametrize("name", WRITES)
def test_killed_at_any_step_it_is_old_or_new(
    name: str, power_cut: bool, origin: Path, place: Path
) -> None:
    write = WRITES[name]
    allowed, steps = outcomes(origin, place, write)
    found = []
    for at in range(1, steps + 1):
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


@pytest.mark.parametrize("number", [*ERRORS, None], ids=lambda n: errno.errorcode.get(n, "short"))
@pytest.mark.parametrize("name", WRITES)
def test_a_fault_at_any_step_is_told_and_changes_nothing(
    name: str, number: int | None, origin: Path, place: Path
) -> None:
    write = WRITES[name]
    allowed, steps = outcomes(origin, place, write)
    fault = OSError(number, os.strerror(number)) if number else None
    failed = 0
    for at in range(1, steps + 1):
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
    assert failed == 0 if number is None else failed >= 4


def finished(place: Path) -> dict[str, bytes]:
    """What a training must leave, whatever happened on the way."""
    run = place / "runs" / "one"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    told = [{key: v for key, v in line.items() if key != "seconds"} for line in lines]
    return {
        **{name: (run / name).read_bytes() for name in ("best.safetensors", "last.safetensors")},
        "metrics": json.dumps(told).encode(),
        "experiment": (run / "experiment.yaml").read_bytes(),
    }


def go_on(place: Path) -> Result:
    """As a user would: resume, or begin again where there is nothing to resume."""
    result = invoke(RESUME)
    if result.exit_code == 1 and "nothing to resume from" in result.stderr:
        shutil.rmtree(place / "runs" / "one")
        result = invoke(TRAIN)
    elif result.exit_code == 1 and "there is no run" in result.stderr:
        result = invoke(TRAIN)
    return result


@pytest.mark.parametrize("fault", ["killed", "power cut", "error"])
def test_a_training_cut_off_anywhere_ends_in_the_same_bytes(
    fault: str, origin: Path, place: Path
) -> None:
    expected = finished(place)
    shutil.rmtree(place / "runs")
    with disk_of() as disk:
        assert invoke(TRAIN).exit_code == 0
    assert finished(place) == expected
    steps, resumed = len(disk.calls), 0
    assert steps > 60
    for at in range(1, steps + 1):
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
        resumed += "going on with" in result.stderr
        assert finished(place) == expected, (at, disk.calls)
        assert not [path for path in files_in(place) if LEFTOVER.fullmatch(path)], at
        used = invoke(["recommend", "--history", "1001", "--run", "one"])
        assert used.exit_code == 0, used.output
    assert resumed > steps / 3


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
