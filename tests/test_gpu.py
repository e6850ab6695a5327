"""The same commands on a GPU: what comes out is that of the CPU within rounding.

Marked `gpu`, and skipped without one. Everywhere, the same runs on the CPU, and on a device that
is none and keeps its tensors apart from the CPU's (`pretended.py`): what is not moved to a GPU is
found there too.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.forked import Warm
from tests.workshop import build

Run = Callable[[list[str]], str]

gpu = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
    ],
)
pretended = pytest.param("pretended", marks=pytest.mark.slow)
DEVICES = ["cpu", pretended, gpu]
SETTINGS: dict[str, list[str]] = {
    "bce": [],
    "softmax": ["training.loss=softmax"],
    "gbce": ["training.loss=gbce", "training.negatives=4", "training.negatives_per=history"],
    "sampled softmax": ["training.loss=sampled_softmax", "training.negatives_per=batch"],
    "sparse rows": ["training.table_optimizer=adagrad"],
    "penalty": ["training.l2_emb=0.01", "training.optimizer=adagrad"],
    "smoothing": ["training.loss=softmax", "training.label_smoothing=0.1", "training.half_life=3"],
    "targets ahead": ["training.loss=softmax", "training.targets_ahead=2"],
    "bfloat16": ["training.precision=bfloat16"],
    "recurrent": [
        *["model.block=ligr", "model.norm=pre", "model.recurrent=6", "model.recurrent_dropout=0"],
        "training.average=0.9",
    ],
    "ligr": ["model.block=ligr", "model.norm=pre", "model.convolution=3"],
    "padding": ["model.padding=states", "model.tied=false"],
    "gru4rec": ["model={name: gru4rec, hidden: 8, max_length: 6, embedding_dropout: 0}"],
}
# Dropout draws by a generator of the device: without it, figures can be compared.
ALWAYS = ["training.epochs=2", "training.lr=0.05"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpu")
    build(path)
    return path


@pytest.fixture(scope="module")
def run(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """How to run a command; on the device that is none, in a process of its own."""
    return partial(told_by, warm, tmp_path_factory.mktemp("said"))


def told_by(warm: Warm, said: Path, arguments: list[str]) -> str:
    if "pretended" in arguments:
        given = ["cuda" if word == "pretended" else word for word in arguments]
        child = warm.start(given, Path.cwd(), said, main="tests.pretended")
        assert child.wait() == 0, child.stderr
        return child.stdout
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def trained(run: Run, name: str, device: str) -> list[dict[str, Any]]:
    """The validations of a training on `device`, of which there is one."""
    label = f"{name.replace(' ', '-')}-{device}"
    settings = [*SETTINGS[name], "model.dropout=0", *ALWAYS]
    changes = [word for change in settings for word in ("--set", change)]
    if not Path("runs", label).exists():
        run(["train", "--config", "toy.yaml", "--run", label, "--device", device, *changes])
    lines = Path("runs", label, "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_is_that_of_the_cpu(
    name: str, device: str, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if device == "pretended" and name in ("gru4rec", "recurrent", "bfloat16"):
        pytest.skip("torch has its GRU, and the rules of autocast, for real devices alone")
    monkeypatch.chdir(folder)
    ours = trained(run, name, device)
    assert len(ours) == 2
    if device == "cpu":
        assert ours[-1]["loss"] < ours[0]["loss"]
        return
    rounding = 1e-2 if name == "bfloat16" else 1e-4
    for mine, theirs in zip(ours, trained(run, name, "cpu"), strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=rounding)


@pytest.mark.parametrize("device", DEVICES)
def test_evaluation_and_recommendation_are_those_of_the_cpu(
    device: str, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ours, theirs = (
        json.loads(run(["evaluate", "one", "--device", d, "--json"])) for d in (device, "cpu")
    )
    means = [
        [figure["mean"] for figure in report["figures"]["one"].values()]
        for report in (ours, theirs)
    ]
    np.testing.assert_allclose(*means, atol=1e-6)
    for name, d in (("a.csv", device), ("b.csv", "cpu")):
        run(["recommend", "--run", "one", "--users", "users.txt", "--output", name, "--device", d])
    rows = [
        [line.split(",")[:3] for line in Path(name).read_text().splitlines()]
        for name in ("a.csv", "b.csv")
    ]
    assert rows[0] == rows[1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_run_of_the_gpu_goes_on_from_its_checkpoint(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    start = ["train", "--config", "toy.yaml", "--device", "cuda", "--set"]
    run([*start, "training.epochs=1", "--run", "half"])
    run(["train", "--resume", "half", "--device", "cuda", "--set", "training.epochs=2"])
    run([*start, "training.epochs=2", "--run", "whole"])
    half, whole = (
        json.loads(Path("runs", name, "metrics.jsonl").read_text().splitlines()[-1])
        for name in ("half", "whole")
    )
    assert half["loss"] == pytest.approx(whole["loss"], rel=1e-4)
