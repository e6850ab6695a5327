"""Arrays of an npz where they lie on the disk: mapped into memory, page by page as they are read.

`write_npz` lays each array at a multiple of 64 bytes, so that it is aligned where it is mapped.
"""

import hashlib
import mmap
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from seqrec_cli.core.storage.arrays import DAMAGE, check_characters, read_header
from seqrec_cli.errors import DatasetError

ALIGNMENT = 64
PADDING = 0xD935  # the field of zip archives that aligns their members
ZIP64 = 20  # bytes of the field that sizes of a member take
WRITING: Final = "w"  # a member of an archive, into a file that somebody else has opened
BLOCK = 1 << 22  # elements that are written at a time


def write_npz(file: BinaryIO, arrays: Mapping[str, Any], *, aligned: bool) -> None:
    """Write an uncompressed npz, a block at a time: arrays may be longer than memory.

    The same arrays give the same bytes: unless `aligned` those of `numpy.savez`.
    """
    with zipfile.ZipFile(file, WRITING, zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")
            if aligned:
                info.extra = padding(file.tell() + 30 + len(info.filename) + ZIP64)
            with archive.open(info, WRITING, force_zip64=True) as member:
                npy.write_array_header_1_0(member, npy_header(array))  # a multiple of 64 bytes
                for block in bytes_of(array):
                    member.write(block)


def padding(place: int) -> bytes:
    """A field of a member's header that makes what follows it, at `place` without it, aligned."""
    length = -(place + 4) % ALIGNMENT
    return struct.pack("<HH", PADDING, length) + bytes(length)


def npy_header(array: Any) -> dict[str, Any]:
    """What an npy says of an array before its content."""
    descr = npy.dtype_to_descr(array.dtype)
    return {"descr": descr, "fortran_order": False, "shape": tuple(array.shape)}


def bytes_of(array: Any) -> Iterator[bytes]:
    """The content of an array."""
    if array.ndim != 1:
        yield np.ascontiguousarray(array).tobytes()
        return
    for start in range(0, len(array), BLOCK):
        yield np.ascontiguousarray(array[start : start + BLOCK]).tobytes()


class Heads:
    """A file that keeps the places of what is written to it, and only the bytes of small writes.

    It is what `zipfile` needs to write an archive whose members are not kept.
    """

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {}
        self.place = self.end = 0
        self.content = False  # whether what is written now is a member's content

    def write(self, content: bytes) -> int:
        if not self.content:
            self.kept[self.place] = bytes(content)
        return self.skip(len(content))

    def skip(self, length: int) -> int:
        self.place += length
        self.end = max(self.end, self.place)
        return length

    def tell(self) -> int:
        return self.place

    def seek(self, place: int, whence: int = 0) -> int:
        self.place = place if whence == 0 else self.end + place
        return self.place

    def seekable(self) -> bool:
        return True

    def flush(self) -> None:
        """Nothing is buffered."""


def npz_sha256(arrays: Mapping[str, Any]) -> str:
    """The SHA-256 of the npz that `numpy.savez` would write of these arrays.

    They are read twice, a block at a time: the archive says each one's checksum before it.
    """
    heads, contents = Heads(), {}
    with zipfile.ZipFile(heads, WRITING, zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(info, WRITING, force_zip64=True) as member:
                npy.write_array_header_1_0(member, npy_header(array))
                contents[heads.place] = array
                heads.content = True
                for block in bytes_of(array):
                    member.write(block)
                heads.content = False
    digest = hashlib.sha256()
    for place in sorted(heads.kept.keys() | contents.keys()):
        digest.update(heads.kept.get(place, b""))
        if place in contents:
            for block in bytes_of(contents[place]):
                digest.update(block)
    return digest.hexdigest()


def map_npz(path: Path, file: BinaryIO) -> dict[str, NDArray[Any]]:
    """The arrays of an uncompressed npz, mapped; they cannot be written to.

    Their contents are not checked: who maps a file has checked its checksum.

    Raises:
        DatasetError: damaged, or no npz of seqrec.
    """
    arrays: dict[str, NDArray[Any]] = {}
    try:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{member.filename} is compressed, which seqrec never does")
                with archive.open(member) as content:
                    dtype, shape = read_header(content, member)
                    header = content.tell()
                place = member.header_offset
                name, extra = struct.unpack("<26xHH", whole[place : place + 30])
                start = place + 30 + name + extra + header
                count = (member.file_size - header) // dtype.itemsize
                arrays[member.filename.removesuffix(".npy")] = (
                    np.frombuffer(whole, dtype, count, start).reshape(shape)
                    if count
                    else np.zeros(shape, dtype)
                )
        for name_, array in arrays.items():
            if array.dtype.kind == "U":
                check_characters(array, name_)
    except DAMAGE as error:
        raise DatasetError(f"`{path}` is damaged: {error}", "prepare it again") from error
    return arrays
