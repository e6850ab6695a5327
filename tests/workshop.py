"""A small folder to work in: a dataset, a finished run, and what commands need; for tests that
break things, in this process and in others."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from seqrec_cli.app import app
from tests.conftest import leave_one_out

CONFIG = """\
data: toy
model: {hidden: 4, blocks: 1, heads: 1, max_length: 6}
training: {epochs: 2, batch_size: 16, validate_every: 1, lr: 0.01}
"""
TRAIN = ["train", "--config", "toy.yaml", "--run", "one", "--device", "cpu"]
RESUME = ["train", "--resume", "one", "--device", "cpu"]
LEFTOVER = re.compile(r".*\.(tmp|lock|next)")


def build(folder: Path) -> None:
    """Make the folder."""
    starts = np.random.default_rng(0).integers(9, size=24)
    data = leave_one_out([[(start + t) % 9 + 1 for t in range(6)] for start in starts], 9)
    data.save(folder / "data" / "toy.npz")
    (folder / "toy.yaml").write_text(CONFIG)
    (folder / "users.txt").write_text("100\n101\n102\n")
    rows = [f"{user} {(user + t) % 7 + 1}" for user in range(1, 9) for t in range(5)]
    (folder / "log.txt").write_text("\n".join(rows) + "\n")
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = invoke(TRAIN)
    finally:
        os.chdir(before)
    assert result.exit_code == 0, result.output


def invoke(arguments: list[str]) -> Result:
    return CliRunner().invoke(app, arguments)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


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


def said_by_readme(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the code in the README of an exported model has made, run in its folder as it stands."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S)
    names: dict[str, Any] = {}
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        exec(code, names)
    return names
