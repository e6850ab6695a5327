"""Ctrl-C and SIGTERM: the command cleans up and ends within seconds.

The first signal raises `Interrupted` where the program is, so that half-written files are removed
and locks released. A second signal ends the process at once, and so does a timeout; what is then
left over is removed at the next start.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 3.0  # seconds to clean up


class Interrupted(BaseException):
    """The user, or the system, wants the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def handled() -> Iterator[None]:
    """End with exit code 130 or 143 when a signal comes while the block runs."""
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        yield
    except Interrupted as stop:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write("stopped\n")
        raise SystemExit(128 + stop.number) from None
    finally:
        next_one_ends()


def interrupt(number: int, frame: Any) -> NoReturn:
    """Leave the block; a second signal, or a timeout, kills the process."""
    next_one_ends()
    if is_importing(frame):
        # An exception in the midst of torch's initialisation aborts the process, noisily.
        with contextlib.suppress(OSError):
            os.write(2, b"stopped\n")
        end(number, frame)
    clock = threading.Timer(GRACE, os._exit, (128 + number,))
    clock.daemon = True
    clock.start()
    raise Interrupted(number)


def is_importing(frame: Any) -> bool:
    """Whether what runs in `frame` was called by an import."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def next_one_ends() -> None:
    """Let the next signal end the process at once."""
    for number in SIGNALS:
        signal.signal(number, end)


def end(number: int, frame: Any) -> NoReturn:
    """End the process as it stands."""
    os._exit(128 + number)
