"""Logs at addresses such as `s3://bucket/log.parquet`: fetched through fsspec, then read as files.

They lie in a private folder while they are read. In messages and in what is kept of the log, the
address stands where the folder was.
"""

import contextlib
import importlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import BLOCK_BYTES, MOST_MEMBERS, natural
from seqrec_cli.core.storage.temporary import PrivateFolder, private_folder
from seqrec_cli.errors import InputError, MissingExtra

ADDRESS = re.compile(r"([a-z][a-z0-9+.-]{1,20})://.")
FETCHED = Path("fetched")  # in the private folder
LARGEST = 64 << 30  # bytes of all files together
# Schemes that name no other machine, run something else, or chain several of them.
REFUSED = frozenset({"file", "local", "simplecache", "filecache", "blockcache", "dir", "reference"})
NOT_PLAIN = re.compile(r"[^\w.,=@+ ()-]")


def is_remote(text: str) -> bool:
    """Whether a source is an address rather than a path."""
    return ADDRESS.match(text) is not None


def file_name_of(address: str) -> str:
    """The last part of an address, without what is asked of the server."""
    return PurePosixPath(re.sub(r"[?#].*", "", address).rstrip("/")).name


@contextlib.contextmanager
def fetched(address: str) -> Iterator[Path]:
    """The file at an address, or the folder of its files, while the block runs.

    Raises:
        MissingExtra: a package is not installed.
        InputError: nothing there, no permission, too large; also from the block, with the address.
        OutputError: no room for it.
    """
    scheme = (ADDRESS.match(address) or [""] * 2)[1]
    if scheme in REFUSED or "::" in address:
        raise InputError(
            f"`{address}` is not an address that is fetched",
            "name a path, or an address such as https://… or s3://…",
        )
    system, path = opened_system(scheme, address)
    with private_folder() as folder:
        root, left = folder.path / FETCHED, LARGEST
        try:
            paths = found_at(system, scheme, path)
            base = common_folder(paths)
            for each in paths:
                inside = file_name_of(each) if len(paths) == 1 else each[len(base) :]
                left -= copy(system, each, folder, FETCHED / plain_path(inside), left, address)
        except (OSError, ValueError, PermissionError) as error:
            raise unreachable(address, error) from error
        except Exception as error:
            # Each kind of store has errors of its own, from packages that are not imported here.
            if error.__class__.__module__.split(".")[0] in ("seqrec_cli", "builtins"):
                raise
            raise unreachable(address, error) from error
        local = root / plain_path(file_name_of(paths[0])) if len(paths) == 1 else root
        try:
            yield local
        except InputError as error:
            shown = str(local)
            raise InputError(
                error.message.replace(shown, address), error.hint.replace(shown, address)
            ) from error


@contextlib.contextmanager
def fetched_files(reading: Reading) -> Iterator[tuple[Reading, dict[str, str]]]:
    """The options with paths for the addresses that name files; they lie there in the block.

    Yields the address of each path too. Raises as `fetched`.
    """
    addresses: dict[str, str] = {}
    with contextlib.ExitStack() as stack:

        def here(named: Path | str) -> Path | str:
            if not is_remote(str(named)):
                return named
            local = stack.enter_context(fetched(str(named)))
            addresses[str(local)] = str(named)
            return local

        files = {name: getattr(reading, name) for name in ("items", "users", "valid", "test")}
        changed: dict[str, Any] = {n: file and here(file) for n, file in files.items()}
        more = tuple(here(file) for file in reading.more)
        yield replace(reading, **changed, more=more), addresses


def opened_system(scheme: str, address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        MissingExtra: fsspec, or what it needs for this scheme, is not installed.
        InputError: nobody knows the scheme.
    """
    try:
        fsspec: Any = importlib.import_module("fsspec")
    except ImportError:
        raise MissingExtra("fsspec", "remote") from None
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        package = {"http": "aiohttp", "https": "aiohttp"}.get(scheme)
        registry = importlib.import_module("fsspec.registry")
        known = registry.known_implementations.get(scheme, {}).get("class", "")
        package = package or str(known).partition(".")[0] or scheme
        if package in ("aiohttp", "s3fs"):
            raise MissingExtra(package, "remote") from None
        raise InputError(
            f"`{address}` needs the package {package}, which is not installed: {error}",
            f"pip install {package}",
        ) from None
    except (ValueError, OSError) as error:
        raise unreachable(address, error) from error
    return system, str(path)


def found_at(system: Any, scheme: str, path: str) -> list[str]:
    """The files at a path: itself, those of a folder, or those of a pattern.

    Raises:
        InputError: there are none, or very many.
    """
    web = scheme in ("http", "https")
    if "*" in path:
        paths = system.glob(path)
    elif not web and system.isdir(path):
        paths = system.find(path)
    else:
        return [path]
    hidden = (".", "_")
    paths = [p for p in paths if not file_name_of(p).startswith(hidden) and not system.isdir(p)]
    if not paths or len(paths) > MOST_MEMBERS:
        raise InputError(
            f"there are {'no' if not paths else f'{len(paths):,}'} files at `{path}`",
            "name the log itself",
        )
    return sorted(map(str, paths), key=natural)


def common_folder(paths: list[str]) -> str:
    """The folder that all paths are in, with a slash behind it."""
    parts = [path.split("/")[:-1] for path in paths]
    shared = 0
    while all(len(own) > shared and own[shared] == parts[0][shared] for own in parts):
        shared += 1
    return "".join(f"{part}/" for part in parts[0][:shared])


def plain_path(path: str) -> Path:
    """A path in the store as one in a folder: below it, and of plain characters."""
    parts = [NOT_PLAIN.sub("_", part)[-200:] for part in path.split("/")]
    return Path(*[part for part in parts if part not in ("", ".", "..")] or ["log"])


def copy(
    system: Any, path: str, folder: PrivateFolder, inside: Path, left: int, address: str
) -> int:
    """Fetch one file, a block at a time; the number of its bytes.

    Raises:
        InputError: it has more bytes than are left.
        OutputError: the disk has no room.
    """
    with system.open(path, "rb") as source, folder.file_at(inside) as file:
        while block := source.read(BLOCK_BYTES):
            if file.size + len(block) > left:
                raise InputError(
                    f"`{address}` has more than {LARGEST:,} bytes",
                    "fetch it yourself, and name the file or the folder",
                )
            file.write(block)
    return file.size


def unreachable(address: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    if isinstance(error, FileNotFoundError):
        reason = "there is no such file, or nothing answers there"
    return InputError(
        f"cannot fetch `{address}`: {reason}",
        "check the address, and that your credentials for it are set",
    )
