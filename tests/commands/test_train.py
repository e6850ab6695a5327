"""seqrec train: what it keeps, what it says, how it stops and goes on."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage.tensors import load_tensors
from seqrec_cli.core.training import steps as training_module
from seqrec_cli.errors import TrainingError
from tests import hostile

CONFIG = """\
data: toy
seed: 5
model: {hidden: 16, blocks: 1, max_length: 12, dropout: 0.3}
training: {epochs: 4, batch_size: 32, validate_every: 1, lr: 0.01}
"""


@pytest.fixture
def place(untrained: Path) -> Path:
    """A folder with a dataset and an experiment, which is where commands run."""
    (untrained / "toy.yaml").write_text(CONFIG)
    return untrained


def train(runner: CliRunner, *more: str, code: int = 0) -> str:
    result = runner.invoke(app, ["train", *more])
    assert result.exit_code == code, result.output
    return result.stderr


def test_short_forms_are_settings(runner: CliRunner, place: Path) -> None:
    train(runner, "--config", "toy.yaml", "--run", "two", "--seed", "7", "--epochs", "1")
    text = (place / "runs" / "two" / "experiment.yaml").read_text()
    assert "seed: 7\n" in text
    assert "epochs: 1\n" in text
    refused = train(runner, "--resume", "two", "--seed", "8", code=2)
    assert "--seed is for a new run" in refused
    train(runner, "--resume", "two", "--epochs", "2")


def test_learns_the_cycle_and_keeps_the_best_weights(runner: CliRunner, place: Path) -> None:
    result = runner.invoke(
        app, ["train", "--config", "toy.yaml", "--set", "training.epochs=25", "--device", "cpu"]
    )
    assert result.exit_code == 0, result.output
    run = place / "runs" / "toy-sasrec-1"
    assert "the best weights are in `runs/toy-sasrec-1/best.safetensors`" in result.stderr
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 26))
    assert lines[-1]["hr@10"] > 0.9 > lines[0]["hr@10"]
    best = max(lines, key=lambda line: line["ndcg@10"])
    assert load_tensors(run / "best.safetensors")[1]["epoch"] == best["epoch"]
    assert "ndcg@10" in result.stdout
    assert (place / "runs" / "latest").resolve() == run
    assert train(runner, "--config", "toy.yaml", "--set", "training.epochs=1")
    assert (place / "runs" / "toy-sasrec-2").is_dir()


def test_two_epochs_and_a_resume_equal_four_byte_for_byte(runner: CliRunner, place: Path) -> None:
    train(runner, "--config", "toy.yaml", "--run", "whole")
    train(runner, "--config", "toy.yaml", "--run", "half", "--set", "training.epochs=2")
    train(runner, "--resume", "half", "--set", "training.epochs=4")
    for file in ("last.safetensors", "best.safetensors"):
        whole, half = (place / "runs" / name / file for name in ("whole", "half"))
        assert whole.read_bytes() == half.read_bytes(), file
    histories = [
        [
            {k: v for k, v in json.loads(line).items() if k != "seconds"}
            for line in (place / "runs" / name / "metrics.jsonl").read_text().splitlines()
        ]
        for name in ("whole", "half")
    ]
    assert histories[0] == histories[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_saves_and_says_how_to_go_on(
    runner: CliRunner, place: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "seqrec_cli", "train", "--config", "toy.yaml"]
    endless = ["--run", "cut", "--set", "training.epochs=100000", "--set", "model.hidden=8"]
    process = subprocess.Popen(
        [*command, *endless],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (place / "runs" / "cut" / "last.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 128 + number, stderr
    assert "hint: resume with `seqrec train --resume runs/cut`" in stderr
    assert "Traceback" not in stderr

    _, counters = load_tensors(place / "runs" / "cut" / "last.safetensors")
    end = counters["epoch"] + 2
    train(runner, "--resume", "cut", "--set", f"training.epochs={end}", "--device", "cpu")
    arguments = ["--set", "model.hidden=8", "--set", f"training.epochs={end}"]
    train(runner, "--config", "toy.yaml", "--run", "whole", *arguments)
    for file in ("last.safetensors", "best.safetensors"):
        cut, whole = (place / "runs" / name / file for name in ("cut", "whole"))
        assert cut.read_bytes() == whole.read_bytes(), file


def test_a_loss_that_is_not_finite_keeps_the_last_good_weights(
    runner: CliRunner, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(runner, "--config", "toy.yaml", "--run", "good", "--set", "training.epochs=1")
    best = (place / "runs" / "good" / "best.safetensors").read_bytes()
    work = training_module.update_weights

    def breaks(training: Any, *rest: Any) -> float:
        if training.counters.epoch == 2 and training.counters.step == 3:
            raise TrainingError("the loss became nan in epoch 3, step 4", "lower `training.lr`")
        return work(training, *rest)

    monkeypatch.setattr(training_module, "update_weights", breaks)
    more = ["--set", "training.epochs=9"]
    said = train(runner, "--resume", "good", *more, code=1)
    assert "error: the loss became nan in epoch 3, step 4; the last good weights are in" in said
    assert "runs/good/last.safetensors" in said
    tensors, counters = load_tensors(place / "runs" / "good" / "last.safetensors")
    assert (counters["epoch"], counters["step"]) == (2, 3)
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    assert (place / "runs" / "good" / "best.safetensors").read_bytes() != best  # of epoch 2


def test_a_learning_rate_beyond_reason_is_told_and_nothing_broken_is_kept(
    runner: CliRunner, place: Path
) -> None:
    said = train(
        runner, "--config", "toy.yaml", "--run", "bad", "--set", "training.lr=1e25", code=1
    )
    assert "error: the " in said
    assert "hint: lower `training.lr`" in said
    for path in (place / "runs" / "bad").glob("*.safetensors"):
        assert all(bool(t.isfinite().all()) for t in load_tensors(path)[0].values())
    for line in (place / "runs" / "bad").glob("metrics.jsonl"):
        assert "NaN" not in line.read_text()


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--config", "none.yaml"], "cannot read the experiment `none.yaml`: No such file", ""),
        (["--config", "data"], "cannot read the experiment `data`", ""),
        (
            ["--config", "toy.yaml", "--set", "model.hiden=3"],
            "`--set model.hiden=3`: unknown setting `model.hiden`",
            "did you mean `model.hidden`?",
        ),
        (["--config", "toy.yaml", "--set", "model"], "override `model` has no value", ""),
        (
            ["--config", "toy.yaml", "--data", "none"],
            "there is no prepared dataset `data/none.npz`",
            "seqrec prepare",
        ),
        (
            ["--config", "toy.yaml", "--device", "cuda9"],
            "unknown device `cuda9`",
            "auto, cpu, cuda, mps",
        ),
        (
            ["--config", "toy.yaml", "--run", "latest"],
            "is the link to the newest finished run",
            "another",
        ),
        (["--config", "toy.yaml", "--set", "training.epochs=0"], "setting `training.epochs`", ""),
        (["--resume", "none"], "there is no run `runs/none`", "train one"),
    ],
)
def test_a_mistake_is_one_sentence(
    runner: CliRunner, place: Path, arguments: list[str], message: str, hint: str
) -> None:
    result = runner.invoke(app, ["train", *arguments])
    assert result.exit_code == 1
    assert f"error: {message}" in result.stderr or message in result.stderr.splitlines()[0]
    assert hint in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not (place / "runs").exists()


def test_resuming_a_finished_run_changes_nothing(runner: CliRunner, place: Path) -> None:
    settings = ["--set", "training.epochs=3", "--set", "training.validate_every=2"]
    train(runner, "--config", "toy.yaml", "--run", "a", *settings)
    metrics = place / "runs" / "a" / "metrics.jsonl"
    before = [json.loads(line) for line in metrics.read_text().splitlines()]
    train(runner, "--resume", "a")
    after = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert [line["loss"] for line in after] == [line["loss"] for line in before]
    assert [line["epoch"] for line in after] == [2, 3]


def test_a_refused_continuation_leaves_no_trace(runner: CliRunner, place: Path) -> None:
    train(runner, "--config", "toy.yaml", "--run", "a", "--set", "training.epochs=1")
    experiment = (place / "runs" / "a" / "experiment.yaml").read_bytes()
    (place / "data" / "toy.npz").rename(place / "data" / "other.npz")
    (place / "data" / "toy.json").rename(place / "data" / "other.json")
    said = train(runner, "--resume", "a", "--set", "training.epochs=3", code=1)
    assert "is not at `data/toy.npz`" in said
    assert (place / "runs" / "a" / "experiment.yaml").read_bytes() == experiment
    train(runner, "--resume", "a", "--set", "training.epochs=3", "--data", "other")


def test_an_unreadable_dataset_is_told(
    runner: CliRunner, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Any, kind: str) -> Any:
        raise PermissionError(13, "Permission denied", file.name)

    monkeypatch.setattr("hashlib.file_digest", refuse)
    said = train(runner, "--config", "toy.yaml", code=1)
    assert "error: `data/toy.npz` cannot be read: Permission denied" in said


def test_a_second_training_in_the_same_run_is_refused(runner: CliRunner, place: Path) -> None:
    train(runner, "--config", "toy.yaml", "--run", "a", "--set", "training.epochs=1")
    before = {p.name: p.read_bytes() for p in (place / "runs" / "a").iterdir()}
    with Run(place / "runs" / "a").locked():
        for more in (["--resume", "a"], ["--config", "toy.yaml", "--run", "a"]):
            said = train(runner, *more, code=1)
            assert f"error: the run `runs/a` is being written by process {os.getpid()}" in said
            assert "hint: wait for it to end, or choose another `--run`" in said
    assert {p.name: p.read_bytes() for p in (place / "runs" / "a").iterdir()} == before


def test_a_damaged_checkpoint_is_told_and_costs_what_came_after_the_one_before(
    runner: CliRunner, place: Path
) -> None:
    train(runner, "--config", "toy.yaml", "--run", "whole")
    train(runner, "--config", "toy.yaml", "--run", "a", "--set", "training.epochs=3")
    last = place / "runs" / "a" / "last.safetensors"
    content = last.read_bytes()
    last.unlink()
    last.write_bytes(content[:-1])
    (place / "runs" / "a" / ".last.json.1-00000000.tmp").write_text("half")
    said = train(runner, "--resume", "a", "--set", "training.epochs=4")
    assert "note: the checkpoint `runs/a/last.safetensors` is damaged" in said
    assert "using `runs/a/last.previous.safetensors`, the one before it" in said
    assert "resuming runs/a after epoch 2, step 0" in said
    for file in ("last.safetensors", "best.safetensors"):
        whole, mended = (place / "runs" / name / file for name in ("whole", "a"))
        assert whole.read_bytes() == mended.read_bytes(), file
    assert not [p.name for p in (place / "runs" / "a").iterdir() if p.name.startswith(".")]


def test_an_unwritable_place_is_told(runner: CliRunner, place: Path) -> None:
    (place / "runs").write_text("a file where a folder should be")
    result = runner.invoke(app, ["train", "--config", "toy.yaml", "--run", "runs/x"])
    assert result.exit_code == 1
    assert "error: cannot write `runs/x/.lock`" in result.stderr


def test_a_full_disk_leaves_what_was_there(
    runner: CliRunner, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(runner, "--config", "toy.yaml", "--run", "a", "--set", "training.epochs=1")
    before = {p.name: p.read_bytes() for p in (place / "runs" / "a").iterdir()}

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = train(runner, "--resume", "a", "--set", "training.epochs=3", code=1)
    assert "No space left on device" in said
    assert "hint: free some space" in said
    assert {p.name: p.read_bytes() for p in (place / "runs" / "a").iterdir()} == before


@pytest.mark.parametrize("setting", ["model.hidden=2000000000", "model.max_length=2000000000"])
def test_a_model_too_large_for_memory_is_refused_before_it_is_allocated(
    runner: CliRunner, place: Path, setting: str
) -> None:
    hostile.forget_peak()
    before = hostile.peak()
    message = train(runner, "--config", "toy.yaml", "--run", "big", "--set", setting, code=1)
    assert "weights or more, whose training takes" in message
    assert re.search(r"[0-9]+ [GT]iB of memory, and there are [0-9]+ [MG]iB", message)
    assert hostile.peak() - before < 100 << 20
    assert not (place / "runs").exists()


def test_negatives_that_do_not_fit_into_memory_are_refused(runner: CliRunner, place: Path) -> None:
    many = "training.negatives=2000000000"
    message = train(runner, "--config", "toy.yaml", "--run", "big", "--set", many, code=1)
    assert "the negatives of a batch take" in message
    assert "hint: use fewer `training.negatives`" in message


def test_a_batch_larger_than_the_dataset_is_the_dataset(runner: CliRunner, place: Path) -> None:
    for size in ("2147483647", "200"):
        run = ["--run", f"b{size}", "--set", f"training.batch_size={size}"]
        train(runner, "--config", "toy.yaml", *run, "--set", "training.epochs=1")
    one, other = (place / "runs" / f"b{size}" for size in ("2147483647", "200"))
    assert (one / "best.safetensors").read_bytes() == (other / "best.safetensors").read_bytes()


def test_without_a_config_the_settings_are_chosen_and_said(runner: CliRunner, place: Path) -> None:
    said = train(runner, "--data", "toy")
    assert "chosen: " in said
    assert "the linear model alone" in said
    assert (place / "runs" / "toy-linear-1" / "finished.json").exists()
    text = (place / "runs" / "toy-linear-1" / "experiment.yaml").read_text()
    assert "name: linear" in text
    again = train(runner, "--config", "runs/toy-linear-1/experiment.yaml", "--run", "again")
    assert "chosen: " not in again
    assert Run.open(Path("runs/again")).checkpoints.best.read_bytes() == (
        Run.open(Path("runs/toy-linear-1")).checkpoints.best.read_bytes()
    )


def test_nothing_named_is_a_usage_error(runner: CliRunner, place: Path) -> None:
    assert "--data NAME" in train(runner, code=2)
    train(runner, "--config", "toy.yaml", "--resume", "one", code=2)
