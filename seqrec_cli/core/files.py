"""The one way a file is written: whole or not at all."""

import contextlib
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from seqrec_cli.errors import OutputError


@contextlib.contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; it appears, complete and on disk, when the block ends well.

    The bytes go to a temporary file in the same folder, which is synced and then renamed over
    `path`. When the block raises, `path` is as it was. Missing parent folders are made.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Opened by hand so that the file gets the usual permissions and never an existing file.
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Say why `path` cannot be written and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = f"free some space on the disk of `{path.parent}`, or write elsewhere"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        remedy = f"get the right to write in `{path.parent}`, or write elsewhere"
    else:
        remedy = "write elsewhere"
    return OutputError(f"cannot write `{path}`: {error.strerror or error}", remedy)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system lets a folder be synced."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, atomically."""
    with atomic_writer(path) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, atomically."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as indented JSON, atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def point_link(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`, replacing an earlier link atomically."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError as error:
        raise cannot_write(link, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
