"""The address of the server."""

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
