"""A training is followed to its end, which is noted; a signal is no end."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.commands import following
from seqrec_cli.core.runs.status import RunStatus
from seqrec_cli.interrupts import SIGNALS

CONFIG = """\
data: toy
model: {hidden: 8, blocks: 1, heads: 1, max_length: 12}
training: {epochs: 20, batch_size: 32, validate_every: 1}
"""


@pytest.fixture
def place(untrained: Path) -> Path:
    (untrained / "toy.yaml").write_text(CONFIG)
    return untrained


@pytest.fixture
def handlers() -> Iterator[None]:
    """The handlers of signals are put back: after a signal a training leaves its own."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def train(runner: CliRunner, *more: str, code: int = 0) -> str:
    result = runner.invoke(app, ["train", *more, "--device", "cpu"])
    assert result.exit_code == code, result.output
    return result.stderr


def test_a_budget_that_is_used_up_inside_an_epoch_ends_the_training(
    runner: CliRunner, place: Path
) -> None:
    told = train(runner, "--config", "toy.yaml", "--run", "a", "--set", "training.max_steps=10")
    assert "`training.max_steps` is used up" in told
    run = place / "runs" / "a"
    assert json.loads((run / "last.json").read_text())["step"] == 3
    assert RunStatus(run).state == "finished"
    assert (place / "runs" / "latest").resolve() == run.resolve()
    train(runner, "--resume", "a", "--set", "training.max_steps=11")
    assert RunStatus(run).state == "finished"


def test_patience_that_runs_out_ends_it_too(runner: CliRunner, place: Path) -> None:
    changes = ("--set", "training.patience=1", "--set", "training.lr=1e-12")
    assert "no better validation" in train(runner, "--config", "toy.yaml", "--run", "b", *changes)
    assert RunStatus(place / "runs" / "b").state == "finished"


@pytest.mark.usefixtures("handlers")
def test_a_signal_does_not(runner: CliRunner, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def show(event: Any, view: Any, training: Any, seconds: float) -> None:
        if training.counters.step == 4:
            signal_noted["signal"] = 15

    signal_noted: dict[str, int] = {}
    follow = following.follow

    def noted(run: Any, started: Any, stop: dict[str, int]) -> None:
        nonlocal signal_noted
        signal_noted = stop
        follow(run, started, stop)

    monkeypatch.setattr(following, "show_event", show)
    monkeypatch.setattr("seqrec_cli.commands.train.follow", noted)
    told = train(runner, "--config", "toy.yaml", "--run", "c", code=143)
    assert "stopped in epoch 1, after step 4; nothing is lost" in told
    assert RunStatus(place / "runs" / "c").state == "interrupted"
    assert not (place / "runs" / "c" / "finished.json").exists()


def test_a_sample_picks_the_weights_and_everybody_judges_them(
    runner: CliRunner, place: Path
) -> None:
    changes = ("training.validate_users=20", "training.final=true", "training.epochs=2")
    every = "training.validate_every=5 steps"
    sets = [word for change in (*changes, every) for word in ("--set", change)]
    told = train(runner, "--config", "toy.yaml", "--run", "d", *sets)
    assert "validations ask about 20 users" in told
    assert "the best weights for all 200 users of the valid part" in told
    assert "refitted on train + valid" in told
    run = place / "runs" / "d"
    assert json.loads((run / "best.json").read_text())["users"] == 200
    assert (run / "final.safetensors").exists()
    assert RunStatus(run).state == "finished"


def test_workers_do_not_fit_what_has_no_gradients(
    runner: CliRunner, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before they meet, so that one process is enough to see it."""
    (place / "linear.yaml").write_text("data: toy\nmodel: {name: linear}\n")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    told = train(runner, "--config", "linear.yaml", "--run", "e", code=1)
    assert "`linear` is trained by one process" in told
    assert not (place / "runs" / "e").exists()
