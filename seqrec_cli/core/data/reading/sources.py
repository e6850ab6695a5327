"""Bytes of a text, plain, gzipped or inside a zip archive, a block of whole lines at a time."""

import contextlib
import gzip
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqrec_cli.errors import InputError

BLOCK_BYTES = 1 << 19  # a block and what is made of it fit the processor's cache
LONGEST_LINE = 1 << 20
LARGEST_MEMBER = 8 << 30
MOST_MEMBERS = 10_000  # of an archive; looking through them takes time, each time
MOST_RATIO = 100  # of unpacked to packed: a log has 3 to 30
UNPACKED_ANYWAY = 1 << 20  # bytes that any packed text may have
# What reading damaged archives raises; a name that is no UTF-8 is a ValueError.
DAMAGED = (
    *(EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, struct.error),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, KeyError),
)
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class TextSource:
    """A text file, or a member of a zip archive."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    @property
    def filename(self) -> str:
        """The last part of the name, without `.gz`."""
        name = self.member.rpartition("/")[2] if self.member else self.path.name
        return name.removesuffix(".gz")

    def sibling(self, filename: str) -> "TextSource | None":
        """The file of that name in the same folder, of the disk or of the archive, if any."""
        if not self.member:
            path = self.path.with_name(filename)
            with contextlib.suppress(OSError):  # as when that name would be too long
                return TextSource(path) if path.is_file() else None
            return None
        folder, slash, _ = self.member.rpartition("/")
        member = f"{folder}{slash}{filename}"
        there = member in member_names(self.path)
        return TextSource(self.path, member) if there else None

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading, unpacked.

        Raises:
            InputError: missing, unreadable, or a damaged archive; also from reads in the block.
        """
        check_source(self.path)
        try:
            with contextlib.ExitStack() as stack:
                file = stack.enter_context(self.path.open("rb"))
                if self.member:
                    archive = stack.enter_context(zipfile.ZipFile(file))
                    text = stack.enter_context(self._open_member(archive))
                    start = archive.getinfo(self.member).header_offset
                    yield cast(BinaryIO, Unpacked(self, text, file, start))
                elif self.path.suffix == ".gz":
                    text = stack.enter_context(gzip.open(file))
                    yield cast(BinaryIO, Unpacked(self, text, file, 0))
                else:
                    yield file
        except FileNotFoundError:
            raise no_such_file(self.path) from None
        # BadGzipFile is an OSError: the damaged archive before the unreadable file.
        except DAMAGED as error:
            raise InputError(
                f"`{self}` is a damaged archive: {error}",
                "it was cut short or altered on its way: fetch or make it again",
            ) from error
        except IsADirectoryError:
            raise InputError(f"`{self}` is a folder", "name a file in it") from None
        except OSError as error:
            raise cannot_read(self.path, error) from error

    def _open_member(self, archive: zipfile.ZipFile) -> contextlib.AbstractContextManager[object]:
        member = archive.getinfo(self.member)
        if member.flag_bits & 1:
            raise InputError(f"`{self}` is encrypted", "unpack the archive and name the file")
        if member.file_size > LARGEST_MEMBER:
            raise InputError(
                f"`{self}` claims {member.file_size} bytes, more than {LARGEST_MEMBER}",
                "unpack the archive and name the file, if that is really its size",
            )
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(
                f"`{self}` is packed in a way that is rare in zip archives",
                "unpack the archive and name the file",
            )
        try:
            return archive.open(member)
        except NotImplementedError as error:
            raise InputError(f"cannot read `{self}`: {error}", "unpack the archive") from error

    def blocks(self, size: int = 0) -> Iterator[tuple[int, bytes]]:
        r"""Yield (number of the first line, bytes), each block of whole lines that end in `\n`.

        `size` is about how many bytes a block has, BLOCK_BYTES without it.
        A byte order mark is left out; `\r\n` becomes `\n`; a missing last `\n` is added.

        Raises:
            InputError: as `open`; a NUL byte; a line without end.
        """
        line = 1
        with self.open() as file:
            rest = b""
            first = True
            while content := file.read(size or BLOCK_BYTES):
                if first:
                    content = self._without_mark(content)
                    first = False
                end = content.rfind(b"\n") + 1
                if not end:
                    rest += content
                    if len(rest) > LONGEST_LINE:
                        raise self.too_long(line)
                    continue
                block = self._cleaned(rest + content[:end], line)
                rest = content[end:]
                yield line, block
                line += block.count(b"\n")
            if rest:
                yield line, self._cleaned(rest.rstrip(b"\r") + b"\n", line)

    def head(self, size: int = 1 << 16) -> list[str]:
        """The first lines, as text without their ends; damage further on is not noticed."""
        for _, block in self.blocks(size):
            return block.decode("utf-8", "replace").removesuffix("\n").split("\n")
        return []

    def lines(self, encoding: str = "utf-8") -> Iterator[str]:
        r"""Yield each line as text, with its `\n`.

        Raises:
            InputError: as `blocks`; a byte that the encoding does not have.
        """
        for line, block in self.blocks():
            try:
                text = block.decode(encoding)
            except UnicodeDecodeError as error:
                place = line + block.count(b"\n", 0, error.start)
                raise InputError(
                    f"`{self}`, line {place}: byte 0x{block[error.start]:02x} is not UTF-8",
                    "save the file as UTF-8",
                ) from error
            yield from (f"{each}\n" for each in text.removesuffix("\n").split("\n"))

    def too_long(self, line: int) -> InputError:
        return InputError(
            f"`{self}`, line {line}: longer than {LONGEST_LINE} bytes",
            "this does not look like a text file of interactions",
        )

    def _without_mark(self, content: bytes) -> bytes:
        if content.startswith(UTF16_MARKS):
            raise InputError(f"`{self}` is UTF-16 text", "save it as UTF-8")
        return content.removeprefix(UTF8_MARK)

    def _cleaned(self, block: bytes, line: int) -> bytes:
        if b"\0" in block:
            place = line + block.count(b"\n", 0, block.index(b"\0"))
            raise InputError(
                f"`{self}`, line {place}: a NUL byte, so this is not a text file",
                "export it as UTF-8 text",
            )
        return block.replace(b"\r\n", b"\n") if b"\r" in block else block


