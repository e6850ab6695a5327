"""A prepared dataset: `NAME.npz`, or the folder `NAME.shards`, with the arrays; and `NAME.json`,
the manifest.

Item 0 is padding and never an item; items count from 1, users from 0.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.encoded import (
    ITEM_VECTORS,
    EncodedFeatures,
    Features,
    checked_vectors,
    side_features,
)
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.upgrade import upgrade
from seqrec_cli.core.data.item_table import ItemTable
from seqrec_cli.core.data.reading.units import PER_SECOND
from seqrec_cli.core.data.sequences import PARTS, Part, Sequences, check_list, checked_sequences
from seqrec_cli.core.data.shards import SUFFIX, write_shards
from seqrec_cli.core.data.store import (
    NEXT_ITEM,
    check_task,
    load_checked,
    save_checked,
    save_shards,
)
from seqrec_cli.errors import ConfigError, DatasetError

HELD_OUT: tuple[Literal["valid", "test"], ...] = ("valid", "test")


@dataclass(frozen=True, eq=False)
class SequenceDataset:
    """A prepared dataset for next items: a train part, a valid part, and a test part.

    Attributes:
        name: the file's name without its ending.
        train: the histories that models learn from.
        valid: the next items of each user, 0 or more; picks the best weights.
        test: the items after those; None in a dataset made for training.
        user_ids: the ids of the source, int64 or unicode (users,).
        item_ids: the ids of the source, int64 or unicode (items,); item i is `item_ids[i - 1]`.
        item_titles: unicode (items,), "" where unknown; or None.
        timestamps: for each part, int64 (interactions,), in the source's unit; or empty.
        ratings: for each part, float32 (interactions,); or empty.
        user_features: a row for each user, or None.
        item_features: a row for each item, item i at i - 1; or None.
        encoders: of the features of users and items.
        item_table: what is known of each item, as texts, for rules; or None.
        item_vectors: float32 (items, V), vectors of items from elsewhere, 0 for one that has none;
            or None.
        left_out_users: sorted marks (`marks_of`) of the users of the log that filters left
            out; None in a dataset of an earlier version.
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
    user_features: EncodedFeatures | None = None
    item_features: EncodedFeatures | None = None
    encoders: Encoders = field(default_factory=Encoders)
    item_table: ItemTable | None = None
    item_vectors: NDArray[np.float32] | None = None
    left_out_users: NDArray[np.int64] | None = None
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

    def with_valid_learnt(self) -> "SequenceDataset":
        """The dataset for a last fit: its train part has the valid part at its end, which is then
        empty; it does not contain the test part."""
        train, valid = self.train, self.valid
        times = self.timestamps
        return replace(
            self.without_test(),
            train=train.followed_by(valid),
            valid=Sequences(np.zeros(len(valid) + 1, np.int64), np.zeros(0, np.int32)),
            timestamps={"train": train.interleaved(valid, times["train"], times["valid"])}
            if {"train", "valid"} <= times.keys()
            else {},
            ratings={},
        )

    def timed(self) -> "SequenceDataset":
        """The dataset for models that read times: its sequences have those of their interactions,
        in seconds.

        Raises:
            ConfigError: it has none, or their unit is not known.
        """
        unit = str((self.manifest.get("time") or {}).get("unit", ""))
        parts = {part: getattr(self, part) for part in PARTS if getattr(self, part) is not None}
        if not parts.keys() <= self.timestamps.keys() or unit not in PER_SECOND:
            why = "has times of an unknown unit" if self.timestamps else "has no times"
            raise ConfigError(
                f"the dataset `{self.name}` {why}, and the model is to read them (`time: true`)",
                "leave out `time: true`, or prepare a log with a column of times",
            )
        return replace(
            self,
            **{
                part: replace(sequences, times=self.timestamps[part] // PER_SECOND[unit])
                for part, sequences in parts.items()
            },
        )

    def features(self) -> Features:
        """The inputs of a model other than histories."""
        return Features(
            self.encoders, self.item_features, self.item_counts() > 0, self.item_vectors
        )

    def item_counts(self) -> NDArray[np.int64]:
        """How often the train part has each item, int64 (items,)."""
        return self.train.item_counts(self.num_items)[1:]

    def new_items(self) -> NDArray[np.bool_]:
        """Which items nobody has, in any part, bool (items,): `prepare --new-items` puts them
        last."""
        count = self.manifest.get("items_without_interactions", 0)
        if type(count) is not int or not 0 <= count <= self.num_items:
            raise DatasetError(
                f"the manifest of `{self.name}` is damaged: `items_without_interactions` is "
                f"{count!r}",
                "prepare it again",
            )
        return np.asarray(np.arange(self.num_items) >= self.num_items - count)

    @property
    def whole_sessions(self) -> bool:
        """Whether held-out users are sessions that lie in their part from the first item on."""
        split = self.manifest.get("split")
        return isinstance(split, dict) and split.get("whole_sessions") is True

    def learnt(self) -> Sequences:
        """The histories that models learn from: the train part, with features."""
        owners = np.arange(self.num_users, dtype=np.int64)
        return replace(self.train, features=self.user_features, owners=owners)

    def histories(
        self, before: Literal["end", "valid", "test"] = "end", last: int = 1
    ) -> Sequences:
        """The history of each user, to the end or before the targets of the valid or test part;
        with features. The history of a held-out session is all but its `last` items."""
        known = self.learnt()
        for part in HELD_OUT:
            held_out = self.held_out(part)
            if held_out is None:
                break
            if part == before:
                first = held_out.cut(np.maximum(held_out.lengths - last, 0))[0]
                return known.followed_by(first) if self.whole_sessions else known
            known = known.followed_by(held_out)
        return known

    def held_out(self, part: Literal["valid", "test"]) -> Sequences | None:
        """A part that is not learnt from; None for a test part that was left out."""
        return self.valid if part == "valid" else self.test

    def targets(self, part: Literal["valid", "test"], most: int | None = None) -> Sequences:
        """What is to be predicted from the histories before `part`: all of the part, or the last
        item of a held-out session; with `most` the first so many of the part, or the last so many
        items of a session.

        Raises:
            ValueError: the test part was left out.
        """
        held_out = self.held_out(part)
        if held_out is None:
            raise ValueError("this dataset was loaded without its test part")
        if not self.whole_sessions:
            return held_out if most is None else held_out.cut(np.minimum(held_out.lengths, most))[0]
        return held_out.cut(np.maximum(held_out.lengths - (most or 1), 0))[1]

    def save(self, path: Path, shards: int = 1) -> dict[str, Any]:
        """Write `path` and the manifest beside it, which comes last and completes it: an npz, or a
        folder of so many shards where `path` ends in .shards.

        Returns the manifest as written. The same dataset gives the same bytes.
        """
        arrays = self.arrays()
        if path.suffix == SUFFIX:
            return save_shards(
                path, lambda folder: (write_shards(folder, arrays, shards), self.manifest)
            )
        return save_checked(path, arrays, self.manifest)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that the dataset has, by name, in the order of an npz."""
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
            arrays |= self.encoders.arrays() | self.user_features.arrays("user")
        if self.item_features is not None:
            arrays |= self.encoders.arrays() | self.item_features.arrays("item")
        if self.item_table is not None:
            arrays |= self.item_table.arrays()
        if self.item_vectors is not None:
            arrays[ITEM_VECTORS] = self.item_vectors
        if self.left_out_users is not None:
            arrays["left_out_users"] = self.left_out_users
        return arrays

    @classmethod
    def load(cls, path: Path, parts: Collection[Part] = PARTS) -> "SequenceDataset":
        """Read a saved dataset; only the `parts` asked for are read from the file.

        Raises:
            DatasetError: missing, damaged, or not a prepared dataset.
        """
        unwanted = [part for part in PARTS if part not in parts]
        manifest, arrays = load_checked(
            path,
            lambda name: any(part in name.split("_") for part in unwanted),
            lambda manifest: check_task(path, manifest, NEXT_ITEM),
        )
        try:
            return cls._from_arrays(path, upgrade(arrays), parts, manifest)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            detail = f"no array {error}" if isinstance(error, KeyError) else str(error)
            raise DatasetError(
                f"`{path}` is not a prepared dataset: {detail}", "prepare it again"
            ) from error

    @classmethod
    def _from_arrays(
        cls,
        path: Path,
        arrays: Mapping[str, NDArray[Any]],
        parts: Collection[Part],
        manifest: dict[str, Any],
    ) -> "SequenceDataset":
        user_ids, item_ids, titles = checked_ids(arrays)
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
            for kind, values in (("timestamps", timestamps), ("ratings", ratings)):
                if f"{kind}_{part}" in arrays:
                    values[part] = checked_values(arrays, kind, part)
        encoders = Encoders.from_arrays(arrays)
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
            user_features=side_features(arrays, "user", encoders, len(user_ids)),
            item_features=side_features(arrays, "item", encoders, len(item_ids)),
            encoders=encoders,
            item_table=ItemTable.from_arrays(arrays, len(item_ids)),
            item_vectors=checked_vectors(arrays, len(item_ids)),
            left_out_users=checked_marks(arrays),
            manifest=manifest,
        )


def checked_ids(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.str_] | None]:
    """The ids of users and items, and the titles of items if there are any.

    Raises:
        ValueError, KeyError: the arrays are missing or invalid.
    """
    for name in ("user_ids", "item_ids", "item_titles"):
        if name in arrays:
            check_list(arrays[name], name)
    item_ids, titles = arrays["item_ids"], arrays.get("item_titles")
    if titles is not None and titles.shape != item_ids.shape:
        raise ValueError(f"{len(titles)} titles for {len(item_ids)} items")
    if titles is not None and titles.dtype.kind != "U":
        raise ValueError("item_titles are not texts")
    return arrays["user_ids"], item_ids, titles


def checked_marks(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.int64] | None:
    """The marks of the users that were left out.

    Raises:
        ValueError: they are not sorted numbers.
    """
    marks = arrays.get("left_out_users")
    if marks is not None and (
        marks.dtype != np.int64 or marks.ndim != 1 or (marks[1:] < marks[:-1]).any()
    ):
        raise ValueError("left_out_users is not a sorted list of int64")
    return marks


def checked_values(arrays: Mapping[str, NDArray[Any]], kind: str, part: Part) -> NDArray[Any]:
    """The timestamps or the ratings of a part.

    Raises:
        ValueError: their number is not that of its items.
    """
    values = arrays[f"{kind}_{part}"]
    dtype = np.int64 if kind == "timestamps" else np.float32
    if values.shape != arrays[f"{part}_items"].shape or values.dtype != dtype:
        raise ValueError(f"{kind}_{part} does not fit {part}_items")
    return values
