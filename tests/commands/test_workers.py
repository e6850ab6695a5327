"""`seqrec train --workers`: the files of one process, when a worker is killed too."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, leave_one_out

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

LONGEST = 600  # seconds, on a busy machine
CONFIG = """\
data: toy
model: {hidden: 8, blocks: 1, heads: 1, max_length: 20}
training: {epochs: 8, batch_size: 200, validate_every: 1, lr: 0.01}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset whose batches have two parts, and a finished run `one` of one process."""
    path = tmp_path_factory.mktemp("workers")
    random = np.random.default_rng(0)
    pairs = zip(random.integers(30, size=600), random.integers(10, 25, size=600), strict=True)
    histories = [[(start + t) % 30 + 1 for t in range(n)] for start, n in pairs]
    leave_one_out(histories, 30).save(path / "data" / "toy.npz")
    (path / "toy.yaml").write_text(CONFIG)
    ended(start(path, "--run", "one"))
    return path


def start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "seqrec_cli", "train", "--device", "cpu", *options]
    if "--resume" not in options:
        command += ["--config", "toy.yaml"]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", code: int = 0) -> str:
    """What it said, once it has ended with that exit code."""
    told = process.communicate(timeout=LONGEST)[1]
    assert process.returncode == code, told
    return told


def validations(folder: Path, run: str) -> int:
    path = folder / "runs" / run / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    return [
        int(p) for p in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ]


def wait_for(folder: Path, run: str, count: int) -> None:
    deadline = time.monotonic() + LONGEST
    while validations(folder, run) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def files(folder: Path, run: str) -> list[bytes]:
    names = ("best.safetensors", "last.safetensors", "experiment.yaml")
    return [(folder / "runs" / run / name).read_bytes() for name in names]


def test_two_workers_leave_the_files_of_one_process(folder: Path) -> None:
    told = ended(start(folder, "--run", "two", "--workers", "2"))
    assert files(folder, "two") == files(folder, "one")
    assert told.count("the best weights are in") == 1
    assert "Traceback" not in told


def kill(folder: Path, run: str, process: "subprocess.Popen[str]") -> None:
    """Kill the first worker, and wait until others have gone on."""
    before = workers_of(process)
    os.kill(before[0], signal.SIGKILL)
    while set(before) & set(workers_of(process)):
        time.sleep(0.02)
    wait_for(folder, run, validations(folder, run) + 1)


def stopped(folder: Path, run: str, process: "subprocess.Popen[str]", pid: int) -> None:
    """Stop all of a training by a signal to one; it must have left a checkpoint."""
    os.kill(pid, signal.SIGTERM)
    assert "nothing is lost" in ended(process, 128 + signal.SIGTERM)
    counters = json.loads((folder / "runs" / run / "last.json").read_text())
    assert 2 <= counters["epoch"] < 8


def test_after_one_is_killed_and_one_is_stopped_it_goes_on_to_the_same_files(folder: Path) -> None:
    process = start(folder, "--run", "disturbed", "--workers", "2", "--set", "training.epochs=8")
    wait_for(folder, "disturbed", 2)
    kill(folder, "disturbed", process)
    stopped(folder, "disturbed", process, workers_of(process)[1])
    ended(start(folder, "--resume", "disturbed"))
    assert files(folder, "disturbed") == files(folder, "one")


def test_a_mistake_is_told_once_and_not_tried_again(folder: Path) -> None:
    process = start(folder, "--run", "bad", "--workers", "3")
    told = ended(process, 1)
    assert told.count("error:") == 1
    assert "fewer than the 3 workers" in told
    assert not (folder / "runs" / "bad").exists()


ROWS = ("--set", "training.table_optimizer=adagrad", "--set", "training.negatives_per=history")


@pytest.fixture(scope="module")
def by_rows(folder: Path) -> str:
    """A finished run of one process that changes the rows of a batch alone."""
    ended(start(folder, "--run", "rows", *ROWS))
    return "rows"


def test_workers_that_share_the_item_table_leave_the_files_of_one_process(
    folder: Path, by_rows: str
) -> None:
    """Also when the one and then the other is killed."""
    options = (*ROWS, "--workers", "2", "--table", "sharded")
    process = start(folder, "--run", "shared", *options)
    wait_for(folder, "shared", 2)
    kill(folder, "shared", process)
    os.kill(workers_of(process)[1], signal.SIGKILL)
    told = ended(process)
    assert "2 workers that share the item table" in " ".join(told.split())
    assert files(folder, "shared") == files(folder, by_rows)


def test_who_shares_goes_on_alone_and_the_other_way_round(folder: Path, by_rows: str) -> None:
    options = (*ROWS, "--workers", "2", "--table", "sharded")
    process = start(folder, "--run", "half", *options)
    wait_for(folder, "half", 2)
    stopped(folder, "half", process, process.pid)
    alone = start(folder, "--resume", "half", "--set", "training.epochs=8")
    wait_for(folder, "half", 4)
    os.kill(alone.pid, signal.SIGTERM)
    alone.communicate(timeout=LONGEST)
    ended(start(folder, "--resume", "half", "--workers", "2", "--table", "sharded"))
    assert files(folder, "half") == files(folder, by_rows)


def test_what_needs_the_whole_table_is_refused_with_what_to_set(folder: Path) -> None:
    options = ("--workers", "2", "--table", "sharded", "--set", "training.loss=softmax")
    told = " ".join(ended(start(folder, "--run", "dense", *options), 1).split())
    assert told.count("error:") == 1
    assert (
        "`--set training.loss=sampled_softmax --set training.negatives_per=batch "
        "--set training.negatives=4096 --set training.table_optimizer=adagrad`"
    ) in told
    assert not (folder / "runs" / "dense").exists()
