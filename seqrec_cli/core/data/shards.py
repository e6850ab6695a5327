"""A prepared dataset as a folder of shards by user range: `NAME.shards`, with the manifest
`NAME.json` beside it.

A shard has the arrays of its users under the same names as in an npz of the whole; `common` has
the others, such as the ids of items. A file is named after its checksum, and the manifest says
which belong to the dataset: one rename of it replaces an old dataset by a new one. Shards are
mapped into memory, and read where they are needed.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.lazy import chained
from seqrec_cli.core.data.sequences import PARTS
from seqrec_cli.core.storage import files, foreign
from seqrec_cli.core.storage.mapped import map_npz, npz_sha256, write_npz
from seqrec_cli.errors import DatasetError, SeqRecError

SUFFIX = ".shards"
MOST_SHARDS = 500  # each is an open file
BY_USER = ("offsets", "items")  # of a part
OF_INTERACTIONS = ("timestamps", "ratings")
NAME = re.compile(r"(?:[0-9]{5}|common)-([0-9a-f]{16})\.npz")


@dataclass(frozen=True)
class ShardFile:
    """A file of a dataset, as the manifest says.

    Attributes:
        file: its name in the folder.
        sha256: its checksum.
        users: how many users it has; none in the file of what they have in common.
    """

    file: str
    sha256: str
    users: int = 0

    @classmethod
    def read(cls, content: Any) -> "ShardFile":
        """An entry of a manifest.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        made = cls(content["file"], content["sha256"], content.get("users", 0))
        match = NAME.fullmatch(made.file)
        if not match or not made.sha256.startswith(match[1]):
            raise ValueError(f"`{made.file}` is not the name of a shard")
        if type(made.users) is not int or made.users < 0:
            raise ValueError(f"`{made.file}` cannot have `{made.users}` users")
        return made

    def as_dict(self) -> dict[str, Any]:
        """The entry for a manifest."""
        return {"file": self.file, "sha256": self.sha256, "users": self.users}


def bounds_of(users: int, shards: int) -> list[int]:
    """Where each shard begins and the last ends: about as many users in each."""
    return [users * number // shards for number in range(shards + 1)]


def is_by_user(name: str) -> bool:
    """Whether an array of a dataset has something for each user or interaction."""
    first, _, last = name.partition("_")
    in_parts = (first in PARTS and last in BY_USER) or (first in OF_INTERACTIONS and last in PARTS)
    return in_parts or name == "user_ids"


def cut_arrays(arrays: Mapping[str, NDArray[Any]], start: int, stop: int) -> dict[str, Any]:
    """The arrays of the users from `start` to `stop`."""
    found: dict[str, Any] = {}
    for name, array in arrays.items():
        if not is_by_user(name):
            continue
        if name == "user_ids":
            found[name] = array[start:stop]
        elif name.endswith("_offsets"):
            found[name] = array[start : stop + 1] - array[start]
        else:
            first, _, last = name.partition("_")
            part = first if first in PARTS else last
            begin, end = arrays[f"{part}_offsets"][[start, stop]].tolist()
            found[name] = array[begin:end]
    return found


def write_shard(
    folder: Path, number: int | None, arrays: Mapping[str, Any], users: int = 0
) -> ShardFile:
    """Write one file of a dataset, complete or not at all; `number` None: what is in common.

    The same arrays give the same file.
    """
    name = "common" if number is None else f"{number:05d}"
    sums: list[str] = []
    unnamed = folder / f".{name}.npz"
    size = sum(array.nbytes for array in arrays.values())
    with files.atomic_writer(unnamed, size, lambda path: sums.append(files.sha256(path))) as file:
        write_npz(file, arrays, aligned=True)
    made = ShardFile(f"{name}-{sums[0][:16]}.npz", sums[0], users)
    files.move(unnamed, folder / made.file)
    return made


def write_shards(folder: Path, arrays: Mapping[str, NDArray[Any]], count: int) -> list[ShardFile]:
    """Write all files of a dataset: what is in common first, then `count` shards."""
    users = len(arrays["user_ids"])
    if count > users:
        raise DatasetError(
            f"{users:,} users cannot be cut into {count:,} shards",
            f"use `--shards {users}` or fewer",
        )
    common = {name: array for name, array in arrays.items() if not is_by_user(name)}
    written = [write_shard(folder, None, common)]
    bounds = bounds_of(users, count)
    for number, (start, stop) in enumerate(pairwise(bounds)):
        cut = cut_arrays(arrays, start, stop)
        written.append(write_shard(folder, number, cut, stop - start))
    return written


def manifest_entries(folder: Path, written: Sequence[ShardFile]) -> dict[str, Any]:
    """What the manifest says of the files: what is in common, then the shards.

    `npz_sha256` is the checksum of the npz that the dataset would be as one file.
    """
    common, *shards = written
    arrays = joined_arrays(folder, common, shards, lambda name: False)
    return {
        "npz_sha256": npz_sha256(arrays),
        "common": {"file": common.file, "sha256": common.sha256},
        "shards": [shard.as_dict() for shard in shards],
    }


def remove_others(folder: Path, kept: Sequence[ShardFile]) -> None:
    """Remove the shards of the dataset that was there before, and what killed processes left."""
    names = {shard.file for shard in kept}
    with contextlib.suppress(OSError, SeqRecError):
        for path in sorted(folder.iterdir()):
            if path.name not in names and (NAME.fullmatch(path.name) or path.name[0] == "."):
                files.remove(path)
        if not names:
            files.disk.remove_folder(folder)


def load_shards(
    path: Path, manifest: Mapping[str, Any], skip: Callable[[str], bool]
) -> dict[str, NDArray[Any]]:
    """The arrays of a dataset, as those of an npz of the whole; those by interaction are lazy.

    Raises:
        DatasetError: a shard is missing, damaged, or not the one that the manifest describes.
    """
    try:
        common = ShardFile.read(manifest["common"])
        shards = [ShardFile.read(entry) for entry in manifest["shards"]]
        if not 1 <= len(shards) <= MOST_SHARDS:
            raise ValueError(f"it has {len(shards):,} shards")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"the manifest of `{path}` does not say which shards it has: {error}",
            "prepare it again",
        ) from error
    return joined_arrays(path, common, shards, skip)


