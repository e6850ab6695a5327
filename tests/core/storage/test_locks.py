"""One writer at a time, and a lock that nobody holds once its process is gone."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seqrec_cli.core.storage.locks import exclusive
from seqrec_cli.errors import OutputError, RunError

HOLD = """
import sys, time
from pathlib import Path
from seqrec_cli.core.storage.locks import exclusive
with exclusive(Path(sys.argv[1]), None, "", ""):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    lock = tmp_path / "runs" / ".lock"
    with exclusive(lock, RunError, "the run `a`", "wait"):
        assert lock.read_text() == str(os.getpid())
        with (
            pytest.raises(RunError, match=f"`a` is being written by process {os.getpid()}"),
            exclusive(lock, RunError, "the run `a`", "wait"),
        ):
            pass
    assert list(lock.parent.iterdir()) == []
    with exclusive(lock, RunError, "the run `a`", "wait"):
        pass


def test_who_waits_comes_next(tmp_path: Path) -> None:
    lock, order = tmp_path / ".lock", []

    def second() -> None:
        with exclusive(lock, None, "", ""):
            order.append("second")

    with exclusive(lock, None, "", ""):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with (
        pytest.raises(OutputError, match=f"`x` is being written by process {process.pid}"),
        exclusive(lock, OutputError, "`x`", ""),
    ):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert lock.exists()
    with exclusive(lock, OutputError, "`x`", ""):
        pass


def test_says_when_there_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with (
        pytest.raises(OutputError, match=r"cannot write `.*/a/\.lock`"),
        exclusive(tmp_path / "a" / ".lock", None, "", ""),
    ):
        pass


def test_a_link_by_the_name_of_a_lock_is_refused_and_what_it_points_to_stays(
    tmp_path: Path,
) -> None:
    victim = tmp_path / "notes"
    victim.write_text("precious")
    for target in (victim, tmp_path / "made-outside"):
        lock = tmp_path / ".lock"
        lock.symlink_to(target)
        with (
            pytest.raises(OutputError, match="is a link, which seqrec never creates"),
            exclusive(lock, None, "", ""),
        ):
            pass
        lock.unlink()
    assert victim.read_text() == "precious"
    assert not (tmp_path / "made-outside").exists()
