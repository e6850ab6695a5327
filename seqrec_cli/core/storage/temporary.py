"""Files needed only while a command runs, such as unpacked copies, in a private folder.

The folder is in the system's temporary folder (`TMPDIR`), is readable only by its user, and is
removed when the command ends. A later command removes the folders of killed processes.
"""

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from seqrec_cli.core.storage import files, foreign
from seqrec_cli.core.storage.locks import try_lock
from seqrec_cli.errors import OutputError

PREFIX = "seqrec-"
HELD = ".held"  # a file that is locked as long as its folder is in use
SECONDS_TO_LOCK = 60  # a younger one may be about to be locked
LARGEST_COPY = 256 << 30  # bytes of one file
REMEDY = "set TMPDIR to a folder with more room"


class Copy:
    """A file in a private folder, while it is written."""

    def __init__(self, path: Path, file: BinaryIO, most: int) -> None:
        self.path = path
        self.size = 0
        self.file = file
        self.most = most

    def write(self, content: bytes) -> int:
        """Append bytes; how many there were.

        Raises:
            OutputError: the disk is full, or the file becomes too large.
        """
        self.size += len(content)
        if self.size > self.most:
            raise OutputError(
                f"an unpacked copy would take more than {self.most:,} bytes",
                "unpack it yourself, or cut it into parts, and name the folder",
            )
        try:
            self.file.write(content)
        except OSError as error:
            raise cannot_copy(self.path, error) from error
        return len(content)


class PrivateFolder:
    """A folder for this process alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = 0

    @contextlib.contextmanager
    def new_file(self, suffix: str = "", most: int = LARGEST_COPY) -> Iterator[Copy]:
        """A new file for writing bytes.

        Raises:
            OutputError: as `Copy.write`; it cannot be made.
        """
        self._files += 1
        with self.file_at(Path(f"{self._files}{suffix}"), most) as copy:
            yield copy

    @contextlib.contextmanager
    def file_at(self, inside: Path, most: int = LARGEST_COPY) -> Iterator[Copy]:
        """A new file at a path inside the folder, for writing bytes.

        Raises:
            OutputError: as `Copy.write`; it cannot be made.
        """
        path = self.path / inside
        try:
            files.disk.make_folder(path.parent)
            file = files.disk.create(path)
        except OSError as error:
            raise cannot_copy(path, error) from error
        try:
            yield Copy(path, file, most)
        except BaseException:
            with contextlib.suppress(OSError):
                file.close()
            raise
        try:
            file.close()
        except OSError as error:
            raise cannot_copy(path, error) from error


@contextlib.contextmanager
def private_folder() -> Iterator[PrivateFolder]:
    """A folder that is there while the block runs.

    Raises:
        OutputError: none can be made.
    """
    remove_abandoned()
    with contextlib.ExitStack() as stack:
        path = Path(PREFIX)
        try:
            folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
            path = Path(stack.enter_context(folder))
            stack.enter_context(files.create_locked(path / HELD))
        except OSError as error:
            raise cannot_copy(path / HELD, error) from error
        yield PrivateFolder(path)


def remove_abandoned() -> None:
    """Remove the folders of killed processes; those of a living one are locked."""
    with contextlib.suppress(OSError):
        for path in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
            with contextlib.suppress(OSError):
                if is_own_folder(path):
                    with foreign.open_regular(path / HELD, follow=False) as file:
                        age = time.time() - os.fstat(file.fileno()).st_mtime
                        abandoned = age > SECONDS_TO_LOCK and try_lock(file.fileno())
                    if abandoned:
                        shutil.rmtree(path)


def is_own_folder(path: Path) -> bool:
    """Whether it is a folder, no link to one, of the user who runs this."""
    status = path.lstat()
    own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return stat.S_ISDIR(status.st_mode) and own


def cannot_copy(path: Path, error: OSError) -> OutputError:
    problem = files.cannot_write(path, error)
    return OutputError(problem.message, f"{problem.hint}; or {REMEDY}")
