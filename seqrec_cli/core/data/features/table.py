"""Features of users and items: encoders fitted on the train part, and what they make of a file.

Dense features (numbers) are scaled, sparse ones (categories) and tags (sets of categories) become
codes from 1; 0 is unknown. Whoever is in no file has 0 everywhere, which is what an average number
becomes too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.kinds import Scaling
from seqrec_cli.core.data.reading.sheets import Side


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The values of a sparse feature or of tags: the value with code c is `values[c - 1]`."""

    name: str
    values: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Encoded features, a row a user or an item, and what they were encoded with.

    Attributes:
        dense_names: F names.
        dense: float32 (rows, F), between -1 and 1 or in standard deviations; 0 where unknown.
        scaling: how.
        knots: float64 (F, K): the quantiles that become -1 to 1, or mean and standard deviation.
        vocabularies: of the S sparse features.
        sparse: int32 (rows, S), codes from 1; 0 where unknown or rare.
        tag_vocabularies: of the tags.
        tags: for each of them int32 (rows, M), codes from 1, and then 0.
    """

    dense_names: tuple[str, ...]
    dense: NDArray[np.float32]
    scaling: Scaling
    knots: NDArray[np.float64]
    vocabularies: tuple[Vocabulary, ...]
    sparse: NDArray[np.int32]
    tag_vocabularies: tuple[Vocabulary, ...]
    tags: tuple[NDArray[np.int32], ...]

    def __len__(self) -> int:
        return len(self.dense)

    def take(self, rows: NDArray[np.int64]) -> "FeatureTable":
        """Some of the rows."""
        tags = tuple(codes[rows] for codes in self.tags)
        return replace(self, dense=self.dense[rows], sparse=self.sparse[rows], tags=tags)

    def arrays(self, side: Side) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays by name, for an npz."""
        found: dict[str, NDArray[Any]] = {
            f"{side}_dense": self.dense,
            f"{side}_dense_names": texts(self.dense_names),
            f"{side}_dense_scaling": texts([self.scaling]),
            f"{side}_dense_knots": self.knots,
            f"{side}_sparse": self.sparse,
            f"{side}_sparse_names": texts([v.name for v in self.vocabularies]),
            f"{side}_tags_names": texts([v.name for v in self.tag_vocabularies]),
        }
        for number, vocabulary in enumerate(self.vocabularies):
            found[f"{side}_sparse_values_{number}"] = vocabulary.values
        pairs = zip(self.tag_vocabularies, self.tags, strict=True)
        for number, (vocabulary, codes) in enumerate(pairs):
            found[f"{side}_tags_values_{number}"] = vocabulary.values
            found[f"{side}_tags_{number}"] = codes
        return found

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], side: Side, rows: int
    ) -> "FeatureTable | None":
        """What `arrays` made, or None where there is nothing of that side.

        Raises:
            ValueError, KeyError: the arrays do not fit each other, or not `rows`.
        """
        if f"{side}_dense" not in arrays:
            return None

        def vocabularies(kind: str) -> tuple[Vocabulary, ...]:
            names = arrays[f"{side}_{kind}_names"].tolist()
            return tuple(
                Vocabulary(str(name), arrays[f"{side}_{kind}_values_{number}"])
                for number, name in enumerate(names)
            )

        sparse, tags = vocabularies("sparse"), vocabularies("tags")
        (scaling,) = arrays[f"{side}_dense_scaling"].tolist()
        table = cls(
            dense_names=tuple(arrays[f"{side}_dense_names"].tolist()),
            dense=arrays[f"{side}_dense"],
            scaling=scaling,
            knots=arrays[f"{side}_dense_knots"],
            vocabularies=sparse,
            sparse=arrays[f"{side}_sparse"],
            tag_vocabularies=tags,
            tags=tuple(arrays[f"{side}_tags_{number}"] for number in range(len(tags))),
        )
        table.check(side, rows)
        return table

    def check(self, side: Side, rows: int) -> None:
        """Refuse shapes that do not agree, and codes that would index outside."""
        expected = (rows, len(self.dense_names)), (rows, len(self.vocabularies))
        if (self.dense.shape, self.sparse.shape) != expected or self.dense.dtype != np.float32:
            raise ValueError(f"the features of {side}s do not fit {rows} {side}s")
        if not np.isfinite(self.dense).all():
            raise ValueError(f"a dense feature of {side}s is not a finite number")
        columns = [*self.sparse.T, *self.tags]
        for vocabulary, codes in zip(
            (*self.vocabularies, *self.tag_vocabularies), columns, strict=True
        ):
            outside = len(codes) != rows or codes.dtype != np.int32
            if outside or (
                codes.size and not 0 <= codes.min() <= codes.max() <= len(vocabulary.values)
            ):
                raise ValueError(f"the feature `{vocabulary.name}` of {side}s has unknown codes")


@dataclass(frozen=True, eq=False)
class Features:
    """What a model is told beside histories.

    Attributes:
        users: what users have; models read what it is encoded with, the rows come with histories.
        items: a row an item, item i at i - 1.
        trained: bool (items,), whether the train part has the item at all.
    """

    users: FeatureTable | None
    items: FeatureTable | None
    trained: NDArray[np.bool_]


def texts(values: Sequence[str]) -> NDArray[np.str_]:
    """Texts as an array that has a width even where there are none."""
    return np.array(list(values), dtype=np.str_) if len(values) else np.empty(0, "<U1")
