"""Temporary copies: private, capped, and gone however the command ends."""

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from seqrec_cli.core.storage.temporary import HELD, PREFIX, private_folder
from seqrec_cli.errors import OutputError
from seqrec_cli.interrupts import Interrupted
from tests.faults import disk_of

HOLD = """
import time
from seqrec_cli.core.storage.temporary import private_folder
with private_folder() as folder, folder.new_file() as copy:
    copy.write(b"1 2")
    print(folder.path, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_copy_is_private_and_gone_afterwards(root: Path) -> None:
    with private_folder() as folder:
        with folder.new_file(".txt") as copy:
            assert copy.write(b"12") == 2
            copy.write(b"3")
        with folder.new_file(".txt") as other:
            other.write(b"4")
        assert (copy.path.read_bytes(), copy.size) == (b"123", 3)
        assert other.path != copy.path
        assert folder.path.parent == root
        if os.name == "posix":
            assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted(2), ValueError()])
def test_it_is_gone_after_any_error(root: Path, error: BaseException) -> None:
    def work() -> None:
        with private_folder() as folder, folder.new_file() as copy:
            copy.write(b"1")
            raise error

    with pytest.raises(type(error)):
        work()
    assert list(root.iterdir()) == []


def test_a_copy_has_a_largest_size(root: Path) -> None:
    with private_folder() as folder, folder.new_file(most=10) as copy:
        copy.write(b"1234567890")
        with pytest.raises(OutputError, match="more than 10 bytes"):
            copy.write(b"1")


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_full_disk_is_told(root: Path, step: int) -> None:
    """The file that is locked, the copy, and its bytes."""
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        disk_of(step, full),
        pytest.raises(OutputError, match="No space left on device") as raised,
        private_folder() as folder,
        folder.new_file() as copy,
    ):
        copy.write(b"1")
    assert str(root) in raised.value.message
    assert "set TMPDIR" in raised.value.hint
    assert list(root.iterdir()) == []


def test_no_folder_can_be_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(root / "nowhere"))
    with pytest.raises(OutputError, match="cannot write") as raised, private_folder():
        pass
    assert "set TMPDIR" in raised.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_what_a_killed_process_left_is_removed_and_a_living_one_s_stays(root: Path) -> None:
    environment = os.environ | {"TMPDIR": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    left = Path(process.stdout.readline().strip())
    os.utime(left / HELD, (0, 0))
    with private_folder():
        assert (left / "1").exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    os.utime(left / HELD)
    with private_folder():
        assert left.exists()  # it is young: its process may be about to lock it
    os.utime(left / HELD, (0, 0))
    with private_folder():
        assert not left.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_what_is_not_ours_is_left_alone(root: Path) -> None:
    """A folder by that name without our lock in it, and a link, whatever it points to."""
    mine = root / "elsewhere"
    mine.mkdir()
    (mine / HELD).write_text("")
    os.utime(mine / HELD, (0, 0))
    (root / f"{PREFIX}link").symlink_to(mine)
    (root / f"{PREFIX}notes").mkdir()
    (root / f"{PREFIX}trap").mkdir()
    (root / f"{PREFIX}trap" / HELD).symlink_to(mine / HELD)
    before = sorted(root.rglob("*"))
    with private_folder():
        pass
    assert sorted(root.rglob("*")) == before
