"""The address of the server."""

import socket

import pytest

pytest.importorskip("uvicorn")

from seqrec_cli.errors import OutputError
from seqrec_cli.serving.listening import listen


def test_a_taken_port_is_a_sentence() -> None:
    with listen("127.0.0.1", 0) as at:
        port = at.getsockname()[1]
        with pytest.raises(OutputError, match="cannot listen at") as caught:
            listen("127.0.0.1", port)
        assert "--port" in caught.value.hint
    with pytest.raises(OutputError):
        listen("no.such.host.invalid", 0)


def test_connections_send_what_is_short_at_once() -> None:
    with listen("127.0.0.1", 0) as at, socket.create_connection(at.getsockname()):
        accepted, _ = at.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
