"""A prepared dataset: `NAME.npz` with the numbers, `NAME.json` (the manifest) with their story.

Item 0 is padding and never an item; items count from 1, users from 0.
"""

import contextlib
import hashlib
import json
import math
import re
import struct
import sys
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from seqrec_cli.core.data.features.table import Features, FeatureTable
from seqrec_cli.core.storage import files, locks
from seqrec_cli.errors import DatasetError, SeqRecError

PAD = 0
Part = Literal["train", "valid", "test"]
PARTS: tuple[Part, ...] = ("train", "valid", "test")
MANIFEST_VERSION = 1
TASK = "next-item"
NPY_HEADER = re.compile(
    rb"\{'descr': '([<|][iufUb][1-9][0-9]{0,5})', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,15},|[0-9]{1,15}, [0-9]{1,15}|)\), \} *\n"
)


@dataclass(frozen=True, eq=False)
class Sequences:
    """The items of each user, in order: those of user u are `items[offsets[u]:offsets[u + 1]]`.

    Attributes:
        offsets: int64 (users + 1,), from 0 to the number of items, never decreasing.
        items: int32 (interactions,), each 1 or more.
        features: of each user, where the dataset has any and a model may want them.
        owners: int64 (users,), which users of a dataset these are, where they are of one.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    features: FeatureTable | None = None
    owners: NDArray[np.int64] | None = None

    @classmethod
    def from_lists(cls, histories: Collection[Collection[int]]) -> "Sequences":
        """Pack one list of items a user."""
        lengths = [len(history) for history in histories]
        return cls(
            np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64),
            np.array([item for history in histories for item in history], dtype=np.int32),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, user: int) -> NDArray[np.int32]:
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self[user] for user in range(len(self)))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Items a user has, int64 (users,)."""
        return np.diff(self.offsets)

    @cached_property
    def users(self) -> NDArray[np.int64]:
        """The user of each interaction, int64 (interactions,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def take(self, users: NDArray[np.int64]) -> "Sequences":
        """The sequences of some users, in the order given."""
        lengths = self.lengths[users]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        # Interaction k of the result is k - (start in the result) + (start here).
        shift = np.repeat(self.offsets[users] - offsets[:-1], lengths)
        features = None if self.features is None else self.features.take(users)
        owners = None if self.owners is None else self.owners[users]
        return Sequences(offsets, self.items[np.arange(offsets[-1]) + shift], features, owners)

    def only(self, user: int) -> "Sequences":
        """The sequence of one user."""
        return self.take(np.array([user], np.int64))

    def distinct(self) -> "Sequences":
        """Each user's items once, where they come first."""
        order = np.lexsort((np.arange(len(self.items)), self.items, self.users))
        items, users = self.items[order], self.users[order]
        again = np.zeros(len(order), np.bool_)
        again[order[1:]] = (items[1:] == items[:-1]) & (users[1:] == users[:-1])
        lengths = np.bincount(self.users[~again], minlength=len(self))
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        return Sequences(offsets, self.items[~again])

    def followed_by(self, later: "Sequences") -> "Sequences":
        """Each user's items here, then each user's items in `later`."""
        offsets = self.offsets + later.offsets
        items = np.empty(offsets[-1], np.int32)
        for part, before in ((self, later.offsets[:-1]), (later, self.offsets[1:])):
            items[np.arange(len(part.items)) + np.repeat(before, part.lengths)] = part.items
        return Sequences(offsets, items, self.features, self.owners)


