"""Tensors come back as they were saved, in the same bytes each time."""

from pathlib import Path

import torch

from seqrec_cli.core.storage.tensors import load_tensors, save_tensors


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    tensors = {"b": torch.arange(3.0), "a": torch.eye(2), "c": torch.tensor(3)}
    save_tensors(tmp_path / "1", tensors, {"x": 1})
    save_tensors(tmp_path / "2", dict(reversed(tensors.items())), {"x": 1})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    found, facts = load_tensors(tmp_path / "1")
    assert facts == {"x": 1}
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
