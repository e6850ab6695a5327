"""All writing of files: a file is written completely or not at all."""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from seqrec_cli.core.storage import foreign
from seqrec_cli.core.storage.locks import NO_LINK, try_lock
from seqrec_cli.errors import OutputError

TEMPORARY = re.compile(r"\.(.+)\.[0-9]+-[0-9a-f]{8}\.tmp")  # as `temporary_for` names them


HASHED_AT_ONCE = 1 << 20  # bytes
NO_PRIVILEGE = 1314  # Windows: the account may not create links
NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class Disk:
    """All calls that change the disk; tests replace it by one that fails."""

    def make_folder(self, path: Path, exist_ok: bool = True) -> None:
        path.mkdir(parents=exist_ok, exist_ok=exist_ok)

    def create(self, path: Path) -> BinaryIO:
        return path.open("xb")  # with the usual permissions, and never an existing file

    def append(self, path: Path) -> BinaryIO:
        # Never through a link, which seqrec does not make.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | NO_LINK | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags, 0o666), "ab")

    def sync(self, file: BinaryIO) -> None:
        file.flush()
        os.fsync(file.fileno())

    def rename(self, path: Path, target: Path) -> None:
        path.replace(target)

    def link(self, path: Path, target: Path) -> None:
        """Give a file a second name; copy it where the file system has no hard links."""
        try:
            target.hardlink_to(path)
        except OSError:
            shutil.copyfile(path, target)
            with target.open("r+b") as file:
                os.fsync(file.fileno())

    def symlink(self, link: Path, target: str) -> None:
        link.symlink_to(target)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def remove_folder(self, path: Path) -> None:
        path.rmdir()

    def sync_folder(self, folder: Path) -> None:
        """Make a rename in `folder` survive a power cut, where a folder can be synced."""
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # Windows
            return
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some file systems cannot sync a folder. Any other error means a broken disk.
            if error.errno not in NO_SYNC:
                raise
        finally:
            os.close(descriptor)


disk = Disk()


@contextlib.contextmanager
def atomic_writer(
    path: Path, size: int = 0, before: Callable[[Path], None] | None = None
) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; it appears, complete and synced, when the block ends well.

    The bytes go to a temporary file in the same folder, which is synced and then renamed over
    `path`. When the block raises, `path` is unchanged. Missing parent folders are created.

    Args:
        size: the number of bytes, if known, for the message about a full disk.
        before: called with the complete temporary file just before it is renamed.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    temporary = temporary_for(path)
    try:
        disk.make_folder(path.parent)
        with create_locked(temporary) as file:
            yield file
            disk.sync(file)
            if before is not None:
                before(temporary)
            if sys.platform == "win32":
                file.close()
            # While it is locked, so that no process removes it as a leftover.
            disk.rename(temporary, path)
        disk.sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error, size) from error
    finally:
        with contextlib.suppress(OSError):
            disk.unlink(temporary)


def temporary_for(path: Path) -> Path:
    """A unique name beside `path` that matches TEMPORARY."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def create_locked(path: Path) -> BinaryIO:
    """Create a file and lock it: while it is open, `remove_leftovers` leaves it alone."""
    while True:
        file = disk.create(path)
        if try_lock(file.fileno()) and os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another process removed it as a leftover between the two calls
        disk.unlink(path)


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove temporary files of killed processes in `folder`, of the file `name` or of all.

    A file that another process is writing is locked, and stays.
    """
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            match = TEMPORARY.fullmatch(path.name)
            if match and name in (None, match[1]):
                with contextlib.suppress(OSError):
                    remove_unlocked(path)


def remove_unlocked(path: Path) -> None:
    """Remove a file or a link, unless a process has locked it."""
    if path.is_symlink() or sys.platform == "win32":  # where an open file cannot be removed
        disk.unlink(path)
        return
    with path.open("rb") as file:
        if try_lock(file.fileno()):
            disk.unlink(path)


def make_folder(path: Path) -> None:
    """Create a folder, if there is none.

    Raises:
        OutputError: it cannot be created.
    """
    try:
        disk.make_folder(path)
    except OSError as error:
        raise cannot_write(path, error) from error


