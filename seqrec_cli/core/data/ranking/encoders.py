"""What becomes numbers and codes, by encoders fitted on the train part alone.

Codes: 0 is padding, 1 whatever is unknown or rare, values count from 2. Numbers: a missing one is
the mean, and each becomes its share of the known ones below it, 0 to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.encoding import (
    MOST_TAGS,
    collect_values,
    side_by_side,
    split_tags,
)
from seqrec_cli.core.data.features.kinds import Kind, is_missing, numbers
from seqrec_cli.core.data.features.table import texts

Side = Literal["row", "user", "item"]

PAD, UNKNOWN, FIRST = 0, 1, 2
QUANTILES = 1000  # of a number that are kept, at most


@dataclass(frozen=True, eq=False)
class Encoder:
    """What makes numbers or codes of one column.

    Attributes:
        side: whether the column is of a row, or of its user or its item whatever the row.
        values: of categories and tags, unicode; the value with code c is `values[c - 2]`.
        knots: of numbers, float64: the mean, and quantiles at equal steps from 0 to 1.
    """

    name: str
    kind: Kind
    side: Side
    values: NDArray[np.str_]
    knots: NDArray[np.float64]

    @classmethod
    def fit(
        cls, name: str, kind: Kind, side: Side, cells: Sequence[str], min_count: int
    ) -> "Encoder":
        """Learn from the cells of the train part; rarer values than `min_count` are unknown."""
        if kind == "dense":
            known = numbers(cells)
            known = known[~np.isnan(known)]
            if not len(known):
                known = np.zeros(1)
            knots = np.concatenate(([known.mean()], quantiles(known)))
            return cls(name, kind, side, texts([]), knots)
        if kind == "tags":
            cells = [tag for cell in cells for tag in split_tags(cell)]
        values = collect_values(name, cells, min_count).values
        return cls(name, kind, side, values, np.zeros(0))

    @property
    def size(self) -> int:
        """How many codes there are, padding and unknown included."""
        return len(self.values) + FIRST

    def codes(self, cells: Sequence[str]) -> NDArray[np.int32]:
        """The code of each cell, int32 (cells,)."""
        known = {value: code for code, value in enumerate(self.values.tolist(), FIRST)}
        return np.array([known.get(cell, UNKNOWN) for cell in cells], np.int32)

    def scaled(self, cells: Sequence[str]) -> NDArray[np.float32]:
        """Each cell as a number from 0 to 1, float32 (cells,).

        Between equal quantiles the middle counts: the mean of both ways to interpolate, and the
        ends are 0 and 1, as in scikit-learn's QuantileTransformer.
        """
        mean, quantiles = self.knots[0], self.knots[1:]
        values = numbers(cells)
        values = np.where(np.isnan(values), mean, values)
        places = np.linspace(0, 1, len(quantiles))
        up = np.interp(values, quantiles, places)
        down = np.interp(-values, -quantiles[::-1], -places[::-1])
        scaled = (up - down) / 2
        scaled[values >= quantiles[-1]] = 1
        scaled[values <= quantiles[0]] = 0
        return np.asarray(scaled, np.float32)

    def tag_codes(self, cells: Sequence[str]) -> NDArray[np.int32]:
        """The codes of each cell's tags, int32 (cells, M), once each and then 0."""
        known = {value: code for code, value in enumerate(self.values.tolist(), FIRST)}
        found = [
            list(dict.fromkeys(known.get(tag, UNKNOWN) for tag in split_tags(cell)))[:MOST_TAGS]
            for cell in cells
        ]
        return padded(found, max(map(len, found), default=1) or 1)


