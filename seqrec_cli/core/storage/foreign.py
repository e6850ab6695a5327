"""All opening of files that may come from a stranger: regular files of a sane size only."""

import errno
import json
import os
import stat
import sys
from io import BufferedReader
from pathlib import Path
from typing import Any

# A device or a pipe may never answer: opening it so does not block.
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
PIECE = 1 << 20  # bytes of a read
LARGEST_TEXT = 64 << 20  # bytes of a manifest, an experiment or a history


def open_regular(path: Path, most: int | None = None, *, follow: bool = True) -> BufferedReader:
    """Open a regular file for reading bytes.

    Args:
        most: the largest size allowed, in bytes.
        follow: whether `path` may be a symbolic link.

    Raises:
        OSError: missing, unreadable, a device, a pipe or a folder, a link where none is allowed,
            or too large; `strerror` says which.
    """
    descriptor = os.open(path, os.O_RDONLY | NO_WAIT | (0 if follow else NO_LINK))
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if most is not None and status.st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: Path, most: int = LARGEST_TEXT, *, follow: bool = False) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: as `open_regular`.
    """
    with open_regular(path, most, follow=follow) as file:
        content = bytearray()
        # Not by its size: a file may grow while it is read, and files in /proc have size 0.
        while chunk := file.read(PIECE):
            content += chunk
            if len(content) > most:
                raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return bytes(content)


def read_standard_input(most: int) -> bytes:
    """All that the standard input holds.

    Raises:
        OSError: it is closed, or has more than `most` bytes.
    """
    if sys.stdin is None:
        raise OSError(errno.EBADF, "the standard input is closed", "-")
    content = sys.stdin.buffer.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", "-")
    return content


def read_text(path: Path, most: int = LARGEST_TEXT, *, follow: bool = False) -> str:
    """The content of a regular file of UTF-8 text.

    Raises:
        OSError: as `open_regular`.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_bytes(path, most, follow=follow).decode("utf-8-sig")


def read_json(path: Path, most: int = LARGEST_TEXT) -> Any:
    """The content of a regular file of JSON.

    Raises:
        OSError: as `open_regular`.
        ValueError, RecursionError: it is not JSON.
    """
    return json.loads(read_bytes(path, most))
