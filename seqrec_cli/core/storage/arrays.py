"""Arrays in npz files: sizes checked before allocation, never an object."""

import contextlib
import math
import os
import re
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from seqrec_cli.core.storage import files, foreign
from seqrec_cli.errors import DatasetError

NPY_HEADER = re.compile(
    rb"\{'descr': '([<|][iufUb][1-9][0-9]{0,5})', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,15},|[0-9]{1,15}, [0-9]{1,15}|)\), \} *\n"
)

# What reading a damaged npz may raise. NotImplementedError, RuntimeError: zip features
# (encryption, ...) that we never write.
DAMAGE = (
    *(OSError, ValueError, EOFError, zipfile.BadZipFile, struct.error, OverflowError),
    *(NotImplementedError, RuntimeError),
)


def save_arrays(
    path: Path, arrays: dict[str, NDArray[Any]], before: Callable[[Path], None] | None = None
) -> None:
    """Write arrays as an uncompressed npz, atomically; the same arrays give the same bytes.

    `before` is called with the complete file before it is renamed to `path`.
    """
    size = sum(array.nbytes for array in arrays.values())
    with files.atomic_writer(path, size, before) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(
    path: Path, skip: Any = lambda name: False, file: BinaryIO | None = None
) -> dict[str, NDArray[Any]]:
    """Read an uncompressed npz, except arrays for whose name `skip` is true.

    No array is allocated before its claimed size is checked against the size of the file.

    Args:
        file: the npz, if it is open already.

    Raises:
        DatasetError: missing, damaged, or no npz of seqrec.
    """
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with contextlib.ExitStack() as stack:
            opened = file or stack.enter_context(foreign.open_regular(path))
            size = os.fstat(opened.fileno()).st_size
            archive = stack.enter_context(zipfile.ZipFile(opened))
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if skip(name):
                    continue
                if member.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{member.filename} is compressed, which seqrec never does")
                if member.file_size > size:
                    raise ValueError(f"{member.filename} claims to be larger than the file")
                with archive.open(member) as content:
                    arrays[name] = read_array(content, member)
    except FileNotFoundError:
        raise DatasetError(
            f"there is no file `{path}`", "check the path, or run the command that writes it"
        ) from None
    except DAMAGE as error:
        raise DatasetError(f"`{path}` is damaged: {error}", "write it again") from error
    return arrays


def read_array(file: Any, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one .npy of plain numbers or text whose header agrees with its length."""
    dtype, shape = read_header(file, member)
    content = file.read()  # to the end: only there zipfile checks the CRC
    array = np.frombuffer(content, dtype=dtype).reshape(shape)
    if dtype.kind == "U":
        check_characters(array, member.filename)
    return array


def read_header(file: Any, member: zipfile.ZipInfo) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The type and the shape of an .npy, which agree with its length.

    The header is a Python literal. It is matched against one pattern and never evaluated.
    """
    version = npy.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{member.filename} has the unknown npy version {version}")
    (length,) = struct.unpack("<H", file.read(2))
    header = file.read(length)
    match = NPY_HEADER.fullmatch(header)
    if not match:
        text = header[:80].decode("latin-1").strip()
        raise ValueError(f"{member.filename} holds {text}, which seqrec never writes")
    dtype = np.dtype(match[1].decode())
    shape = tuple(int(size) for size in match[2].replace(b",", b" ").split())
    if not dtype.isnative or math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
        raise ValueError(f"{member.filename} does not have the size that its header claims")
    return dtype, shape


def check_characters(array: NDArray[np.str_], name: str) -> None:
    """Refuse code points that Python cannot decode: surrogates, and those above U+10FFFF."""
    characters = array.reshape(-1).view(np.uint32)
    surrogates = (characters >= 0xD800) & (characters < 0xE000)
    if (characters > sys.maxunicode).any() or surrogates.any():
        raise ValueError(f"{name} holds text that is not Unicode")
