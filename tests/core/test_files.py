"""A file is written whole or not at all, and never seen half."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.files import atomic_writer, point_link, write_bytes, write_json, write_text
from seqrec_cli.errors import OutputError


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    write_text(path, "ä")
    assert path.read_bytes() == "ä".encode()
    write_json(path, {"b": 1, "a": "ü"})
    assert path.read_text(encoding="utf-8") == '{\n  "b": 1,\n  "a": "ü"\n}\n'
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_raises_changes_nothing(
    tmp_path: Path, before: bytes | None, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(error), atomic_writer(path) as file:  # noqa: PT012
        file.write(b"half")
        raise error
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(list(tmp_path.iterdir())) == (before is not None)


def test_is_not_seen_before_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_writer(path) as file:
        file.write(b"x")
        file.flush()
        assert not path.exists()
    assert path.exists()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EACCES, "get the right to write"),
        (errno.EROFS, "get the right to write"),
        (errno.EIO, "write elsewhere"),
    ],
)
def test_says_why_it_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def fail(descriptor: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError) as caught:
        write_bytes(path, b"new")
    assert caught.value.message == f"cannot write `{path}`: {os.strerror(number)}"
    assert remedy in caught.value.hint
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_where_a_folder_is_due(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(tmp_path / "a" / "b.txt", b"")


def test_points_a_link_elsewhere(tmp_path: Path) -> None:
    link = tmp_path / "latest"
    for target in ("one", "two"):
        (tmp_path / target).mkdir()
        point_link(link, target)
        assert link.readlink() == Path(target)
