"""One writer at a time: locks that vanish with the process that holds them.

The system holds them for an open file, so a process that is killed leaves none behind; what is in
the file, the holder's process id, is there for the sentence that refuses the next one.
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

POLL = 0.05  # seconds between two looks at a lock that somebody else holds
# A stranger's folder may hold a link by the name of a lock: what it points to is not ours to write.
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
BEYOND = 1 << 30  # the byte that Windows locks: whoever is refused may read those before it


@contextlib.contextmanager
def exclusive(
    path: Path, refusal: type[SeqRecError] | None, what: str, hint: str
) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; it is gone afterwards.

    Without `refusal` it is waited for. Where the file system knows no locks there is none.

    Raises:
        refusal: another process holds it; the sentence says which, and that it writes `what`.
        OutputError: the file cannot be made.
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
        # Removed while it is held: whoever opened it meanwhile finds that it is no longer there.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def acquire(path: Path) -> int | None:
    """Open and lock the file; None where somebody else holds it."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o666)
        except OSError as error:
            if path.is_symlink():
                raise OutputError(
                    f"the lock file `{path}` is a link, which seqrec never makes",
                    f"look where it points, then remove it: `rm {path}`",
                ) from error
            raise OutputError(
                f"cannot write `{path}`: {error.strerror or error}",
                f"get the right to write in `{path.parent}` and some space, or write elsewhere",
            ) from error
        if not try_lock(descriptor):
            os.close(descriptor)
            return None
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # its holder removed it after it was opened here
    with contextlib.suppress(OSError):  # a full disk: the lock holds without it
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def holder(path: Path) -> str:
    """Who holds a lock, in words."""
    with contextlib.suppress(OSError, ValueError):
        return f"process {int(foreign.read_text(path, 100))}"
    return "another process"


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, or say that somebody else did.

    Yes where there are no locks.
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
