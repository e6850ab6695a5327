"""A disk that fails or dies at the n-th thing it is asked for."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seqrec_cli.core.storage import files


class Killed(BaseException):
    """The process is gone: nobody catches this, and nothing is written any more."""


class Raw(io.FileIO):
    """A file whose writes the disk counts; what was not synced is lost in a power cut."""

    def __init__(self, path: Path, mode: str, disk: "Disk") -> None:
        super().__init__(path, mode)
        self.disk = disk
        self.kept = os.dup(self.fileno())
        self.synced = True

    def write(self, content: object, /) -> int:
        data = bytes(content)  # type: ignore[call-overload]
        if self.disk.dead:
            return len(data)
        self.synced = False
        end = self.disk.step("write", data)
        return super().write(data[:end]) if end else len(data)


class Disk(files.Disk):
    """Counts calls; at number `at` it raises `fault`, or writes less than it was asked to.

    A fault of `Killed` ends everything there, after half of a write; with `power_cut`, what was
    never synced is lost then too: contents, and renames. `None` for a fault is a short write.
    """

    def __init__(
        self, at: int = 0, fault: BaseException | None = None, *, power_cut: bool = False
    ) -> None:
        self.at = at
        self.fault = fault
        self.power_cut = power_cut
        self.calls: list[str] = []
        self.dead = False
        self.opened: list[Raw] = []
        self.renamed: list[tuple[Path, Path, bytes | None]] = []

    def step(self, what: str, data: bytes = b"") -> int:
        """Count a call; how many bytes of `data` are to be written."""
        self.calls.append(what)
        if len(self.calls) != self.at:
            return len(data)
        if self.fault is None:
            return max(1, len(data) // 2)
        if isinstance(self.fault, Killed):
            if data:
                os.write(self.opened[-1].kept, data[: len(data) // 2])
            self.die()
        raise self.fault

    def die(self) -> None:
        self.dead = True
        if not self.power_cut:
            return
        for source, target, old in reversed(self.renamed):
            source.write_bytes(target.read_bytes())
            target.unlink()
            if old is not None:
                target.write_bytes(old)
        for raw in self.opened:
            if not raw.synced:
                os.ftruncate(raw.kept, os.fstat(raw.kept).st_size // 2)

    def make_folder(self, path: Path, exist_ok: bool = True) -> None:
        if not self.dead:
            self.step("make folder")
            super().make_folder(path, exist_ok)

    def create(self, path: Path) -> BinaryIO:
        self.step("create")
        self.opened.append(Raw(path, "xb", self))
        return io.BufferedWriter(self.opened[-1])

    def append(self, path: Path) -> BinaryIO:
        self.step("append")
        self.opened.append(Raw(path, "ab", self))
        return io.BufferedWriter(self.opened[-1])

    def sync(self, file: BinaryIO) -> None:
        if not self.dead:
            file.flush()
            self.step("sync")
            next(raw for raw in self.opened if raw.name == file.name).synced = True

    def rename(self, path: Path, target: Path) -> None:
        if not self.dead:
            self.step("rename")
            link = target.is_symlink()
            old = target.read_bytes() if target.is_file() and not link else None
            super().rename(path, target)
            if not link and not target.is_symlink():
                self.renamed.append((path, target, old))

    def link(self, path: Path, target: Path) -> None:
        if not self.dead:
            self.step("link")
            super().link(path, target)

    def symlink(self, link: Path, target: str) -> None:
        if not self.dead:
            self.step("symlink")
            super().symlink(link, target)

    def unlink(self, path: Path) -> None:
        if not self.dead:
            self.step("unlink")
            super().unlink(path)

    def sync_folder(self, folder: Path) -> None:
        if not self.dead:
            self.step("sync folder")
            self.renamed = [each for each in self.renamed if each[1].parent != folder]

    def close(self) -> None:
        for raw in self.opened:
            os.close(raw.kept)


@contextmanager
def disk_of(
    at: int = 0, fault: BaseException | None = None, *, power_cut: bool = False
) -> Iterator[Disk]:
    """Write to such a disk while the block runs."""
    usual, disk = files.disk, Disk(at, fault, power_cut=power_cut)
    files.disk = disk
    try:
        yield disk
    finally:
        files.disk = usual
        disk.close()
