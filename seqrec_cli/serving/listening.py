"""The server under the service: its address, and its end, at which what was begun is answered."""

import signal
import socket
import sys
from typing import Any

import uvicorn

from seqrec_cli.errors import OutputError
from seqrec_cli.interrupts import SIGNALS

KEEP_ALIVE, DRAIN = 15, 30  # seconds between two requests of a connection; to answer at the end
MOST_AT_ONCE = 2_000  # connections
# Seconds after which the thread that scores lets the one in that answers; by default 5 ms, which
# a request would wait again and again.
SWITCH = 0.0005


def listen(host: str, port: int) -> socket.socket:
    """A socket at this address; port 0 takes a free one.

    Raises:
        OutputError: it is taken, not ours, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        at = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"cannot listen at {host}:{port}: {reason}", "choose another `--port` or `--host`"
        ) from error
    # Connections inherit it. Otherwise the end of each answer waits 40 ms for an acknowledgement:
    # asyncio sets it only for sockets that name their protocol, which this one does not.
    at.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return at


def how_to_answer() -> dict[str, Any]:
    """The settings of a server, whoever starts it."""
    return {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": DRAIN,
        "limit_concurrency": MOST_AT_ONCE,
    }


def serve_until_stopped(service: Any, at: socket.socket) -> None:
    """Answer until SIGTERM or Ctrl-C; then take nothing more, and answer what was begun."""
    config = uvicorn.Config(service, **how_to_answer())
    # The server takes the signals over, and raises them once more when it has ended.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    try:
        uvicorn.Server(config).run(sockets=[at])
    finally:
        sys.setswitchinterval(interval)
        for number, handler in before.items():
            signal.signal(number, handler)
