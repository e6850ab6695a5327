"""The encoders of a dataset, one for each column, and their arrays in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import TextColumn, to_texts
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.kinds import Encoding, Kind, Owner
from seqrec_cli.core.data.features.vocabularies import IdsEncoder, SparseEncoder, TagsEncoder

ColumnEncoder = DenseEncoder | SparseEncoder | TagsEncoder
Encoder = ColumnEncoder | IdsEncoder
E = TypeVar("E", DenseEncoder, SparseEncoder, TagsEncoder)

FORMAT = 2  # of the arrays; upgrade.py reads format 1


@dataclass(frozen=True, eq=False)
class Encoders:
    """The encoders of a dataset; the columns of a kind are in the order row, user, item."""

    columns: tuple[Encoder, ...] = ()

    def of(self, kind: type[E], side: Owner | None = None) -> tuple[E, ...]:
        """The encoders of a kind, of all sides or of one."""
        return tuple(c for c in self.columns if isinstance(c, kind) and side in (None, c.side))

    def side(self, side: Owner) -> "Encoders":
        """The encoders of a side."""
        return Encoders(tuple(column for column in self.columns if column.side == side))

    def has_values(self, side: Owner) -> bool:
        """Whether categories or tags of a side are known, and not numbers alone."""
        columns = (*self.of(SparseEncoder, side), *self.of(TagsEncoder, side))
        return any(len(column.values) for column in columns)

    @property
    def items(self) -> IdsEncoder:
        """The encoder of item ids.

        Raises:
            ValueError: there is none.
        """
        for column in self.columns:
            if isinstance(column, IdsEncoder):
                return column
        raise ValueError("there is no encoder of item ids")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for an npz; `from_arrays` reads them."""
        scalings = [c.scaling if isinstance(c, DenseEncoder) else "" for c in self.columns]
        content = {f"column_{n}": column.content() for n, column in enumerate(self.columns)}
        return {
            "features_format": np.array([FORMAT]),
            "column_names": to_texts([column.name for column in self.columns]),
            "column_kinds": to_texts([column.kind for column in self.columns]),
            "column_sides": to_texts([column.side for column in self.columns]),
            "column_scalings": to_texts(scalings),
            **content,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Encoders":
        """Read the arrays of `arrays`; without such arrays there are no columns.

        Raises:
            ValueError, KeyError: the arrays are invalid.
        """
        if "features_format" not in arrays:
            return cls()
        lists = [arrays[f"column_{what}"] for what in ("names", "kinds", "sides", "scalings")]
        if any(a.ndim != 1 or a.dtype.kind != "U" or len(a) != len(lists[0]) for a in lists):
            raise ValueError("column_names, kinds, sides and scalings do not fit each other")
        rows = zip(*(array.tolist() for array in lists), strict=True)
        return cls(
            tuple(
                encoder_of(name, kind, side, scaling, arrays[f"column_{number}"])
                for number, (name, kind, side, scaling) in enumerate(rows)
            )
        )


def encoder_of(name: str, kind: str, side: str, scaling: str, content: NDArray[Any]) -> Encoder:
    """An encoder from its entries in a file.

    Raises:
        ValueError: they are invalid.
    """
    if side not in ("row", "user", "item"):
        raise ValueError(f"the column `{name}` is of the unknown side `{side[:40]}`")
    owner = cast(Owner, side)
    if kind == "dense":
        return DenseEncoder.from_content(name, owner, content, scaling)
    vocabularies: dict[str, type[SparseEncoder | TagsEncoder | IdsEncoder]] = {
        "sparse": SparseEncoder,
        "tags": TagsEncoder,
        "ids": IdsEncoder,
    }
    if kind not in vocabularies:
        raise ValueError(f"the column `{name}` is of the unknown kind `{kind[:40]}`")
    if content.ndim != 1 or content.dtype.kind != "U":
        raise ValueError(f"the encoder of `{name}` has no list of values")
    return vocabularies[kind](name, owner, content)


def fit_encoder(
    name: str, kind: Kind, side: Owner, column: TextColumn, encoding: Encoding
) -> ColumnEncoder:
    """Fit an encoder of this kind to the cells of a column in the train part.

    Raises:
        InputError: a name or a value is too long.
    """
    if kind == "dense":
        return DenseEncoder.fit(name, side, column, encoding.scaling)
    vocabulary = SparseEncoder if kind == "sparse" else TagsEncoder
    return vocabulary.fit(name, side, column, encoding.min_value_count)
