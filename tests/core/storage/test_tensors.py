"""Checkpoints are written as the safetensors library writes them, without a copy of the tensors."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from seqrec_cli.core.storage import tensors as storage
from seqrec_cli.core.storage.tensors import (
    DTYPES,
    content_of,
    digest,
    in_file_order,
    load_tensors,
    open_tensors,
    safetensors_header,
    save_tensors,
    stored_digest,
    take_part,
)
from seqrec_cli.errors import RunError
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


def test_what_stays_in_the_file_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "BLOCK_BYTES", 32)  # several blocks of each tensor
    tensors, facts = all_kinds() | {"tall": torch.randn(23, 3)}, {"epoch": 3}
    save_tensors(tmp_path / "a.safetensors", tensors, facts)
    stored, told = open_tensors(tmp_path / "a.safetensors")
    assert told == facts
    assert stored_digest(tmp_path / "a.safetensors") == digest(tensors, json.dumps(facts))
    for name, tensor in tensors.items():
        copy = torch.empty_like(tensor)
        stored[name].copy_to(copy)
        assert torch.equal(copy, tensor), name
        assert (stored[name].dtype, stored[name].shape) == (tensor.dtype, tensor.shape)
    for step in (1, 2, 5):
        for first in range(step):
            rows = torch.empty_like(tensors["tall"][first::step])
            stored["tall"].copy_to(rows, first, step)
            assert torch.equal(rows, tensors["tall"][first::step])
    save_tensors(tmp_path / "b.safetensors", stored, facts)
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


def test_a_damaged_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"a": torch.arange(9.0)}, {})
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    for read in (open_tensors, load_tensors):
        with pytest.raises(RunError, match="its checksum does not match"):
            read(path)
    with pytest.raises(RunError, match="there is no checkpoint"):
        open_tensors(tmp_path / "b.safetensors")


class Halves:
    """A tensor that gives its content in two pieces, and counts how often it is asked."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor, self.asked = tensor, 0
        self.dtype, self.shape, self.nbytes = tensor.dtype, tensor.shape, tensor.nbytes

    def contents(self) -> Iterator[NDArray[np.uint8]]:
        self.asked += 1
        half = len(self.tensor) // 2
        yield content_of(self.tensor[:half])
        yield content_of(self.tensor[half:])


def test_a_tensor_in_pieces_gives_the_same_file_and_who_helps_is_asked_as_often(
    tmp_path: Path,
) -> None:
    tensors = {"a": torch.randn(7, 3), "b": torch.randn(2)}
    save_tensors(tmp_path / "a.safetensors", tensors, {})
    halves, helping = Halves(tensors["a"]), Halves(tensors["a"])
    save_tensors(tmp_path / "b.safetensors", tensors | {"a": halves}, {})
    take_part(tensors | {"a": helping})
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()
    assert helping.asked == halves.asked
