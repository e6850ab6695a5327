"""Several processes under one address; see also the tests of the command."""

import signal
from pathlib import Path

import pytest
import torch

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

import uvicorn
from uvicorn.supervisors.multiprocess import SIGNALS, Multiprocess

from seqrec_cli.commands.serve import say_news
from seqrec_cli.core.runs.served import Place
from seqrec_cli.errors import RunError
from seqrec_cli.serving import processes
from seqrec_cli.serving.limits import Limits
from seqrec_cli.serving.listening import listen
from seqrec_cli.serving.processes import Service, Watched, serve_by_processes


@pytest.mark.slow
def test_a_run_that_is_gone_before_a_process_has_read_it_ends_the_service(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "HUNG", 5)
    before = signal.getsignal(signal.SIGHUP)
    place = Place("nothing", "a log", tmp_path, torch.device("cpu"))
    service = Service(place, Limits(), 5.0, say_news)
    with listen("127.0.0.1", 0) as at, pytest.raises(RunError) as caught:
        serve_by_processes(service, at, 2)
    assert "could not begin" in caught.value.message
    assert f"`seqrec serve nothing --data 'a log' --data-dir {tmp_path}`" in caught.value.hint
    assert "there is no run" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGHUP) == before


class Endless:
    """A process that does as it is told."""

    def __init__(self, pid: int) -> None:
        self.pid = pid


def test_a_process_that_was_replaced_is_said_whatever_the_supervisor_logs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second, third = Endless(1), Endless(2), Endless(3)
    said: list[tuple[str, bool]] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    watched = Watched(uvicorn.Config("none"), [], lambda *each: said.append(each))
    for number, handler in handlers.items():
        signal.signal(number, handler)
    watched.processes = [first, second]  # type: ignore[list-item]
    monkeypatch.setattr(Multiprocess, "keep_subprocess_alive", lambda self: None)
    watched.keep_subprocess_alive()
    assert said == []

    def replace(self: Multiprocess) -> None:
        self.processes[1] = third  # type: ignore[call-overload]

    monkeypatch.setattr(Multiprocess, "keep_subprocess_alive", replace)
    watched.keep_subprocess_alive()
    assert said == [("process [2] died: another takes its place", True)]
