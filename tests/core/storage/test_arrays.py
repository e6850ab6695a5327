"""Arrays that are hostile are refused before they take memory."""

import io
import zipfile
from pathlib import Path

import pytest

from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.errors import DatasetError


def npz(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    "content",
    [
        b"not a zip",
        npz(a=b"not an array"),
        npz(a=npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n.")),
        npz(
            a=npy("{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000,)}", b"12345678")
        ),
        npz(a=npy("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}", b"12345678")),
        npz(a=npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1, 1)}", b"12345678")),
        npz(a=npy("{'descr': [('x', '<i8')], 'fortran_order': False, 'shape': (1,)}", b"12345678")),
        npz(a=npy("__import__('os').system('true')", b"12345678")),
    ],
)
def test_hostile_arrays_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="is damaged"):
        load_arrays(path)


def test_a_compressed_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"0" * 10_000_000)
    with pytest.raises(DatasetError, match="is compressed"):
        load_arrays(tmp_path / "a.npz")