def joined_arrays(
    folder: Path, common: ShardFile, shards: Sequence[ShardFile], skip: Callable[[str], bool]
) -> dict[str, NDArray[Any]]:
    """The arrays of all files, joined, in the order of an npz of the whole: those by user come
    first. Those for whose name `skip` is true are left out.
    """
    in_common = opened_shard(folder, common)
    arrays: dict[str, NDArray[Any]] = {}
    found = [checked_shard(folder, shard) for shard in shards]
    names = list(found[0])
    for shard, own in zip(shards, found, strict=True):
        if list(own) != names or not all(map(is_by_user, names)):
            raise damaged_shard(folder, shard, "it does not have the arrays of the other shards")
        if any(own[name].dtype != found[0][name].dtype for name in names):
            raise damaged_shard(
                folder, shard, "its arrays are of other types than those of the others"
            )
    for name in names:
        if not skip(name):
            pieces = [own[name] for own in found]
            arrays[name] = (
                joined_offsets(pieces)
                if name.endswith("_offsets")
                else np.concatenate(pieces)
                if name == "user_ids"
                else chained(pieces)
            )
    return arrays | {name: array for name, array in in_common.items() if not skip(name)}


def joined_offsets(pieces: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The offsets of all users, from those of each shard."""
    lengths = np.concatenate([np.diff(piece) for piece in pieces])
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))


def checked_shard(folder: Path, shard: ShardFile) -> dict[str, NDArray[Any]]:
    """The arrays of a shard, if they are as long as they must be."""
    arrays = opened_shard(folder, shard)
    for name, array in arrays.items():
        if name.endswith("_offsets"):
            length, kind = shard.users + 1, np.dtype(np.int64)
        elif name == "user_ids":
            length, kind = shard.users, array.dtype
        else:
            first, _, last = name.partition("_")
            offsets = arrays.get(f"{first if first in PARTS else last}_offsets")
            length, kind = -1 if offsets is None else int(offsets[-1]), array.dtype
        if array.shape != (length,) or array.dtype != kind:
            raise damaged_shard(folder, shard, f"{name} does not fit its {shard.users:,} users")
        if name.endswith("_offsets") and (array[0] != 0 or (np.diff(array) < 0).any()):
            raise damaged_shard(folder, shard, f"{name} does not partition anything")
    if "user_ids" not in arrays:
        raise damaged_shard(folder, shard, "it has no user_ids")
    return arrays


def opened_shard(folder: Path, shard: ShardFile) -> dict[str, NDArray[Any]]:
    """The arrays of a file, mapped, after its checksum was checked.

    Raises:
        DatasetError: missing, unreadable, or another file.
    """
    path = folder / shard.file
    try:
        with foreign.open_regular(path) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != shard.sha256:
                raise DatasetError(
                    f"the shard `{path}` is not the file that the manifest of its dataset "
                    "describes",
                    "it is damaged or of another dataset: copy the folder again, or prepare it "
                    "again",
                )
            return map_npz(path, file)
    except FileNotFoundError:
        raise MissingShard(
            f"the shard `{path}` is missing", "copy the whole folder, or prepare it again"
        ) from None
    except OSError as error:
        raise DatasetError(
            f"`{path}` cannot be read: {error.strerror}", "check its permissions"
        ) from error


class MissingShard(DatasetError):
    """A file that a manifest names is not there."""


def damaged_shard(folder: Path, shard: ShardFile, detail: str) -> DatasetError:
    return DatasetError(f"`{folder / shard.file}` is damaged: {detail}", "prepare it again")


def named_in(manifest: Path) -> list[ShardFile]:
    """The files that the manifest at a place names; none, if it cannot be read."""
    with contextlib.suppress(OSError, ValueError, RecursionError, KeyError, TypeError):
        content = foreign.read_json(manifest)
        return [ShardFile.read(entry) for entry in (content["common"], *content["shards"])]
    return []


def parts_of(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The files that a manifest names, for what counts their bytes."""
    entries = manifest.get("shards")
    for entry in (*(entries if isinstance(entries, list) else ()), manifest.get("common")):
        if isinstance(entry, dict) and isinstance(entry.get("file"), str):
            yield entry["file"]