@dataclass(frozen=True, eq=False)
class SequenceDataset:
    """What was prepared: a train part, a valid part, and a test part unless it was left out.

    Attributes:
        name: the file's name without its ending.
        train: what models learn from.
        valid: what follows in each user's history, 0 or more items a user; picks the best weights.
        test: what follows after that; None in a dataset made for training.
        user_ids: the ids of the source, int64 or unicode (users,).
        item_ids: the ids of the source, int64 or unicode (items,); item i is `item_ids[i - 1]`.
        item_titles: unicode (items,), "" where unknown; or None.
        timestamps: for each part, int64 (interactions,), in the source's unit; or empty.
        ratings: for each part, float32 (interactions,); or empty.
        user_features: a row a user, or None.
        item_features: a row an item, item i at i - 1; or None.
        manifest: where the data came from, what was kept and dropped.
    """

    name: str
    train: Sequences
    valid: Sequences
    test: Sequences | None
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    item_titles: NDArray[np.str_] | None = None
    timestamps: dict[Part, NDArray[np.int64]] = field(default_factory=dict)
    ratings: dict[Part, NDArray[np.float32]] = field(default_factory=dict)
    user_features: FeatureTable | None = None
    item_features: FeatureTable | None = None
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def num_users(self) -> int:
        return len(self.user_ids)

    @property
    def num_items(self) -> int:
        return len(self.item_ids)

    @property
    def sha256(self) -> str:
        """The checksum of the npz file; "" for a dataset that was never saved."""
        return str(self.manifest.get("npz_sha256", ""))

    def without_test(self) -> "SequenceDataset":
        """The same dataset for training: it does not contain the test part."""
        return replace(
            self,
            test=None,
            timestamps={p: a for p, a in self.timestamps.items() if p != "test"},
            ratings={p: a for p, a in self.ratings.items() if p != "test"},
        )

    def features(self) -> Features:
        """What a model may be told beside histories."""
        counts = np.bincount(self.train.items, minlength=self.num_items + 1)[1:]
        return Features(self.user_features, self.item_features, counts > 0)

    def histories(self, before: Literal["end", "valid", "test"] = "end") -> Sequences:
        """What each user did, to the end or before the valid or the test part; with features."""
        owners = np.arange(self.num_users, dtype=np.int64)
        train = replace(self.train, features=self.user_features, owners=owners)
        if before == "valid":
            return train
        known = train.followed_by(self.valid)
        return known if before == "test" or self.test is None else known.followed_by(self.test)

    def save(self, path: Path) -> dict[str, Any]:
        """Write `path` (npz) and the manifest beside it, which comes last and completes it.

        Returns the manifest as written. The same dataset gives the same bytes.
        """
        if self.test is None:
            raise ValueError("a dataset without its test part is for training, not for saving")
        arrays: dict[str, NDArray[Any]] = {}
        for part, sequences in zip(PARTS, (self.train, self.valid, self.test), strict=True):
            arrays[f"{part}_offsets"] = sequences.offsets
            arrays[f"{part}_items"] = sequences.items
            if part in self.timestamps:
                arrays[f"timestamps_{part}"] = self.timestamps[part]
            if part in self.ratings:
                arrays[f"ratings_{part}"] = self.ratings[part]
        arrays |= {"user_ids": self.user_ids, "item_ids": self.item_ids}
        if self.item_titles is not None:
            arrays["item_titles"] = self.item_titles
        if self.user_features is not None:
            arrays |= self.user_features.arrays("user")
        if self.item_features is not None:
            arrays |= self.item_features.arrays("item")
        return save_checked(path, arrays, self.manifest)

    @classmethod
    def load(cls, path: Path, parts: Collection[Part] = PARTS) -> "SequenceDataset":
        """Read what `save` wrote; without "test" in `parts`, the test part is not even read.

        Raises:
            DatasetError: missing, damaged, or not a prepared dataset.
        """
        unwanted = [part for part in PARTS if part not in parts]
        manifest, arrays = load_checked(
            path,
            lambda name: any(part in name.split("_") for part in unwanted),
            lambda manifest: check_task(path, manifest, TASK),
        )
        try:
            return cls._from_arrays(path, arrays, parts, manifest)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            detail = f"no array {error}" if isinstance(error, KeyError) else str(error)
            raise DatasetError(
                f"`{path}` is not a prepared dataset: {detail}", "prepare it again"
            ) from error

    @classmethod
    def _from_arrays(
        cls,
        path: Path,
        arrays: dict[str, NDArray[Any]],
        parts: Collection[Part],
        manifest: dict[str, Any],
    ) -> "SequenceDataset":
        user_ids, item_ids = arrays["user_ids"], arrays["item_ids"]
        for name in ("user_ids", "item_ids", "item_titles"):
            if name in arrays:
                check_list(arrays[name], name)
        titles = arrays.get("item_titles")
        if titles is not None and titles.shape != item_ids.shape:
            raise ValueError(f"{len(titles)} titles for {len(item_ids)} items")
        if titles is not None and titles.dtype.kind != "U":
            raise ValueError("item_titles are not texts")
        sequences: dict[Part, Sequences] = {}
        timestamps: dict[Part, NDArray[np.int64]] = {}
        ratings: dict[Part, NDArray[np.float32]] = {}
        for part in parts:
            sequences[part] = checked_sequences(
                part,
                arrays[f"{part}_offsets"],
                arrays[f"{part}_items"],
                len(user_ids),
                len(item_ids),
            )
            for kind, found in (("timestamps", timestamps), ("ratings", ratings)):
                values = arrays.get(f"{kind}_{part}")
                if values is None:
                    continue
                dtype = np.int64 if kind == "timestamps" else np.float32
                if values.shape != sequences[part].items.shape or values.dtype != dtype:
                    raise ValueError(f"{kind}_{part} does not fit {part}_items")
                found[part] = values
        return cls(
            name=path.stem,
            train=sequences["train"],
            valid=sequences["valid"],
            test=sequences.get("test"),
            user_ids=user_ids,
            item_ids=item_ids,
            item_titles=titles,
            timestamps=timestamps,
            ratings=ratings,
            user_features=FeatureTable.from_arrays(arrays, "user", len(user_ids)),
            item_features=FeatureTable.from_arrays(arrays, "item", len(item_ids)),
            manifest=manifest,
        )


