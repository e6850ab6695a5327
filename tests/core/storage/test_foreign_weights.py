"""Weights of another tool: tensors come back, and what could run does not."""

import io
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from seqrec_cli.core.storage.foreign_weights import read_weights
from seqrec_cli.errors import InputError


class Evil:
    """What makes a file where it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_tensors_come_back(tmp_path: Path) -> None:
    state = {"a": torch.arange(12.0).view(3, 4), "n": torch.tensor(3)}
    save_file(state, tmp_path / "a.safetensors")
    found = read_weights(tmp_path / "a.safetensors")
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        torch.testing.assert_close(found[name], tensor, atol=0, rtol=0)


@pytest.mark.parametrize("zipped", [True, False])
def test_what_would_run_is_refused_and_runs_nothing(tmp_path: Path, zipped: bool) -> None:
    path, mark, file = tmp_path / "evil.pth", tmp_path / "mark", io.BytesIO()
    evil = {"a": torch.ones(1), "b": Evil(f"touch {mark}")}
    torch.save(evil, file, _use_new_zipfile_serialization=zipped)
    path.write_bytes(file.getvalue())
    told = "would call `posix.system`" if zipped else "is a pickle, as torch saved before 1.6"
    with pytest.raises(InputError, match=told) as caught:
        read_weights(path)
    assert "save_file(model.state_dict()" in caught.value.hint
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 100])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="does not hold weights"):
        read_weights(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "."):
        with pytest.raises(InputError, match="cannot be read"):
            read_weights(tmp_path / name)
