"""Decompression as a stream, with a limit."""

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import Any, BinaryIO

from seqrec_cli.errors import InputError, MissingExtra

MOST_RATIO = 100  # of unpacked to packed: a log has 3 to 30
UNPACKED_ANYWAY = 1 << 20  # bytes that any packed text may have
# What reading damaged archives raises; a name that is no UTF-8 is a ValueError.
DAMAGED = (
    *(EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, struct.error, lzma.LZMAError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, KeyError, tarfile.TarError),
)
MAGIC = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
PACKED = (".gz", ".bz2", ".xz", ".zst")


class Unpacked:
    """Reads decompressed bytes, and stops at a ratio that no text reaches."""

    def __init__(self, source: object, text: Any, packed: BinaryIO, start: int) -> None:
        self.source = source
        self.text = text
        self.packed = packed
        self.start = start  # where the packed bytes begin
        self.done = 0

    def read(self, size: int) -> bytes:
        content = bytes(self.text.read(size))
        self.done += len(content)
        if self.done > max(UNPACKED_ANYWAY, MOST_RATIO * (self.packed.tell() - self.start)):
            raise InputError(
                f"`{self.source}` unpacks to more than {MOST_RATIO} times its size, "
                "which is not a log but made to exhaust disk or memory",
                "unpack it and name the file, if you know where it comes from",
            )
        return content


def unpacker(file: BinaryIO, packing: str) -> Any:
    """A reader of the unpacked bytes of one packed file."""
    if packing == "gz":
        return gzip.GzipFile(fileobj=file)
    if packing == "bz2":
        return bz2.BZ2File(file)
    if packing == "xz":
        return lzma.LZMAFile(file)
    try:
        import zstandard
    except ImportError:
        raise MissingExtra("zstandard", "zstd") from None
    return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
        file, read_across_frames=True
    )
