"""Checkpoints are written as the safetensors library writes them, without a copy of the tensors."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from seqrec_cli.core.storage.tensors import (
    DTYPES,
    digest,
    in_file_order,
    load_tensors,
    safetensors_header,
    save_tensors,
)
from tests.hostile import forget_peak, peak


def all_kinds() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    tensors = {f"z.{kind}": (9 * torch.rand(3, 5)).to(kind) for kind in DTYPES}
    return tensors | {
        "é": torch.randn(4),
        "a": torch.zeros(()),
        "none": torch.zeros(0, 3),
        "turned": torch.randn(3, 2).T,
    }


def test_the_bytes_are_those_of_the_library(tmp_path: Path) -> None:
    tensors, facts = all_kinds(), {"epoch": 3, "worst": -float("inf"), "text": "é"}
    save_tensors(tmp_path / "a.safetensors", tensors, facts)
    text = json.dumps(facts)
    metadata = {"seqrec": json.dumps({"facts": text, "sha256": digest(tensors, text)})}
    plain = {name: tensor.contiguous() for name, tensor in tensors.items()}
    assert (tmp_path / "a.safetensors").read_bytes() == safetensors.torch.save(plain, metadata)
    loaded, told = load_tensors(tmp_path / "a.safetensors")
    assert told == facts
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


def test_the_header_is_that_of_the_library_whatever_is_missing() -> None:
    tensors = all_kinds()
    for name in in_file_order(tensors):
        some = {other: t.contiguous() for other, t in tensors.items() if other != name}
        written = safetensors.torch.save(some, {"k": "v"})
        assert written.startswith(safetensors_header(some, {"k": "v"}))


@pytest.mark.slow
def test_no_second_copy_of_the_tensors_is_made(tmp_path: Path) -> None:
    tensors = {f"t{n}": torch.full((8, 2**20), float(n)) for n in range(8)}  # 256 MB
    forget_peak()
    before = peak()
    save_tensors(tmp_path / "a.safetensors", tensors, {})
    assert peak() - before < 64 * 2**20


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    tensors = {"b": torch.arange(3.0), "a": torch.eye(2), "c": torch.tensor(3)}
    save_tensors(tmp_path / "1", tensors, {"x": 1})
    save_tensors(tmp_path / "2", dict(reversed(tensors.items())), {"x": 1})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
