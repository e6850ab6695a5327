"""A file that may be a stranger's is regular and of a sane size, or is not read."""

import os
from pathlib import Path

import pytest

from seqrec_cli.core.storage import foreign


def test_reads_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + '{"ä": 1}'.encode())
    assert foreign.read_text(path) == '{"ä": 1}'
    assert foreign.read_bytes(path)[:3] == b"\xef\xbb\xbf"
    path.write_text('{"a": 1}')
    assert foreign.read_json(path) == {"a": 1}


def test_refuses_what_may_never_end_or_is_elsewhere(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "file").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="not a regular file"):
        foreign.read_bytes(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        foreign.read_bytes(tmp_path / "zeros", follow=True)
    with pytest.raises(OSError, match="ymbolic link"):
        foreign.read_bytes(tmp_path / "link")
    assert foreign.read_bytes(tmp_path / "link", follow=True) == b"secret"
    with pytest.raises(IsADirectoryError):
        foreign.read_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        foreign.read_bytes(tmp_path / "nothing")


def test_refuses_what_is_too_large_before_and_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(OSError, match="more than 1,000 bytes"):
        foreign.read_bytes(path, 1000)
    endless = Path("/proc/self/maps")  # says that it has no bytes
    if endless.exists():
        with pytest.raises(OSError, match="more than 10 bytes"):
            foreign.read_bytes(endless, 10)
