"""A prepared dataset on disk: `NAME.npz` with the arrays, `NAME.json` with the manifest."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from seqrec_cli.core.storage import files, foreign, locks
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.storage.versions import check_version
from seqrec_cli.errors import DatasetError, SeqRecError

MANIFEST_VERSION = 2  # 1: another encoding of features, see features/upgrade.py

NEXT_ITEM, RANKING = "next-item", "ranking"  # the tasks


def check_regular(path: Path) -> None:
    """Refuse devices and pipes, which may never end.

    Raises:
        DatasetError: it exists, and is neither a file nor a folder.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DatasetError(f"`{path}` is not a regular file", "name the npz of a prepared dataset")


def find_dataset(name: str, data_dir: Path) -> Path:
    """The npz that a user calls `name`: a name in `data_dir`, or a path."""
    path = Path(name)
    if name.endswith(".npz"):
        return path
    return path.with_name(f"{path.name}.npz") if len(path.parts) > 1 else data_dir / f"{name}.npz"


def save_checked(
    path: Path, arrays: dict[str, NDArray[Any]], manifest: dict[str, Any]
) -> dict[str, Any]:
    """Write `path` (npz) and the manifest beside it, which comes last and completes it.

    Returns the manifest as written.
    """
    manifest = manifest | {"manifest_version": MANIFEST_VERSION}

    def announce(complete: Path) -> None:
        manifest["npz_sha256"] = files.sha256(complete)
        files.write_json(next_manifest_path(path), manifest)

    with writing(path):
        # The next manifest exists already, so one rename turns the old dataset into the new one.
        try:
            save_arrays(path, arrays, announce)
            files.move(next_manifest_path(path), manifest_path(path))
        except BaseException:
            settle(path)
            raise
    return manifest


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Wait for other writers of the dataset, and remove the leftovers of killed ones."""
    with locks.exclusive(path.with_name(f".{path.name}.lock"), None, f"`{path}`", ""):
        for file in (path, manifest_path(path), next_manifest_path(path)):
            files.remove_leftovers(path.parent, file.name)
        yield


def load_checked(
    path: Path, skip: Callable[[str], bool], check: Callable[[dict[str, Any]], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The manifest, checked by `check`, and the arrays for whose name `skip` is false.

    Raises:
        DatasetError: missing, damaged, of a newer version, or manifest and npz do not match.
    """
    try:
        check_regular(path)
        while True:
            # Opened once: preparing it again replaces the file and does not change this one.
            with foreign.open_regular(path) as file:
                try:
                    manifest = load_manifest(path, hashlib.file_digest(file, "sha256").hexdigest())
                except DatasetError:
                    # Replaced after it was opened: its manifest is gone, and the new one is there.
                    if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                        raise
                    continue
                check_version(manifest, MANIFEST_VERSION, f"the dataset `{path}`", DatasetError)
                check(manifest)
                return manifest, load_arrays(path, skip, file)
    except FileNotFoundError:
        raise DatasetError(
            f"there is no prepared dataset `{path}`",
            f"make it: `seqrec prepare {path.stem}`, or `seqrec prepare FILE --name {path.stem}`",
        ) from None
    except OSError as error:
        raise DatasetError(
            f"`{path}` cannot be read: {error.strerror}", "check its permissions"
        ) from error


def check_task(path: Path, manifest: dict[str, Any], task: str) -> None:
    """Refuse a dataset of another task.

    Raises:
        DatasetError: the message names its task.
    """
    actual = manifest.get("task", NEXT_ITEM)
    if actual != task:
        raise DatasetError(
            f"the dataset `{path}` was prepared for the task {actual}, and {task} is needed here",
            f"prepare its source with `--task {task}`, or use a run or config for {actual}",
        )


def manifest_path(path: Path) -> Path:
    """The manifest of a prepared dataset lies beside its npz."""
    return path.with_suffix(".json")


def next_manifest_path(path: Path) -> Path:
    """The next manifest, while the npz is replaced; it is valid until it is renamed."""
    return path.with_name(f".{path.stem}.json.next")


def settle(path: Path) -> None:
    """Rename the next manifest if it describes the npz, else remove it."""
    announced = next_manifest_path(path)
    with contextlib.suppress(SeqRecError, OSError, ValueError):
        announced_sha256 = foreign.read_json(announced)["npz_sha256"]
        if path.exists() and files.sha256(path) == announced_sha256:
            files.move(announced, manifest_path(path))
        else:
            files.remove(announced)


def task_of(path: Path) -> str:
    """The task of the dataset at `path` (the npz), by its manifest; next-item by default.

    A manifest that cannot be read gives the default; `load_checked` reports the problem.
    """
    with contextlib.suppress(OSError, ValueError, RecursionError):
        content = foreign.read_json(manifest_path(path))
        if isinstance(content, dict):
            return str(content.get("task", NEXT_ITEM))
    return NEXT_ITEM


def load_manifest(path: Path, sha256: str) -> dict[str, Any]:
    """Read the manifest of the dataset at `path` (the npz), whose checksum is known.

    A process that was killed while it replaced the dataset left the next manifest, which matches if
    the npz was replaced.
    """
    manifest = manifest_path(path)
    for place in (
        manifest,
        next_manifest_path(path),
        manifest,
    ):  # another process may rename it meanwhile
        with contextlib.suppress(OSError, ValueError, RecursionError):
            content = foreign.read_json(place)
            if isinstance(content, dict) and content.get("npz_sha256") == sha256:
                return content
    try:
        content = foreign.read_json(manifest)
    except FileNotFoundError:
        raise DatasetError(
            f"`{path}` has no manifest `{manifest.name}` beside it",
            "copy its manifest too, or prepare it again",
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(
            f"the manifest `{manifest}` cannot be read: {error}", "prepare the dataset again"
        ) from error
    if not isinstance(content, dict):
        raise DatasetError(f"the manifest `{manifest}` is not a manifest", "prepare it again")
    raise DatasetError(
        f"`{path}` is not the file that its manifest `{manifest}` describes",
        "it is damaged or half replaced: prepare it again",
    )
