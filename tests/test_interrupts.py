"""Ctrl-C and SIGTERM, in every phase of every command: in order, in time, and no traceback."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.storage.tensors import load_tensors
from tests.forked import Warm
from tests.workshop import LEFTOVER, files_in, finished

SIGNALS = [signal.SIGINT, signal.SIGTERM]
SECONDS = 5.0
CORE = "seqrec_cli.core"
COMMANDS = {
    "prepare": ["prepare", "log.txt", "--name", "new"],
    "train": ["train", "--config", "toy.yaml", "--run", "new", "--device", "cpu"],
    "evaluate": ["evaluate", "one", "--k", "5", "--per-user", "out.csv"],
    "compare": ["compare", "one", "two"],
    "recommend": ["recommend", "--users", "users.txt", "--run", "one", "--output", "out.csv"],
    "embed": ["embed", "one", "--users", "--output", "out.npz"],
    "report": ["report", "one", "--output", "out.html"],
    "tune": ["tune", "space.yaml", "--config", "toy.yaml", "--trials", "3", "--device", "cpu"],
}
# What a command may have finished before it was stopped.
COMPLETE = {
    "prepare": {"data/new.npz", "data/new.json"},
    "evaluate": {"data/.toy.baselines.json", "runs/one/evaluations.jsonl"},
    "report": {"data/.toy.baselines.json", "runs/one/evaluations.jsonl"},
}
NEEDED = {"report": ("matplotlib", "jinja2"), "tune": ("optuna",)}
PHASES = [
    ("prepare", f"{CORE}.data.loading:read_interactions"),
    ("prepare", f"{CORE}.data.reading.opening:sampled"),
    ("prepare", f"{CORE}.data.reading.engine:Engine.run"),
    ("prepare", f"{CORE}.data.preparation:tidy"),
    ("prepare", f"{CORE}.storage.files:Disk.sync"),
    ("prepare", f"{CORE}.storage.files:move"),
    ("train", f"{CORE}.data.dataset:SequenceDataset.load"),
    ("train", f"{CORE}.runs.beginning:create_run"),
    ("train", f"{CORE}.training.sequential:make_scorer"),
    ("train", f"{CORE}.training.steps:part_gradients"),
    ("train", f"{CORE}.training.steps:update_weights"),
    ("train", f"{CORE}.training.sequential:evaluate"),
    ("train", f"{CORE}.runs.checkpoints:Checkpoints.save_best"),
    ("train", f"{CORE}.runs.history:History.add"),
    ("train", f"{CORE}.runs.checkpoints:Checkpoints.save_last"),
    ("evaluate", f"{CORE}.runs.comparing:load_scorer"),
    ("evaluate", f"{CORE}.evaluation.sequential:full_ranks"),
    ("evaluate", f"{CORE}.inference.export:write_rows"),
    ("compare", f"{CORE}.evaluation.sequential:full_ranks"),
    ("recommend", f"{CORE}.data.dataset:SequenceDataset.load"),
    ("recommend", f"{CORE}.inference.recommendation:exact_top"),
    ("recommend", f"{CORE}.storage.files:Disk.sync"),
    ("embed", f"{CORE}.inference.scoring:vectors_of"),
    ("embed", f"{CORE}.storage.files:Disk.rename"),
    ("report", f"{CORE}.evaluation.sequential:full_ranks"),
    ("report", f"{CORE}.runs.report.page:report_page"),
    ("report", f"{CORE}.storage.files:Disk.rename"),
    ("tune", f"{CORE}.training.steps:update_weights"),
    ("tune", f"{CORE}.training.sequential:evaluate"),
    ("tune", f"{CORE}.storage.files:Disk.rename"),
]


def ready(place: Path) -> None:
    (place / "out.csv").write_text("the old one")
    (place / "out.html").write_text("the old one")
    (place / "space.yaml").write_text("model.hidden: [4, 8]\ntraining.lr: [0.01, 0.02, 0.05]\n")
    shutil.copytree(place / "runs" / "one", place / "runs" / "two")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# One handler takes both signals: both in the last phase of a command, in others each in turn.
LAST = dict(PHASES)
CASES = [
    pytest.param(command, phase, number, id=f"{command}-{phase.rpartition(':')[2]}-{number.name}")
    for at, (command, phase) in enumerate(PHASES)
    for number in (SIGNALS if LAST[command] == phase else [SIGNALS[at % 2]])
]


@pytest.mark.parametrize(("command", "phase", "number"), CASES)
def test_a_signal_ends_a_command_in_time_and_in_order(
    command: str,
    phase: str,
    number: signal.Signals,
    warm: Warm,
    place: Path,
    tmp_path: Path,
) -> None:
    for package in NEEDED.get(command, ()):
        pytest.importorskip(package)
    ready(place)
    before = files_in(place)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    child = warm.start(COMMANDS[command], place, tmp_path / "said", phase, temporary=temporary)
    assert child.reaches(), child.stderr
    start = time.monotonic()
    os.kill(child.pid, number)
    assert child.wait() == 128 + number, child.stderr
    assert time.monotonic() - start < SECONDS
    assert not is_alive(child.pid)
    assert "Traceback" not in child.stderr
    after = files_in(place)
    assert not list(temporary.iterdir())
    assert not [path for path in after if LEFTOVER.fullmatch(path)]
    if command == "train":
        if "nothing is lost" in child.stderr:
            load_tensors(place / "runs" / "new" / "last.safetensors")
        goes_on_to_the_same_end(place, "nothing is lost" in child.stderr)
    elif command == "tune":
        assert {path: after[path] for path in before} == before
        assert "hint: the same command goes on" in child.stderr
        finds_the_same_best(place)
    else:
        assert {path: after[path] for path in before} == before
        made = set(after) - set(before)
        assert made <= COMPLETE.get(command, set())
        assert command != "prepare" or len(made) in (0, 2)


def goes_on_to_the_same_end(place: Path, resumable: bool) -> None:
    expected = finished(place)
    runner = CliRunner()
    if not resumable:
        shutil.rmtree(place / "runs" / "new", ignore_errors=True)
    command = ["train", "--resume", "new", "--device", "cpu"] if resumable else COMMANDS["train"]
    result = runner.invoke(app, command)
    assert result.exit_code == 0, result.output
    shutil.rmtree(place / "runs" / "one")
    (place / "runs" / "new").rename(place / "runs" / "one")
    assert finished(place) == expected


def finds_the_same_best(place: Path) -> None:
    """The search that was stopped, and one that was not."""
    folders = place / "tunings" / "space-toy-toy", place / "whole"
    for folder in folders:
        result = CliRunner().invoke(app, [*COMMANDS["tune"], "--output", str(folder)])
        assert result.exit_code == 0, result.output
    # Their first lines say where each is.
    stopped, whole = (re.sub("(?m)^#.*", "", (f / "best.yaml").read_text()) for f in folders)
    assert stopped == whole


@pytest.mark.parametrize("command", ["train", "recommend"])
def test_a_second_signal_ends_at_once(
    command: str, warm: Warm, place: Path, tmp_path: Path
) -> None:
    """Also where the first one waits for something: here, a step that takes a second."""
    ready(place)
    phase = {
        "train": f"{CORE}.training.steps:update_weights",
        "recommend": f"{CORE}.storage.files:remove_leftovers",
    }
    child = warm.start(COMMANDS[command], place, tmp_path / "said", phase[command])
    assert child.reaches()
    os.kill(child.pid, signal.SIGINT)
    time.sleep(0.1)
    start = time.monotonic()
    os.kill(child.pid, signal.SIGTERM)
    code = child.wait()
    assert time.monotonic() - start < 0.5
    assert code in (128 + signal.SIGTERM, 128 + signal.SIGINT, -signal.SIGTERM)
    assert "Traceback" not in child.stderr
    assert CliRunner().invoke(app, COMMANDS["recommend"]).exit_code == 0
    assert not [path for path in files_in(place) if re.fullmatch(r".*out\.csv.*tmp", path)]


@pytest.mark.parametrize(
    ("seconds", "number"),
    list(zip([0.1, 0.3, 0.8, 1.2], [*SIGNALS, *SIGNALS], strict=True)),
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_signal_while_everything_is_imported(
    seconds: float, number: signal.Signals, place: Path
) -> None:
    ready(place)
    process = subprocess.Popen(
        [sys.executable, "-m", "seqrec_cli", *COMMANDS["evaluate"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    start = time.monotonic()
    process.send_signal(number)
    _, stderr = process.communicate()
    assert time.monotonic() - start < SECONDS
    # Before our first line is run there is only Python, which knows no better.
    if seconds >= 0.8 or process.returncode == 128 + number:
        assert process.returncode == 128 + number, stderr
        assert "Traceback" not in stderr
        assert stderr.endswith("stopped\n")
