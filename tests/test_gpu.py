"""The same commands on a GPU: what comes out is that of the CPU within rounding.

Marked `gpu`, and skipped without one. The same code runs on the CPU first, so that it is exercised
where there is none.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.workshop import build

gpu = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
    ],
)
SETTINGS: dict[str, list[str]] = {
    "bce": [],
    "softmax": ["training.loss=softmax"],
    "gbce": ["training.loss=gbce", "training.negatives=4", "training.negatives_per=history"],
    "sampled softmax": ["training.loss=sampled_softmax", "training.negatives_per=batch"],
    "sparse rows": ["training.table_optimizer=adagrad"],
    "gru4rec": ["model={name: gru4rec, hidden: 8, max_length: 6}"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpu")
    build(path)
    return path


def run(arguments: list[str]) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def trained(name: str, device: str) -> list[dict[str, Any]]:
    """The validations of a training on `device`."""
    label = f"{name.replace(' ', '-')}-{device}"
    changes = [word for change in SETTINGS[name] for word in ("--set", change)]
    run(["train", "--config", "toy.yaml", "--run", label, "--device", device, *changes])
    lines = Path("runs", label, "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("device", ["cpu", gpu])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_is_that_of_the_cpu(
    name: str, device: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ours = trained(name, device)
    assert len(ours) == 2
    if device == "cpu":
        assert ours[1]["loss"] < ours[0]["loss"]
        return
    for mine, theirs in zip(ours, trained(name, "cpu"), strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-4)


@pytest.mark.parametrize("device", ["cpu", gpu])
def test_evaluation_and_recommendation_are_those_of_the_cpu(
    device: str, folder: Path, monkeypatch: pytest.MonkeyPatch
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
    folder: Path, monkeypatch: pytest.MonkeyPatch
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
