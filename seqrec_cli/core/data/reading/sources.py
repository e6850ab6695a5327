"""Sources of bytes: files, compressed files, members of archives; a stream, with a limit."""

import contextlib
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqrec_cli.core.data.reading.unpacking import DAMAGED, MAGIC, PACKED, Unpacked, unpacker
from seqrec_cli.errors import InputError

BLOCK_BYTES = 1 << 20
LARGEST_MEMBER = 8 << 30
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".ods", ".xls")  # zip archives, mostly
MOST_MEMBERS = 10_000  # of an archive; looking through them takes time, each time


@dataclass(frozen=True)
class TextSource:
    """A file, a member of a zip or tar archive, or a sheet of a workbook."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    @property
    def filename(self) -> str:
        """The last part of the name, without `.gz` and the like."""
        name = self.member.rpartition("/")[2] if self.member else self.path.name
        for suffix in PACKED:
            name = name.removesuffix(suffix)
        return name

    @property
    def workbook(self) -> bool:
        """Whether it is a sheet of a workbook, by the workbook's name."""
        return bool(self.member) and self.path.name.lower().endswith(WORKBOOKS)

    def sibling(self, filename: str) -> "TextSource | None":
        """The file of that name in the same folder, of the disk or of the archive, if any."""
        if not self.member:
            path = self.path.with_name(filename)
            with contextlib.suppress(OSError):  # as when that name would be too long
                return TextSource(path) if path.is_file() else None
            return None
        folder, slash, _ = self.member.rpartition("/")
        member = f"{folder}{slash}{filename}"
        return TextSource(self.path, member) if member in member_names(self.path) else None

    def packing(self) -> str:
        """How the file is packed, by its first bytes: "", gz, bz2, xz, zst, zip or tar."""
        check_source(self.path)
        try:
            with self.path.open("rb") as file:
                head = file.read(512)
        except IsADirectoryError:
            raise InputError(f"`{self}` is a folder", "name a file in it") from None
        except OSError as error:
            raise cannot_read(self.path, error) from error
        kind = next((kind for magic, kind in MAGIC if head.startswith(magic)), "")
        return "tar" if not kind and head[257:262] == b"ustar" else kind

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading, unpacked.

        Raises:
            InputError: missing, unreadable, or a damaged archive; also from reads in the block.
        """
        check_source(self.path)
        packing = self.packing()
        try:
            with contextlib.ExitStack() as stack:
                file = stack.enter_context(self.path.open("rb"))
                if self.workbook:
                    yield file
                elif self.member and packing == "zip":
                    yield self._open_zipped(stack, file)
                elif self.member:
                    yield self._open_tarred(stack, file, packing)
                elif packing in ("", "tar", "zip") and self.path.suffix not in PACKED:
                    yield file
                else:
                    packing = packing or self.path.suffix[1:]
                    yield cast(BinaryIO, Unpacked(self, unpacker(file, packing), file, 0))
        except FileNotFoundError:
            raise no_such_file(self.path) from None
        # BadGzipFile is an OSError: the damaged archive before the unreadable file.
        except DAMAGED as error:
            raise damaged(str(self), error) from error
        except OSError as error:
            if "Invalid data stream" in str(error):  # bz2
                raise damaged(str(self), error) from error
            raise cannot_read(self.path, error) from error

    def _open_zipped(self, stack: contextlib.ExitStack, file: BinaryIO) -> BinaryIO:
        archive = stack.enter_context(zipfile.ZipFile(file))
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
        text = stack.enter_context(archive.open(member))
        if self.member.endswith(PACKED):
            inner = cast(BinaryIO, Unpacked(self, text, file, member.header_offset))
            text = unpacker(inner, self.member.rpartition(".")[2])
        return cast(BinaryIO, Unpacked(self, text, file, member.header_offset))

    def _open_tarred(self, stack: contextlib.ExitStack, file: BinaryIO, packing: str) -> BinaryIO:
        archive, _ = open_tar(stack, self.path, file, packing)
        for entry in archive:
            if entry.name == self.member and entry.isreg():
                inside = archive.extractfile(entry)
                assert inside is not None
                text: Any = inside
                if self.member.endswith(PACKED):
                    text = unpacker(cast(BinaryIO, inside), self.member.rpartition(".")[2])
                return cast(BinaryIO, Unpacked(self, text, file, 0))
        raise InputError(f"there is no `{self.member}` in `{self.path}`", "name another member")

    def head(self, size: int = 1 << 16) -> bytes:
        """The first bytes, unpacked; damage further on is not noticed."""
        with self.open() as file:
            return file.read(size)

    @contextlib.contextmanager
    def blocks(self) -> Iterator[Iterator[bytes]]:
        """All bytes, unpacked, a block at a time; errors as from `open`."""
        with self.open() as file:
            yield iter(lambda: file.read(BLOCK_BYTES), b"")


def open_tar(
    stack: contextlib.ExitStack, path: Path, file: BinaryIO, packing: str
) -> tuple[tarfile.TarFile, Unpacked | BinaryIO]:
    """A tar archive as a stream, itself packed or not."""
    stream: Any = file
    if packing != "tar":
        stream = Unpacked(path, unpacker(file, packing), file, 0)
    return stack.enter_context(tarfile.open(fileobj=stream, mode="r|")), stream


def is_tar(path: Path) -> bool:
    """Whether it is a tar archive, packed or not."""
    source = TextSource(path)
    packing = source.packing()
    if packing in ("gz", "bz2", "xz", "zst"):
        return source.head(512)[257:262] == b"ustar"
    return packing == "tar"


def member_names(path: Path) -> list[str]:
    """The names of the files in a zip or tar archive.

    Raises:
        InputError: it is damaged, or has very many members.
    """
    try:
        if TextSource(path).packing() == "zip":
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        else:
            names = tar_names(path)
    except (*DAMAGED, OSError) as error:
        raise damaged(str(path), error) from error
    if len(names) > MOST_MEMBERS:
        raise InputError(
            f"`{path}` has {len(names)} members, more than {MOST_MEMBERS}",
            "unpack it and name the file with the interactions",
        )
    return names


def tar_names(path: Path) -> list[str]:
    names = []
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        archive, _ = open_tar(stack, path, file, TextSource(path).packing())
        for entry in archive:
            if entry.isreg():
                names.append(entry.name)
            if len(names) > MOST_MEMBERS:
                break
    return names


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts part-2 before part-10."""
    pieces = re.split(r"([0-9]+)", text)
    digits = {n: piece.lstrip("0") for n, piece in enumerate(pieces) if n % 2}
    # By length and then by letter, as numbers of thousands of digits are no numbers to Python.
    return [(len(digits[n]), digits[n]) if n % 2 else (-1, p) for n, p in enumerate(pieces)]


def parse_place(text: str) -> TextSource:
    """A path, or `ARCHIVE:MEMBER` where there is no file of the whole name."""
    path = Path(text)
    archive, colon, member = text.rpartition(":")
    if colon and member and archive and not mode_of(path) and mode_of(Path(archive)):
        return TextSource(Path(archive), member)
    return TextSource(path)


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


def damaged(what: str, error: Exception) -> InputError:
    return InputError(
        f"`{what}` is a damaged archive: {error}",
        "it was cut short or altered on its way: fetch or make it again",
    )


def cannot_read(path: Path, error: OSError | ValueError) -> InputError:
    """Say why `path` cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return InputError(f"cannot read `{path}`: {reason}", "check the path and its permissions")


def no_such_file(path: Path) -> InputError:
    """Say that `path` is missing."""
    return InputError(f"there is no file `{path}`", "check the path")
