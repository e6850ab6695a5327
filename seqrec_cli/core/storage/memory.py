"""How much memory and how many cores there are."""

import contextlib
import importlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

UNKNOWN = 4 << 30  # bytes, where nobody says
CGROUP = Path("/sys/fs/cgroup/memory.max")  # of a container
share: ContextVar[int | None] = ContextVar("share", default=None)  # of the cores, of a task


def total_memory() -> int:
    """Bytes of memory that this process may have: of the machine, the container, `ulimit -v`."""
    limits: list[int] = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    limits.append(address_space())
    with contextlib.suppress(OSError, ValueError):
        limits.append(int(CGROUP.read_text()))  # "max" where there is no limit
    return min((limit for limit in limits if limit > 0), default=UNKNOWN)


def available_cores() -> int:
    """The cores that this process may use, or its share of them inside `limited_cores`."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count() or 1
    return max(1, min(cores, share.get() or cores))


@contextlib.contextmanager
def limited_cores(most: int) -> Iterator[None]:
    """Use no more cores than that inside: others of this machine do a share of the same work."""
    token = share.set(most)
    try:
        yield
    finally:
        share.reset(token)


def address_space() -> int:
    """The bytes that this process may map (`ulimit -v`), or 0 without a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        resource = importlib.import_module("resource")  # not on Windows
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        return 0 if limit == resource.RLIM_INFINITY else int(limit)
    return 0


def in_words(size: float) -> str:
    """A number of bytes, as a person reads it."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:,.0f} TiB"
