"""Files of torch.save: tensors come back; what holds anything else runs nothing and is refused."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from seqrec_cli.core.storage import torch_weights
from seqrec_cli.core.storage.torch_weights import read_state_dict, tensors_of
from seqrec_cli.errors import InputError


class Evil:
    """What makes a file where it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def saved(content: object, **options: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)  # type: ignore[arg-type]
    return file.getvalue()


def test_tensors_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    table = torch.arange(12.0).view(3, 4)
    state = {"a": table, "part": table[:, 1:3], "half": table.half(), "n": torch.tensor(3)}
    path.write_bytes(saved(state))
    old = saved(state, _use_new_zipfile_serialization=False)  # as before torch 1.6
    for found in (read_state_dict(path), tensors_of(old, len(old))):
        assert found.keys() == state.keys()
        for name, tensor in state.items():
            torch.testing.assert_close(found[name], tensor, atol=0, rtol=0)


def test_nothing_runs(tmp_path: Path) -> None:
    path, mark = tmp_path / "evil.pth", tmp_path / "mark"
    evil = Evil(f"touch {mark}")
    path.write_bytes(saved({"a": torch.ones(1), "b": evil}))
    with pytest.raises(InputError, match="weights alone: something in it is no tensor"):
        read_state_dict(path)
    for content in (saved({"a": evil}), pickle.dumps(evil, protocol=2)):
        with pytest.raises(pickle.UnpicklingError):
            tensors_of(content, len(content))
    assert not mark.exists()


def test_what_is_no_mapping_of_tensors_is_refused(tmp_path: Path) -> None:
    for content in ([1], {}, {"a": 1}, {1: torch.ones(1)}):
        with pytest.raises(ValueError, match="is not a"):
            tensors_of(saved(content), 10_000)
    path = tmp_path / "a.pth"
    path.write_bytes(b"hello")
    with pytest.raises(InputError, match="does not hold weights alone"):
        read_state_dict(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_state_dict(tmp_path / "missing.pth")


def test_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    wide = saved({"a": torch.zeros(1).expand(1 << 40)})
    with pytest.raises(ValueError, match="size"):
        tensors_of(wide, len(wide))
    # A table of zeros, deflated: torch unpacks it, and the limit of memory ends that.
    path, big = tmp_path / "bomb.pth", saved({"a": torch.zeros(1 << 25)})
    with zipfile.ZipFile(io.BytesIO(big)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InputError, match="does not hold weights alone"):
        read_state_dict(path)


def test_time_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(saved({"a": torch.ones(1)}))
    monkeypatch.setattr(torch_weights, "SECONDS", 0.05)
    with pytest.raises(InputError, match="seconds"):
        read_state_dict(path)
