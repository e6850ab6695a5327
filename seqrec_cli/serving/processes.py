"""A service by several processes that share an address, under uvicorn's own supervisor.

Each process has the run in a memory of its own. The system gives a new connection to whichever
waits for one. A process that dies or hangs is replaced.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import SIGNALS, Multiprocess

from seqrec_cli.errors import RunError, SeqRecError
from seqrec_cli.serving.figures import SHARED
from seqrec_cli.serving.limits import Limits
from seqrec_cli.serving.listening import SWITCH, how_to_answer

if TYPE_CHECKING:
    from seqrec_cli.core.runs.live import Live
    from seqrec_cli.core.runs.served import Place

HUNG = 30  # seconds without a sign of life

Say = Callable[[str, bool], None]


@dataclass(frozen=True)
class Service:
    """What is served, and how; called in each process that answers, to which it is sent.

    Attributes:
        place: where the run is.
        every: seconds between two looks for newer weights.
        say: called with what happened, and whether it is bad.
    """

    place: "Place"
    limits: Limits
    every: float
    say: Say

    def answered_by(self, live: "Live") -> Any:
        """The application that answers requests by this run."""
        from seqrec_cli.serving.service import make_service

        return make_service(live, self.limits, self.every, self.say)

    def __call__(self) -> Any:
        """Load the run and make the application; a run that cannot be read ends the process."""
        from seqrec_cli.core.runs.live import Live

        sys.setswitchinterval(SWITCH)
        try:
            return self.answered_by(Live(self.place))
        except SeqRecError as error:
            self.say(error.message, True)
            raise SystemExit(STARTUP_FAILURE) from None


class Watched(Multiprocess):
    """The supervisor, which says which process it has replaced."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], say: Say) -> None:
        super().__init__(config, sockets)
        self.say = say

    def keep_subprocess_alive(self) -> None:
        """Put another process in the place of each that died or hangs."""
        before = list(self.processes)
        super().keep_subprocess_alive()
        for old, new in zip(before, self.processes, strict=True):
            if new is not old:
                self.say(f"process [{old.pid}] died: another takes its place", True)


def serve_by_processes(service: Service, at: socket.socket, workers: int) -> None:
    """Answer by this many processes until SIGTERM or Ctrl-C; what was begun is answered.

    Raises:
        OutputError: there is no room for the counts.
        RunError: a process could not begin.
    """
    from seqrec_cli.core.storage.temporary import private_folder

    config = uvicorn.Config(service, factory=True, workers=workers, **how_to_answer())
    config.timeout_worker_healthcheck = HUNG
    before = os.environ.get(SHARED)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with private_folder() as folder:
            os.environ[SHARED] = str(folder.path)
            supervisor = Watched(config, [at], service.say)
            supervisor.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.environ.pop(SHARED) if before is None else os.environ.update({SHARED: before})
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise RunError(
            "a process of the service could not begin; the reason is above",
            f"mend that, and see by a service of one process: `{service.place.typed()}`",
        )
