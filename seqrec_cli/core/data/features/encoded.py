"""Tables of encoded features: numbers, codes of categories, and codes of tags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.kinds import Owner
from seqrec_cli.core.data.features.upgrade import upgrade
from seqrec_cli.core.data.features.vocabularies import PAD, UNKNOWN, SparseEncoder, TagsEncoder

ITEM_VECTORS = "item_vectors"  # the name of their array in a file


@dataclass(frozen=True, eq=False)
class EncodedFeatures:
    """Encoded columns; each row is a user, an item, or an example.

    Attributes:
        dense: float32 (R, F), scaled numbers.
        sparse: int32 (R, S), codes from UNKNOWN.
        tags: for each column of tags int32 (R, M), codes from UNKNOWN, then PAD.
    """

    dense: NDArray[np.float32]
    sparse: NDArray[np.int32]
    tags: tuple[NDArray[np.int32], ...]

    def __len__(self) -> int:
        return len(self.dense)

    def take(self, rows: NDArray[np.int64]) -> "EncodedFeatures":
        """Some of the rows."""
        tags = tuple(codes[rows] for codes in self.tags)
        return EncodedFeatures(self.dense[rows], self.sparse[rows], tags)

    def concatenate(self, other: "EncodedFeatures") -> "EncodedFeatures":
        """These columns, then those of `other`, for the same rows."""
        return EncodedFeatures(
            np.concatenate((self.dense, other.dense), axis=1),
            np.concatenate((self.sparse, other.sparse), axis=1),
            self.tags + other.tags,
        )

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for an npz; `from_arrays` reads them."""
        named: dict[str, NDArray[Any]] = {
            f"{prefix}_dense": self.dense,
            f"{prefix}_sparse": self.sparse,
        }
        return named | {f"{prefix}_tags_{n}": codes for n, codes in enumerate(self.tags)}

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        prefix: str,
        encoders: Encoders,
        side: Owner | None,
        rows: int,
    ) -> "EncodedFeatures":
        """Read the arrays of `arrays`, for the columns of a side, or for all (None).

        Raises:
            ValueError, KeyError: the arrays do not fit each other, the encoders, or `rows`.
        """
        dense, sparse = arrays[f"{prefix}_dense"], arrays[f"{prefix}_sparse"]
        tag_columns, columns = encoders.of(TagsEncoder, side), encoders.of(SparseEncoder, side)
        tags = tuple(arrays[f"{prefix}_tags_{number}"] for number in range(len(tag_columns)))
        expected = rows, len(encoders.of(DenseEncoder, side))
        if dense.dtype != np.float32 or dense.shape != expected:
            raise ValueError(f"{prefix}_dense is not float32 of {rows} rows by {expected[1]}")
        if not np.isfinite(dense).all():
            raise ValueError(f"{prefix}_dense has a number that is not finite")
        if sparse.shape != (rows, len(columns)):
            raise ValueError(f"{prefix}_sparse is not of {rows} rows by {len(columns)}")
        for column, codes in zip(columns, sparse.T, strict=True):
            name = f"the codes of `{column.name}` in {prefix}_sparse"
            check_codes(codes, (rows,), UNKNOWN, column.size, name)
        for number, (tag_column, codes) in enumerate(zip(tag_columns, tags, strict=True)):
            name = f"the codes of `{tag_column.name}` in {prefix}_tags_{number}"
            check_codes(codes, (rows, None), PAD, tag_column.size, name)
        return cls(dense, sparse, tags)


@dataclass(frozen=True, eq=False)
class Features:
    """The inputs of a model other than histories; users' features come with the histories.

    Attributes:
        encoders: of the features of users and items.
        items: a row for each item, item i at i - 1; or None.
        trained: bool (items,), whether the train part has the item.
        vectors: float32 (items, V), of items from elsewhere, 0 for one that has none; or None.
    """

    encoders: Encoders
    items: EncodedFeatures | None
    trained: NDArray[np.bool_]
    vectors: NDArray[np.float32] | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for an npz; `from_arrays` reads them."""
        items = {} if self.items is None else self.items.arrays("item")
        vectors = {} if self.vectors is None else {ITEM_VECTORS: self.vectors}
        return {"trained": self.trained} | self.encoders.arrays() | items | vectors

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], num_items: int) -> "Features":
        """Read the arrays of `arrays`, of this version or an earlier one.

        Raises:
            ValueError, KeyError: the arrays are invalid, or not of `num_items` items.
        """
        arrays = upgrade(arrays)
        trained = arrays["trained"]
        if trained.shape != (num_items,) or trained.dtype != np.bool_:
            raise ValueError(f"it is not about {num_items} items")
        encoders = Encoders.from_arrays(arrays)
        items = side_features(arrays, "item", encoders, num_items)
        return cls(encoders, items, trained, checked_vectors(arrays, num_items))


def checked_vectors(
    arrays: Mapping[str, NDArray[Any]], num_items: int
) -> NDArray[np.float32] | None:
    """The vectors of items; None if the arrays have none.

    Raises:
        ValueError: they are not one of finite numbers for each of `num_items`.
    """
    vectors = arrays.get(ITEM_VECTORS)
    if vectors is not None and (
        vectors.dtype != np.float32
        or vectors.ndim != 2
        or len(vectors) != num_items
        or not vectors.size
        or not np.isfinite(vectors).all()
    ):
        raise ValueError(f"{ITEM_VECTORS} are not finite numbers for each of {num_items} items")
    return vectors


def side_features(
    arrays: Mapping[str, NDArray[Any]], side: Owner, encoders: Encoders, rows: int
) -> EncodedFeatures | None:
    """The features of a side; None if the arrays have none.

    Raises:
        ValueError, KeyError: they do not fit each other, the encoders, or `rows`.
    """
    if f"{side}_dense" not in arrays:
        if any(column.side == side and column.kind != "ids" for column in encoders.columns):
            raise ValueError(f"there are encoders of {side}s, but no features of them")
        return None
    return EncodedFeatures.from_arrays(arrays, side, encoders, side, rows)


def check_codes(
    codes: NDArray[Any], shape: tuple[int | None, ...], lowest: int, size: int, name: str
) -> None:
    """Refuse codes of another shape (None: 1 or more), or out of range.

    Raises:
        ValueError: the message has the name.
    """
    fits = codes.ndim == len(shape) and all(
        have >= 1 if want is None else have == want
        for have, want in zip(codes.shape, shape, strict=True)
    )
    if codes.dtype != np.int32 or not fits:
        wanted = " by ".join("1 or more" if want is None else str(want) for want in shape)
        raise ValueError(f"{name} are not int32 of {wanted} values")
    if codes.size and not lowest <= codes.min() <= codes.max() < size:
        raise ValueError(f"{name} are outside {lowest} to {size - 1}")