def check_list(array: NDArray[Any], name: str) -> None:
    """Refuse what are neither ids nor titles."""
    if array.ndim != 1 or not (array.dtype == np.int64 or array.dtype.kind == "U"):
        raise ValueError(f"{name} is neither a list of numbers nor of texts")


def checked_sequences(
    part: str, offsets: NDArray[Any], items: NDArray[Any], num_users: int, num_items: int
) -> Sequences:
    """Refuse offsets or items that would index outside."""
    if num_users < 0 or offsets.dtype != np.int64 or offsets.shape != (num_users + 1,):
        raise ValueError(f"{part}_offsets is not int64 of {num_users + 1} values")
    if items.dtype != np.int32 or items.ndim != 1:
        raise ValueError(f"{part}_items is not a list of int32")
    if offsets[0] != 0 or offsets[-1] != len(items) or (np.diff(offsets) < 0).any():
        raise ValueError(f"{part}_offsets does not partition {part}_items")
    if len(items) and not (items.min() >= 1 and items.max() <= num_items):
        raise ValueError(f"{part}_items has items outside 1 to {num_items}")
    return Sequences(offsets, items)


def check_regular(path: Path) -> None:
    """Refuse devices and pipes, which may never end.

    Raises:
        DatasetError: it is there, and is neither a file nor a folder.
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
        # With the next manifest there, one rename turns the old dataset into the new one.
        try:
            save_arrays(path, arrays, announce)
            files.move(next_manifest_path(path), manifest_path(path))
        except BaseException:
            settle(path)
            raise
    return manifest


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Wait until nobody else writes the dataset, and clean up after who was killed at it."""
    with locks.exclusive(path.with_name(f".{path.name}.lock"), None, f"`{path}`", ""):
        for own in (path, manifest_path(path), next_manifest_path(path)):
            files.remove_leftovers(path.parent, own.name)
        yield


