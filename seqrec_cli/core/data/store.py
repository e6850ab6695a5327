"""A prepared dataset on disk: `NAME.npz` with the arrays, or a folder `NAME.shards` with them by
user range (shards.py); beside it the manifest `NAME.json`."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from seqrec_cli.core.data import shards
from seqrec_cli.core.data.shards import ShardFile
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
    """The npz, or folder of shards, that a user calls `name`: a name in `data_dir`, or a path."""
    path = Path(name)
    if name.endswith((".npz", shards.SUFFIX)):
        return located(path)
    return located(
        path.with_name(f"{path.name}.npz") if len(path.parts) > 1 else data_dir / f"{name}.npz"
    )


def located(path: Path) -> Path:
    """Where the dataset at `path` is now: it may have become a folder of shards, or a file."""
    file, folder = path.with_suffix(".npz"), path.with_suffix(shards.SUFFIX)
    if not folder.is_dir():
        return path if path.exists() else file
    if not file.exists():
        return folder
    # Of one that was replaced while a process was killed both may be there.
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return folder if "shards" in foreign.read_json(manifest_path(path)) else file
    return path


def known_datasets(data_dir: Path) -> list[str]:
    """The names of the prepared datasets in `data_dir`."""
    found = {*data_dir.glob("*.npz"), *data_dir.glob(f"*{shards.SUFFIX}")}
    return sorted({path.stem for path in found if manifest_path(path).is_file()})


def dataset_bytes(path: Path) -> int:
    """How many bytes the arrays of a dataset take on the disk."""
    if path.suffix != shards.SUFFIX:
        return path.stat().st_size
    with contextlib.suppress(OSError, ValueError, RecursionError):
        names = shards.parts_of(foreign.read_json(manifest_path(path)))
        return sum((path / Path(name).name).stat().st_size for name in names)
    return 0


def refuse_other_source(path: Path, manifest: dict[str, Any]) -> None:
    """Refuse to replace the dataset at `path` (the npz) by one that was made from another file.

    The same file with other content, as of a log that grows, is no other file; nor is a copy.

    Raises:
        DatasetError: the dataset there was made from another file, or for another task.
    """
    before: Any = None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        before = foreign.read_json(manifest_path(path))
    if not located(path).exists() or not isinstance(before, dict):
        return
    old, new = before.get("source"), manifest["source"]
    if not isinstance(old, dict):
        return
    same = old.get("path") == new["path"] or (new["sha256"] and old.get("sha256") == new["sha256"])
    tasks = before.get("task", NEXT_ITEM), manifest.get("task", NEXT_ITEM)
    if same and tasks[0] == tasks[1]:
        return
    made = f"from `{old.get('path')}`" if not same else f"for the task {tasks[0]}"
    raise DatasetError(
        f"the dataset `{path}` was made {made}",
        "choose another name with `--name NAME`, or replace it with `--force`",
    )


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
        shards.remove_others(path.with_suffix(shards.SUFFIX), [])
    return manifest


def save_shards(
    path: Path, write: Callable[[Path], tuple[list[ShardFile], dict[str, Any]]]
) -> dict[str, Any]:
    """Write a dataset as a folder of shards, `path`, and the manifest beside it, which comes last
    and completes it.

    Args:
        write: writes the files into a folder, what is in common first, then the shards; gives them
            and the manifest.

    Returns the manifest as written.
    """
    with writing(path):
        try:
            files.make_folder(path)
            written, manifest = write(path)
            manifest = manifest | {"manifest_version": MANIFEST_VERSION}
            manifest |= shards.manifest_entries(path, written)
            files.write_json(manifest_path(path), manifest)
        except BaseException:
            shards.remove_others(path, shards.named_in(manifest_path(path)))
            raise
        shards.remove_others(path, written)
        for old in (path.with_suffix(".npz"), next_manifest_path(path)):
            files.remove(old)
    return manifest


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Wait for other writers of the dataset, and remove the leftovers of killed ones."""
    with locks.exclusive(path.with_name(f".{path.stem}.npz.lock"), None, f"`{path}`", ""):
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
    if path.suffix == shards.SUFFIX:
        return load_checked_shards(path, skip, check)
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


def load_checked_shards(
    path: Path, skip: Callable[[str], bool], check: Callable[[dict[str, Any]], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """As `load_checked`, of a folder of shards."""
    while True:
        manifest = read_manifest(path)
        check_version(manifest, MANIFEST_VERSION, f"the dataset `{path}`", DatasetError)
        check(manifest)
        try:
            return manifest, shards.load_shards(path, manifest, skip)
        except shards.MissingShard:
            # Prepared again meanwhile: the old shards are gone, and the manifest names the new.
            if read_manifest(path) == manifest:
                raise


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
    read_manifest(path)
    raise DatasetError(
        f"`{path}` is not the file that its manifest `{manifest}` describes",
        "it is damaged or half replaced: prepare it again",
    )


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the manifest beside a dataset.

    Raises:
        DatasetError: missing, or no manifest.
    """
    manifest = manifest_path(path)
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
    return content
