"""What torch saves comes back as it was; what a program beside it says is never done."""

import io
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqrec_cli.core.storage.torch_archive import DAMAGE, read_archive


def saved(value: Any, folder: Path, **options: Any) -> Path:
    path = folder / "a.pth"
    torch.save(value, path, **options)
    return path


def read(path: Path) -> dict[str, torch.Tensor]:
    with path.open("rb") as file:
        return read_archive(file)


def model() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.Sequential(nn.Embedding(11, 8, padding_idx=0), layer, nn.BatchNorm1d(8))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_weights_come_back(tmp_path: Path, protocol: int) -> None:
    state = model().state_dict()
    found = read(saved(state, tmp_path, pickle_protocol=protocol))
    assert list(found) == list(state)
    for name, tensor in state.items():
        assert found[name].dtype == tensor.dtype
        torch.testing.assert_close(found[name], tensor, atol=0, rtol=0)


def test_looks_into_one_storage_and_all_types_come_back(tmp_path: Path) -> None:
    whole = torch.arange(24.0).view(4, 6)
    types = [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool]
    state = {
        "whole": whole,
        "turned": whole.t(),
        "part": whole[1:3, ::2],
        "parameter": nn.Parameter(whole),
        "one": torch.tensor(3.5),
        "none": torch.empty(0, 5),
        **{str(kind): torch.arange(5).to(kind) for kind in types},
    }
    found = read(saved(state, tmp_path))
    for name, tensor in state.items():
        assert found[name].dtype == tensor.dtype
        torch.testing.assert_close(found[name], tensor.detach(), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (nn.Linear(2, 2), "a whole object, `torch.nn.modules.linear.Linear`"),
        ([torch.ones(2)], "step `"),
        ({}, "no dictionary"),
        ({"epoch": 3, "w": torch.ones(2)}, "`epoch` in it is no tensor"),
        ({3: torch.ones(2)}, "`3` in it is no tensor"),
        ({"w": torch.ones(2).to_sparse()}, "would call"),
    ],
)
def test_what_is_no_dictionary_of_tensors_is_refused(tmp_path: Path, value: Any, told: str) -> None:
    path = saved(value, tmp_path)
    with pytest.raises(ValueError, match=told):
        read(path)


def archive(program: bytes, numbers: bytes = bytes(16), **members: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        contents = {"data.pkl": program, "data/0": numbers, **members}
        for name, content in contents.items():
            made.writestr(f"a/{name}", content)
    return file


def number(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def tensor(offset: int, size: int, stride: int, *, key: bytes = b"0") -> bytes:
    """The program that makes a dictionary of one tensor."""
    text = b"X" + struct.pack("<I", len(key)) + key
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + text + b"X\x00\x00\x00\x00K\x04tQ"
    )
    look = number(offset) + number(size) + b"\x85" + number(stride) + b"\x85"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + look + b"\x89}tR"
    return b"\x80\x02}X\x01\x00\x00\x00w" + call + b"s."


def read_bytes(file: io.BytesIO, folder: Path) -> dict[str, torch.Tensor]:
    path = folder / "b.pth"
    path.write_bytes(file.getvalue())
    return read(path)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, 5, 1), (1, 4, 1), (0, 3, 2), (-1, 2, 1), (0, -1, 1), (0, 2, -1), (0, 2**39, 0), (4, 1, 1)],
)
def test_a_look_beyond_the_storage_is_refused(
    tmp_path: Path, offset: int, size: int, stride: int
) -> None:
    whole = read_bytes(archive(tensor(0, 4, 1)), tmp_path)
    torch.testing.assert_close(whole, {"w": torch.zeros(4)})
    with pytest.raises(ValueError, match=r"beyond|no size|more than the file"):
        read_bytes(archive(tensor(offset, size, stride)), tmp_path)


def test_archives_that_lie_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DAMAGE):
        read_bytes(archive(tensor(0, 4, 1, key=b"../../0")), tmp_path)
    with pytest.raises(ValueError, match="order"):
        read_bytes(archive(tensor(0, 4, 1), byteorder=b"big"), tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a/data.pkl", tensor(0, 4, 1))
        made.writestr("a/data/0", bytes(1 << 20))
    with pytest.raises(ValueError, match="more than the file has"):
        read_bytes(packed, tmp_path)
    # Many tensors of one storage claim more than there is.
    one = tensor(0, 1000, 1)[3:-1]
    many = b"\x80\x02}" + b"".join(
        one.replace(b"X\x01\x00\x00\x00w", b"X\x02\x00\x00\x00w" + bytes([65 + n]), 1)
        for n in range(26)
    )
    with pytest.raises(ValueError, match="claim more than the file has"):
        read_bytes(archive(many + b".", bytes(4000)), tmp_path)


def test_what_would_take_for_ever_is_refused_at_once(tmp_path: Path) -> None:
    # A tuple of two of itself, a hundred times: to hash it or to spell it takes 2^100 steps.
    nested = b")" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(100))
    for program in (
        b"\x80\x02}" + nested + b"K\x01s.",
        nested + b")R.",
        b"(X\x07\x00\x00\x00storage" + nested + b"X\x01\x00\x00\x000tQ.",
        nested + b"X\x01\x00\x00\x00a\x93)R.",
    ):
        with pytest.raises(DAMAGE):
            read_bytes(archive(program), tmp_path)
    # Twenty thousand looks into one storage of 8 MB copy nothing but what they see.
    one = tensor(0, 1, 1)[3:-1].removeprefix(b"X\x01\x00\x00\x00w")
    many = b"".join(b"X\x05\x00\x00\x00%05d" % n + one for n in range(20_000))
    start = time.process_time()
    found = read_bytes(archive(b"\x80\x02}" + many + b".", bytes(8 << 20)), tmp_path)
    assert len(found) == 20_000
    assert time.process_time() - start < 20  # 160 GB of copies take longer


@settings(max_examples=300, deadline=None)
@given(program=st.binary(max_size=200) | st.tuples(st.integers(0, 150), st.binary(max_size=4)))
def test_any_program_gives_tensors_or_an_error(
    program: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if isinstance(program, tuple):  # the right one with something else in it
        place, other = program
        right = tensor(0, 4, 1)
        program = right[:place] + other + right[place + len(other) :]
    try:
        found = read_bytes(archive(program), tmp_path_factory.mktemp("any"))
    except DAMAGE:
        return
    assert all(isinstance(each, torch.Tensor) for each in found.values())
