"""One writer at a time: locks that vanish with the process that holds them.

The system holds a lock for an open file, so a killed process leaves none behind. The file contains
the holder's process id, which the error message for the next process names.
"""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from seqrec_cli.core.storage import foreign
from seqrec_cli.errors import OutputError, SeqRecError

POLL = 0.05  # seconds between two attempts to take a lock that another process holds
# A stranger's folder may hold a link by the name of a lock: its target must not be written.
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
BEYOND = 1 << 30  # the byte that Windows locks: the bytes before it stay readable


@contextlib.contextmanager
def exclusive(
    path: Path, refusal: type[SeqRecError] | None, what: str, hint: str
) -> Iterator[None]:
    """Hold the lock file `path` while the block runs, and remove it afterwards.

    Without `refusal`, wait for the lock. A file system without locks gives none.

    Raises:
        refusal: another process holds it; the message says which, and that it writes `what`.
        OutputError: the file cannot be created.
    """
    descriptor = acquire(path)
    while descriptor is None:
        if refusal is not None:
            raise refusal(f"{what} is being written by {holder(path)}", hint)
        time.sleep(POLL)
        descriptor = acquire(path)
    try:
        yield
    finally:
        # Removed while it is held: a process that opened it meanwhile sees that it has no name.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def acquire(path: Path) -> int | None:
    """Open and lock the file; None if another process holds the lock."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o666)
        except OSError as error:
            if path.is_symlink():
                raise OutputError(
                    f"the lock file `{path}` is a link, which seqrec never creates",
                    f"check where it points, then remove it: `rm {path}`",
                ) from error
            raise OutputError(
                f"cannot write `{path}`: {error.strerror or error}",
                f"check the permissions and the free space of `{path.parent}`, or write elsewhere",
            ) from error
        if not try_lock(descriptor):
            os.close(descriptor)
            return None
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # its holder removed it after this process opened it
    with contextlib.suppress(OSError):  # a full disk: the lock holds without the process id
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def is_held(path: Path) -> bool:
    """Whether a process holds the lock file `path` now."""
    try:
        descriptor = os.open(path, os.O_RDWR | NO_LINK)
    except OSError:
        return False  # there is none, or it is not ours to open
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def holder(path: Path) -> str:
    """The process that holds a lock, in words."""
    with contextlib.suppress(OSError, ValueError):
        return f"process {int(foreign.read_text(path, 100))}"
    return "another process"


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another process has locked it.

    True on a file system without locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, BEYOND, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
    return True
