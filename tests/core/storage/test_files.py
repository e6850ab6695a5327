"""A file is written whole or not at all, and never seen half."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.files import (
    atomic_writer,
    keep_previous,
    point_link,
    remove_leftovers,
    write_bytes,
    write_json,
    write_text,
)
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
        (errno.EACCES, "check the permissions"),
        (errno.EROFS, "check the permissions"),
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


def test_leftovers_of_the_killed_go_and_what_is_being_written_stays(tmp_path: Path) -> None:
    left = tmp_path / ".a.txt.123-0123abcd.tmp"
    other = tmp_path / ".b.txt.123-0123abcd.tmp"
    link = tmp_path / ".latest.9-0123abcd.tmp"
    for path in (left, other, tmp_path / ".a.txt.tmp", tmp_path / "a.txt.123-0123abcd.tmp"):
        path.write_bytes(b"half")
    link.symlink_to("nowhere")
    with atomic_writer(tmp_path / "a.txt") as file:
        file.write(b"whole")
        remove_leftovers(tmp_path, "a.txt")
        assert not left.exists()
        assert other.exists()
        remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".a.txt.tmp",
        "a.txt",
        "a.txt.123-0123abcd.tmp",
    ]
    assert (tmp_path / "a.txt").read_bytes() == b"whole"
    remove_leftovers(tmp_path / "nowhere")


def test_the_previous_file_is_kept_by_name(tmp_path: Path) -> None:
    path, previous = tmp_path / "a", tmp_path / "a.previous"
    keep_previous(path, previous)
    assert not previous.exists()
    for content in (b"1", b"2", b"3"):
        write_bytes(path, content, lambda _: keep_previous(path, previous))
    assert (path.read_bytes(), previous.read_bytes()) == (b"3", b"2")


def test_says_how_much_room_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError) as caught:
        write_bytes(tmp_path / "a", b"x" * 12345)
    assert "the file takes 12,345 bytes, and " in caught.value.hint
    assert caught.value.hint.endswith(" are free")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synced_is_forgiven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    files.write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"


def test_a_broken_disk_is_never_forgiven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError, match="Input/output error"):
        files.write_text(tmp_path / "a", "new")


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_where_links_cannot_be_made_a_text_file_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def symlink_to(self: Path, target: str) -> None:
        raise OSError(number, os.strerror(number))

    link = tmp_path / "latest"
    files.point_link(link, "one")
    assert files.read_link(link) == tmp_path / "one"
    monkeypatch.setattr(Path, "symlink_to", symlink_to)
    files.point_link(link, "two")
    assert not link.is_symlink()
    assert files.read_link(link) == tmp_path / "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest"]


def test_what_a_text_file_says_stays_beside_it(tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("../../etc")
    assert files.read_link(tmp_path / "latest") == tmp_path / "etc"


def test_appending_never_goes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "part").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="ymbolic link"):
        files.disk.append(tmp_path / "part")
    assert not (tmp_path / "victim").exists()