class Unpacked:
    """Reads what is being unpacked, and stops where that becomes more than packed text ever is."""

    def __init__(self, source: TextSource, text: Any, packed: BinaryIO, start: int) -> None:
        self.source = source
        self.text = text
        self.packed = packed
        self.start = start  # where the packed bytes begin
        self.done = 0

    def read(self, size: int) -> bytes:
        content = bytes(self.text.read(size))
        self.done += len(content)
        if self.done > max(UNPACKED_ANYWAY, MOST_RATIO * (self.packed.tell() - self.start)):
            raise InputError(
                f"`{self.source}` unpacks to more than {MOST_RATIO} times its size, "
                "which is no log of interactions but made to fill a disk or a memory",
                "unpack it and name the file, if you know where it comes from",
            )
        return content


def member_names(path: Path) -> list[str]:
    """The names of what is in a zip archive.

    Raises:
        InputError: it is damaged, or has very many members.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (*DAMAGED, OSError) as error:
        raise InputError(
            f"`{path}` is a damaged zip archive: {error}",
            "it was cut short or altered on its way: fetch or make it again",
        ) from error
    if len(names) > MOST_MEMBERS:
        raise InputError(
            f"`{path}` has {len(names)} members, more than {MOST_MEMBERS}",
            "unpack it and name the file with the interactions",
        )
    return names


def mode_of(path: Path) -> int:
    """The mode of the file or folder, 0 where there is none.

    Raises:
        InputError: it cannot be told, as in a folder that must not be searched.
    """
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except (OSError, ValueError) as error:
        raise cannot_read(path, error) from error


def is_folder(path: Path) -> bool:
    """Whether there is a folder; as `mode_of` where that cannot be told."""
    return stat.S_ISDIR(mode_of(path))


def check_source(path: Path) -> None:
    """Refuse what is missing, and what cannot be read more than once.

    A source is read for its format, its layout, its rows and its checksum.
    """
    mode = mode_of(path)
    if not mode:
        raise no_such_file(path)
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(
            f"`{path}` is not a regular file, and it must be one as it is read several times",
            "save what comes from it as a file, and name that",
        )


def cannot_read(path: Path, error: OSError | ValueError) -> InputError:
    """Say why `path` cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return InputError(f"cannot read `{path}`: {reason}", "check the path and its permissions")


def no_such_file(path: Path) -> InputError:
    """Say that `path` is missing."""
    return InputError(f"there is no file `{path}`", "check the path")