def claim_folder(path: Path) -> bool:
    """Create a folder; False if it exists already."""
    try:
        disk.make_folder(path.parent)
        disk.make_folder(path, exist_ok=False)
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def keep_previous(path: Path, previous: Path) -> None:
    """Give the file at `path`, if there is one, the second name `previous`, atomically."""
    if not path.exists():
        return
    temporary = temporary_for(previous)
    try:
        disk.link(path, temporary)
        disk.rename(temporary, previous)
    except OSError as error:
        raise cannot_write(previous, error) from error
    finally:
        with contextlib.suppress(OSError):
            disk.unlink(temporary)


def move(path: Path, target: Path) -> None:
    """Rename a file over another, and sync the folder.

    Raises:
        OutputError: it cannot be renamed.
    """
    try:
        disk.rename(path, target)
        disk.sync_folder(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from error


def remove(path: Path) -> None:
    """Remove a file, if it exists, and sync the folder.

    Raises:
        OutputError: it cannot be removed.
    """
    try:
        disk.unlink(path)
        disk.sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError, size: int = 0) -> OutputError:
    """The error that says why `path` cannot be written, and the remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = f"free some space on the disk of `{path.parent}`, or write elsewhere"
        if size:
            remedy += f": the file takes {size:,} bytes{room_left(path.parent)}"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        remedy = f"check the permissions of `{path.parent}`, or write elsewhere"
    else:
        remedy = "check the path, or write elsewhere"
    return OutputError(f"cannot write `{path}`: {error.strerror or error}", remedy)


def room_left(folder: Path) -> str:
    """The free bytes on the disk of `folder`, in words; "" where they are unknown."""
    with contextlib.suppress(OSError):
        return f", and {shutil.disk_usage(folder).free:,} are free"
    return ""


def write_bytes(path: Path, content: bytes, before: Callable[[Path], None] | None = None) -> None:
    """Write `content` to `path`, atomically; `before` as in `atomic_writer`."""
    with atomic_writer(path, len(content), before) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, atomically."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as indented JSON, atomically."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    # A file name need not be Unicode; its other bytes are escaped as in JSON.
    write_bytes(path, text.encode(errors="backslashreplace"))


def point_link(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`, replacing an earlier link atomically.

    Without symbolic links (file system, Windows account) it is a text file with the target.
    """
    temporary = temporary_for(link)
    try:
        for _ in range(3):
            disk.symlink(temporary, target)
            with contextlib.suppress(FileNotFoundError):  # removed as a leftover: try again
                disk.rename(temporary, link)
                break
        disk.sync_folder(link.parent)
    except NotImplementedError:
        write_text(link, target)
    except OSError as error:
        if error.errno in NO_LINKS or getattr(error, "winerror", None) == NO_PRIVILEGE:
            write_text(link, target)
            return
        raise cannot_write(link, error) from error
    finally:
        with contextlib.suppress(OSError):
            disk.unlink(temporary)


def read_link(link: Path) -> Path:
    """The target of a link made by `point_link`, beside it; the path itself if it is no link."""
    if link.is_symlink():
        return link.parent / link.readlink()
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if link.is_file():
            return link.parent / Path(foreign.read_text(link, 1000).strip()).name
    return link


def sha256(path: Path, ended: Callable[[], bool] = lambda: False) -> str:
    """The SHA-256 of a file, as hexadecimal digits; of a part of it where `ended` turns true."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while (block := file.read(HASHED_AT_ONCE)) and not ended():
            digest.update(block)
    return digest.hexdigest()


def sha256_of_all(paths: Iterable[Path], ended: Callable[[], bool] = lambda: False) -> str:
    """The SHA-256 of a file; of several files, that of their own ones with spaces between them."""
    return sha256_of_sums([sha256(path, ended) for path in dict.fromkeys(paths)])


@contextlib.contextmanager
def summed_beside(paths: Iterable[Path]) -> Iterator[Future[str]]:
    """The `sha256_of_all` of files, which is made beside what the block does.

    It is given up when the block raises.
    """
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        checksum = pool.submit(sha256_of_all, list(paths), ended.is_set)
        try:
            yield checksum
        except BaseException:
            ended.set()
            raise


def sha256_of_sums(sums: Sequence[str]) -> str:
    """A checksum of several; one is itself."""
    return sums[0] if len(sums) == 1 else hashlib.sha256(" ".join(sums).encode()).hexdigest()
