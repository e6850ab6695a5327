"""Several processes under one address; see also the tests of the command."""

import signal
from pathlib import Path

import pytest
import torch

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from seqrec_cli.commands.serve import say_news
from seqrec_cli.core.runs.served import Place
from seqrec_cli.errors import RunError
from seqrec_cli.serving import processes
from seqrec_cli.serving.limits import Limits
from seqrec_cli.serving.listening import listen
from seqrec_cli.serving.processes import Service, serve_by_processes


@pytest.mark.slow
def test_a_run_that_is_gone_before_a_process_has_read_it_ends_the_service(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "HUNG", 5)
    before = signal.getsignal(signal.SIGHUP)
    place = Place("nothing", None, tmp_path, torch.device("cpu"))
    service = Service(place, Limits(), 5.0, say_news)
    with listen("127.0.0.1", 0) as at, pytest.raises(RunError, match="could not begin"):
        serve_by_processes(service, at, 2)
    assert "there is no run" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGHUP) == before