def load_checked(
    path: Path, skip: Callable[[str], bool], check: Callable[[dict[str, Any]], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The manifest, once `check` has seen it, and the arrays that `skip` does not say yes to.

    Raises:
        DatasetError: missing, damaged, or the npz is not the manifest's.
    """
    try:
        check_regular(path)
        # Opened once: who prepares it anew replaces the file, not what is in it.
        with path.open("rb") as file:
            manifest = load_manifest(path, hashlib.file_digest(file, "sha256").hexdigest())
            check(manifest)
            return manifest, load_arrays(path, skip, file)
    except FileNotFoundError:
        raise DatasetError(
            f"there is no prepared dataset `{path}`",
            f"make it: `seqrec prepare {path.stem}`, or `seqrec prepare FILE --name {path.stem}`",
        ) from None
    except OSError as error:
        raise DatasetError(
            f"`{path}` cannot be read: {error.strerror}", "get the right to read it"
        ) from error


def check_task(path: Path, manifest: dict[str, Any], task: str) -> None:
    """Refuse a dataset that is for another task.

    Raises:
        DatasetError: with the task that it is for.
    """
    found = manifest.get("task", TASK)
    if found != task:
        raise DatasetError(
            f"the dataset `{path}` was prepared for the task {found}, and {task} is needed here",
            f"prepare its source with `--task {task}`, or use the runs and configs of {found}",
        )


def manifest_path(path: Path) -> Path:
    """The manifest of a prepared dataset lies beside its npz."""
    return path.with_suffix(".json")


def next_manifest_path(path: Path) -> Path:
    """Where the manifest lies while the npz is replaced; until it gets its own name it counts."""
    return path.with_name(f".{path.stem}.json.next")


def settle(path: Path) -> None:
    """Put the announced manifest in its place if the npz is the one it tells of, else remove it."""
    announced = next_manifest_path(path)
    with contextlib.suppress(SeqRecError, OSError, ValueError):
        told = json.loads(announced.read_bytes())["npz_sha256"]
        if path.exists() and files.sha256(path) == told:
            files.move(announced, manifest_path(path))
        else:
            files.remove(announced)


def load_manifest(path: Path, sha256: str) -> dict[str, Any]:
    """Read the manifest of the dataset at `path` (the npz), whose checksum is known.

    Whoever was killed while replacing a dataset left the next manifest, which fits if the npz was
    replaced.
    """
    manifest = manifest_path(path)
    for place in (manifest, next_manifest_path(path), manifest):  # it may be renamed meanwhile
        with contextlib.suppress(OSError, ValueError, RecursionError):
            content = json.loads(place.read_bytes())
            if isinstance(content, dict) and content.get("npz_sha256") == sha256:
                return content
    try:
        content = json.loads(manifest.read_bytes())
    except FileNotFoundError:
        raise DatasetError(
            f"`{path}` has no manifest `{manifest.name}` beside it",
            "it is half written, or was copied without its manifest: prepare it again",
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


def save_arrays(
    path: Path, arrays: dict[str, NDArray[Any]], before: Callable[[Path], None] | None = None
) -> None:
    """Write arrays as an uncompressed npz, atomically; the same arrays give the same bytes.

    `before` is called with the complete file before it gets its name.
    """
    size = sum(array.nbytes for array in arrays.values())
    with files.atomic_writer(path, size, before) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(
    path: Path, skip: Any = lambda name: False, file: BinaryIO | None = None
) -> dict[str, NDArray[Any]]:
    """Read an uncompressed npz, open already or not, except arrays whose name `skip` says yes to.

    Nothing is allocated before the size an array claims was held against the bytes that are there.

    Raises:
        DatasetError: not such a file, or damaged.
    """
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(file or path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if skip(name):
                    continue
                if member.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{member.filename} is compressed, which seqrec never does")
                if member.file_size > path.stat().st_size:
                    raise ValueError(f"{member.filename} claims to be larger than the file")
                with archive.open(member) as content:
                    arrays[name] = read_array(content, member)
    except FileNotFoundError:
        raise DatasetError(f"there is no file `{path}`", "make it first") from None
    # NotImplementedError, RuntimeError: zip features (encryption, ...) that we never write.
    except (
        *(OSError, ValueError, EOFError, zipfile.BadZipFile, struct.error, OverflowError),
        *(NotImplementedError, RuntimeError),
    ) as error:
        raise DatasetError(f"`{path}` is damaged: {error}", "make it again") from error
    return arrays


def read_array(file: Any, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one .npy of plain numbers or text whose header agrees with its length.

    The header is Python, of which only what NumPy writes for such an array is understood.
    """
    version = npy.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{member.filename} has the unknown npy version {version}")
    (length,) = struct.unpack("<H", file.read(2))
    header = file.read(length)
    found = NPY_HEADER.fullmatch(header)
    if not found:
        told = header[:80].decode("latin-1").strip()
        raise ValueError(f"{member.filename} holds {told}, which seqrec never writes")
    dtype = np.dtype(found[1].decode())
    shape = tuple(int(size) for size in found[2].replace(b",", b" ").split())
    if not dtype.isnative or math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
        raise ValueError(f"{member.filename} does not have the size that its header claims")
    content = file.read()  # to the end, where zipfile checks the CRC
    array = np.frombuffer(content, dtype=dtype).reshape(shape)
    if dtype.kind == "U":
        check_letters(array, member.filename)
    return array


def check_letters(array: NDArray[np.str_], name: str) -> None:
    """Refuse numbers that are no letters, of which Python could not make text."""
    letters = array.reshape(-1).view(np.uint32)
    if (letters > sys.maxunicode).any() or ((letters >= 0xD800) & (letters < 0xE000)).any():
        raise ValueError(f"{name} holds text that is not Unicode")
