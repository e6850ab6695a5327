"""A prepared ranking dataset: rows with a label, `NAME.npz` and its manifest `NAME.json`.

Codes are those of features/encoders.py: 0 is padding, 1 unknown.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Side
from seqrec_cli.core.data.features.encoded import EncodedFeatures, check_codes, side_features
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.upgrade import upgrade
from seqrec_cli.core.data.features.vocabularies import PAD, UNKNOWN
from seqrec_cli.core.data.sequences import PARTS, Part, check_list
from seqrec_cli.core.data.store import RANKING, check_task, load_checked, save_checked
from seqrec_cli.errors import DatasetError

SIDES: tuple[Side, ...] = ("user", "item")


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows: a user with a history, a candidate, and its label.

    Attributes:
        labels: float32 (R,), 1 or 0.
        users: int32 (R,), from 0.
        candidates: int32 (R,), items from 0.
        items: int32 (R,), the codes of the candidates.
        features: those of each row.
        history: int32 (R, H), codes of items, oldest first, then 0.
        negatives: int32 (R, H), for each item of the history one that the user does not have, or 0.
    """

    labels: NDArray[np.float32]
    users: NDArray[np.int32]
    candidates: NDArray[np.int32]
    items: NDArray[np.int32]
    features: EncodedFeatures
    history: NDArray[np.int32]
    negatives: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.int64]) -> "Examples":
        """Some of the rows."""
        return Examples(
            self.labels[rows],
            self.users[rows],
            self.candidates[rows],
            self.items[rows],
            self.features.take(rows),
            self.history[rows],
            self.negatives[rows],
        )

    def arrays(self, part: Part) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for an npz."""
        return {
            f"{part}_labels": self.labels,
            f"{part}_users": self.users,
            f"{part}_candidates": self.candidates,
            f"{part}_items": self.items,
            f"{part}_history": self.history,
            f"{part}_negatives": self.negatives,
            **self.features.arrays(part),
        }

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        part: Part,
        encoders: Encoders,
        users: int,
        items: int,
    ) -> "Examples":
        """Read the arrays of `arrays`.

        Raises:
            ValueError, KeyError: the arrays do not fit each other.
        """
        labels, negatives = arrays[f"{part}_labels"], arrays[f"{part}_negatives"]
        wrong = labels.dtype != np.float32 or labels.ndim != 1
        if wrong or not np.isin(labels, (0, 1)).all():
            raise ValueError(f"{part}_labels are not all 0 or 1")
        rows, codes = len(labels), encoders.items.size
        for name, lowest, size in (
            *(("users", 0, users), ("candidates", 0, items), ("items", UNKNOWN, codes)),
            *(("history", PAD, codes), ("negatives", PAD, codes)),
        ):
            lists = name in ("history", "negatives")
            shape = (rows, negatives.shape[-1]) if lists and negatives.ndim else (rows,)
            check_codes(arrays[f"{part}_{name}"], shape, lowest, size, f"{part}_{name}")
        return cls(
            labels=labels,
            users=arrays[f"{part}_users"],
            candidates=arrays[f"{part}_candidates"],
            items=arrays[f"{part}_items"],
            features=EncodedFeatures.from_arrays(arrays, part, encoders, None, rows),
            history=arrays[f"{part}_history"],
            negatives=negatives,
        )


@dataclass(frozen=True, eq=False)
class RankingDataset:
    """The train rows, the valid rows if the split has any, and the test rows.

    Attributes:
        name: the file's name without its ending.
        valid: picks the best weights; None: training takes a share of train for that.
        test: None in a dataset made for training.
        user_ids: the ids of the source, int64 or unicode (users,).
        item_ids: the candidates' ids of the source, int64 or unicode (items,).
        sides: the features of "user" and "item", a row for each id and a last row for an unknown
            one; empty if the rows are of a table.
        manifest: where the data came from, what was kept and dropped.
    """

    task: ClassVar[str] = RANKING

    name: str
    train: Examples
    valid: Examples | None
    test: Examples | None
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    encoders: Encoders
    sides: Mapping[Side, EncodedFeatures] = field(default_factory=dict)
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

    def without_test(self) -> "RankingDataset":
        """The same dataset for training: it does not contain the test part."""
        return replace(self, test=None)

    def first_rows(self, most: int) -> Examples:
        """The first rows of the test part, or of the train part if there is none."""
        examples = self.train if self.test is None else self.test
        return examples.take(np.arange(min(most, len(examples))))

    def training_pairs(self) -> dict[str, NDArray[Any]]:
        """The distinct pairs of user and item that training uses.

        `looked_to_learn` says whether it learns from a pair (train), or only picks the best weights
        by it (valid). Sampled negatives are left out: they are not in the log.
        """
        parts = [part for part in (self.train, self.valid) if part is not None]
        if self.manifest.get("examples", {}).get("negatives"):
            parts = [part.take(np.flatnonzero(part.labels == 1)) for part in parts]
        pairs = [np.stack((part.users, part.candidates), axis=1) for part in parts]
        # `unique` keeps the first of equal pairs, and the pairs of train come first.
        distinct, first = np.unique(np.concatenate(pairs), axis=0, return_index=True)
        return {
            "looked_users": distinct[:, 0].copy(),
            "looked_items": distinct[:, 1].copy(),
            "looked_to_learn": first < len(parts[0]),
        }

    def encoder_arrays(self) -> dict[str, NDArray[Any]]:
        """What is needed to encode other rows, as plain arrays: encoders, ids, and features.

        `from_encoder_arrays` reads them.
        """
        arrays = self.encoders.arrays() | {"user_ids": self.user_ids, "item_ids": self.item_ids}
        for side, features in self.sides.items():
            arrays |= features.arrays(side)
        return arrays

    def save(self, path: Path) -> dict[str, Any]:
        """Write `path` (npz) and the manifest beside it, which comes last and completes it.

        Returns the manifest as written. The same dataset gives the same bytes.
        """
        if self.test is None:
            raise ValueError("a dataset without its test part is for training, not for saving")
        arrays = self.encoder_arrays()
        for part, examples in zip(PARTS, (self.train, self.valid, self.test), strict=True):
            if examples is not None:
                arrays |= examples.arrays(part)
        return save_checked(path, arrays, self.manifest)

    @classmethod
    def load(cls, path: Path, parts: Collection[Part] = PARTS) -> "RankingDataset":
        """Read a saved dataset; only the `parts` asked for are read from the file.

        Raises:
            DatasetError: missing, damaged, or not a ranking dataset.
        """
        unwanted = tuple(f"{part}_" for part in PARTS if part not in parts)
        manifest, arrays = load_checked(
            path, lambda name: name.startswith(unwanted), lambda m: check_task(path, m, RANKING)
        )
        try:
            if not isinstance(manifest.get("examples", {}), dict):
                raise ValueError("its manifest does not say how its rows were made")
            encoders, user_ids, item_ids, sides = from_encoder_arrays(arrays)
            examples = {
                part: Examples.from_arrays(arrays, part, encoders, len(user_ids), len(item_ids))
                for part in parts
                if part != "valid" or "valid_labels" in arrays
            }
        except (KeyError, ValueError) as error:
            detail = f"no array {error}" if isinstance(error, KeyError) else str(error)
            raise DatasetError(
                f"`{path}` is not a ranking dataset: {detail}", "prepare it again"
            ) from error
        return cls(
            name=path.stem,
            train=examples["train"],
            valid=examples.get("valid"),
            test=examples.get("test"),
            user_ids=user_ids,
            item_ids=item_ids,
            encoders=encoders,
            sides=sides,
            manifest=manifest,
        )


def from_encoder_arrays(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[Encoders, NDArray[Any], NDArray[Any], dict[Side, EncodedFeatures]]:
    """Read the arrays of `RankingDataset.encoder_arrays`, of this version or an earlier one.

    Returns:
        encoders, ids of users, ids of items, and features by side; their last row is that of an
        unknown user or item.

    Raises:
        ValueError, KeyError: the arrays do not fit each other.
    """
    arrays = upgrade(arrays)
    encoders = Encoders.from_arrays(arrays)
    ids: dict[Side, NDArray[Any]] = {"user": arrays["user_ids"], "item": arrays["item_ids"]}
    sides: dict[Side, EncodedFeatures] = {}
    for side in SIDES:
        check_list(ids[side], f"{side}_ids")
        features = side_features(arrays, side, encoders, len(ids[side]) + 1)
        if features is not None:
            sides[side] = features
    if len(sides) == 1:
        raise ValueError("it has the features of one side, but a row needs both")
    return encoders, ids["user"], ids["item"], sides
