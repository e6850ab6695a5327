"""A service by several processes that share an address, under uvicorn's own supervisor.

Each process has the run in a memory of its own. The system gives a new connection to whichever
waits for one. A process that dies or hangs is replaced.
"""

import logging
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
SUPERVISOR = logging.getLogger("uvicorn.error")

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


class Deaths(logging.Handler):
    """Says which process died; the supervisor notes it beside much that concerns nobody."""

    def __init__(self, say: Say) -> None:
        super().__init__(logging.INFO)
        self.say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Say it, if it is a death."""
        words = record.getMessage()
        if words.endswith("died"):
            self.say(f"{words[0].lower()}{words[1:]}: another takes its place", True)


def serve_by_processes(service: Service, at: socket.socket, workers: int) -> None:
    """Answer by this many processes until SIGTERM or Ctrl-C; what was begun is answered.

    Raises:
        OutputError: there is no room for the counts.
        RunError: a process could not begin.
    """
    from seqrec_cli.core.storage.temporary import private_folder

    config = uvicorn.Config(service, factory=True, workers=workers, **how_to_answer())
    config.timeout_worker_healthcheck = HUNG
    deaths, level = Deaths(service.say), SUPERVISOR.level
    SUPERVISOR.addHandler(deaths)
    SUPERVISOR.setLevel(logging.INFO)
    before = os.environ.get(SHARED)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with private_folder() as folder:
            os.environ[SHARED] = str(folder.path)
            supervisor = Multiprocess(config, sockets=[at])
            supervisor.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        SUPERVISOR.removeHandler(deaths)
        SUPERVISOR.setLevel(level)
        os.environ.pop(SHARED) if before is None else os.environ.update({SHARED: before})
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise RunError("a process of the service could not begin", "see above for the reason")