@dataclass(frozen=True, eq=False)
class Encoders:
    """The encoders of a dataset: of items, wherever they are, and of every other column.

    Columns of a kind are in the order row, user, item.
    """

    items: Encoder
    columns: tuple[Encoder, ...]

    def of(self, kind: Kind, side: Side | None = None) -> list[Encoder]:
        """The columns of a kind, and of a side if one is named."""
        return [c for c in self.columns if c.kind == kind and side in (None, c.side)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays by name, for an npz."""
        found: dict[str, NDArray[Any]] = {
            "item_values": self.items.values,
            "column_names": texts([column.name for column in self.columns]),
            "column_kinds": texts([column.kind for column in self.columns]),
            "column_sides": texts([column.side for column in self.columns]),
        }
        for number, column in enumerate(self.columns):
            found[f"column_{number}"] = column.knots if column.kind == "dense" else column.values
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Encoders":
        """What `arrays` made.

        Raises:
            ValueError, KeyError: it is not that.
        """
        columns = []
        told = (arrays[f"column_{what}"].tolist() for what in ("names", "kinds", "sides"))
        for number, (name, kind, side) in enumerate(zip(*told, strict=True)):
            content = arrays[f"column_{number}"]
            wanted = "f" if kind == "dense" else "U"
            if content.dtype.kind != wanted or content.ndim != 1 or side not in ("row", *SIDES):
                raise ValueError(f"the encoder of `{name}` is not one")
            if kind == "dense":
                columns.append(Encoder(name, kind, side, texts([]), content))
            else:
                columns.append(Encoder(name, kind, side, content, np.zeros(0)))
        return cls(item_encoder(arrays["item_values"]), tuple(columns))


SIDES: tuple[Side, ...] = ("user", "item")


def item_encoder(values: NDArray[np.str_]) -> Encoder:
    """The encoder of items with these values."""
    return Encoder("item", "sparse", "row", values, np.zeros(0))


@dataclass(frozen=True, eq=False)
class Facts:
    """Encoded columns, a row a row of the data, or a user or an item.

    Attributes:
        dense: float32 (R, F), 0 to 1.
        sparse: int32 (R, S), codes from 1.
        tags: for each column of tags int32 (R, M), codes from 1, and then 0.
    """

    dense: NDArray[np.float32]
    sparse: NDArray[np.int32]
    tags: tuple[NDArray[np.int32], ...]

    def __len__(self) -> int:
        return len(self.dense)

    @classmethod
    def encode(
        cls, encoders: Encoders, side: Side, cells: Mapping[str, Sequence[str]], rows: int
    ) -> "Facts":
        """Encode the columns of a side, `cells` being their texts by name."""
        scaled = [c.scaled(cells[c.name]) for c in encoders.of("dense", side)]
        codes = [c.codes(cells[c.name]) for c in encoders.of("sparse", side)]
        tags = tuple(c.tag_codes(cells[c.name]) for c in encoders.of("tags", side))
        return cls(
            side_by_side(scaled, rows, np.float32), side_by_side(codes, rows, np.int32), tags
        )

    def take(self, rows: NDArray[np.int64]) -> "Facts":
        """Some of the rows."""
        return Facts(self.dense[rows], self.sparse[rows], tuple(t[rows] for t in self.tags))

    def beside(self, other: "Facts") -> "Facts":
        """These columns and then the other's, of the same rows."""
        return Facts(
            np.concatenate((self.dense, other.dense), axis=1),
            np.concatenate((self.sparse, other.sparse), axis=1),
            self.tags + other.tags,
        )

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays by name, for an npz."""
        named: dict[str, NDArray[Any]] = {
            f"{prefix}_dense": self.dense,
            f"{prefix}_sparse": self.sparse,
        }
        return named | {f"{prefix}_tags_{n}": codes for n, codes in enumerate(self.tags)}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], prefix: str, encoders: Encoders, side: Side | None
    ) -> "Facts":
        """What `arrays` made, of the columns of a side, or of all.

        Raises:
            ValueError, KeyError: the arrays do not fit each other or the encoders.
        """
        dense, sparse = arrays[f"{prefix}_dense"], arrays[f"{prefix}_sparse"]
        tags = tuple(arrays[f"{prefix}_tags_{n}"] for n in range(len(encoders.of("tags", side))))
        rows = len(dense)
        if dense.shape != (rows, len(encoders.of("dense", side))) or dense.dtype != np.float32:
            raise ValueError(f"{prefix}_dense does not fit the columns of numbers")
        if not np.isfinite(dense).all():
            raise ValueError(f"{prefix}_dense has a number that is not finite")
        if sparse.shape != (rows, len(encoders.of("sparse", side))):
            raise ValueError(f"{prefix}_sparse does not fit the columns of categories")
        columns = encoders.of("sparse", side) + encoders.of("tags", side)
        for column, codes in zip(columns, [*sparse.T, *tags], strict=True):
            check_codes(codes, column.size, rows, f"the codes of `{column.name}` in {prefix}")
        return cls(dense, sparse, tags)


def quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of numbers (R,) at equal steps from 0 to 1: each of them, or QUANTILES.

    In whole numbers as far as it goes, so that equal values stay equal.
    """
    ordered = np.sort(values)
    count = min(QUANTILES, max(2, len(ordered)))
    place, rest = np.divmod(np.arange(count) * (len(ordered) - 1), count - 1)
    low, high = ordered[place], ordered[np.minimum(place + 1, len(ordered) - 1)]
    return np.asarray(low + (high - low) * (rest / (count - 1)))


def check_codes(codes: NDArray[Any], size: int, rows: int, name: str) -> None:
    """Refuse codes that would index outside, or are not those of so many rows."""
    if codes.dtype != np.int32 or len(codes) != rows:
        raise ValueError(f"{name} are not int32 of {rows} rows")
    if codes.size and not 0 <= codes.min() <= codes.max() < size:
        raise ValueError(f"{name} are outside 0 to {size - 1}")


def padded(lists: Sequence[Sequence[int]], width: int) -> NDArray[np.int32]:
    """The last `width` of each list, then 0, int32 (lists, width)."""
    table = np.zeros((len(lists), width), np.int32)
    for row, values in enumerate(lists):
        kept = values[-width:]
        table[row, : len(kept)] = kept
    return table


def split_list(cell: str) -> list[str]:
    """The values of a cell with `|` between them, repeated ones too."""
    return [] if is_missing(cell) else [v for v in (v.strip() for v in cell.split("|")) if v]
