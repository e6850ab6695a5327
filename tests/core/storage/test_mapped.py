"""An npz is written a block at a time and read where it lies; its bytes are those of NumPy."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.storage import mapped
from seqrec_cli.core.storage.mapped import map_npz, npz_sha256, write_npz
from seqrec_cli.errors import DatasetError

ARRAYS: dict[str, Any] = {
    "numbers": np.arange(1000, dtype=np.int64),
    "texts": np.array(["a", "日本", ""]),
    "table": np.arange(6, dtype=np.float32).reshape(3, 2),
    "nothing": np.zeros(0, np.int32),
    "one": np.array(5),
}


def of_numpy() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **ARRAYS)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "BLOCK", 7)


def written(path: Path, *, aligned: bool = True) -> Path:
    with path.open("wb") as file:
        write_npz(file, ARRAYS, aligned=aligned)
    return path


def test_writes_what_numpy_writes(tmp_path: Path) -> None:
    assert written(tmp_path / "x.npz", aligned=False).read_bytes() == of_numpy()


def test_knows_the_checksum_of_what_it_does_not_write() -> None:
    assert npz_sha256(ARRAYS) == hashlib.sha256(of_numpy()).hexdigest()


def test_maps_aligned_arrays_that_numpy_reads_too(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npz")
    with path.open("rb") as file:
        arrays = map_npz(path, file)
    assert list(arrays) == list(ARRAYS)
    with np.load(path) as theirs:
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, ARRAYS[name])
            np.testing.assert_array_equal(theirs[name], ARRAYS[name])
            assert array.dtype == ARRAYS[name].dtype
            assert not array.size or array.ctypes.data % mapped.ALIGNMENT == 0
    with pytest.raises(ValueError, match="read-only"):
        arrays["numbers"][0] = 1


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_refuses_what_is_cut_off(tmp_path: Path, share: float) -> None:
    path = written(tmp_path / "x.npz")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with path.open("rb") as file, pytest.raises(DatasetError, match="is damaged"):
        map_npz(path, file)


def test_refuses_what_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, **ARRAYS)
    with path.open("rb") as file, pytest.raises(DatasetError, match="is compressed"):
        map_npz(path, file)
