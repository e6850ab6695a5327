"""Encoders, one for each kind of column: fitted on the train part, they make numbers and codes.

Codes, the same everywhere: 0 is padding, 1 is unknown (missing, rare or new), values count from 2.
A column of categories has no padding. Unknown tags of a cell share one code, missing ones have
none.

Numbers, by `quantile`: their share of the known numbers below, 0 to 1, as scikit-learn's
QuantileTransformer gives it; by `z-score`: standard deviations from the mean, 10 at most. A
missing number is the mean of the known ones.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import Column, to_texts
from seqrec_cli.core.data.features.kinds import (
    Encoding,
    Kind,
    Scaling,
    is_missing,
    numbers,
    split_tags,
)
from seqrec_cli.core.data.reading.tables import shortened
from seqrec_cli.errors import InputError

Owner = Literal["row", "user", "item"]  # what a column is of

PAD, UNKNOWN, FIRST = 0, 1, 2
QUANTILES = 1000  # of a dense column, at most
LARGEST_SCORE = 10.0  # standard deviations; a number further off counts as that far off
MOST_TAGS = 64  # of a cell
LONGEST_VALUE = 500  # characters of a category, of a tag, and of the name of a column

SCALINGS: tuple[Scaling, ...] = ("quantile", "z-score")


@dataclass(frozen=True, eq=False)
class DenseEncoder:
    """Scales numbers.

    Attributes:
        side: whether the column is of a row, or of its user or its item whatever the row.
        numbers: float64 (K + 1,), what a missing number counts as, and then by `quantile` the
            quantiles, ascending; by `z-score` the mean and the standard deviation.
        places: float64 (K + 1,), what the missing number becomes, and then what the quantiles
            become; by `z-score` the lowest and the highest score.
    """

    kind: ClassVar = "dense"

    name: str
    side: Owner
    scaling: Scaling
    numbers: NDArray[np.float64]
    places: NDArray[np.float64]

    @classmethod
    def fit(cls, name: str, side: Owner, column: Column, scaling: Scaling) -> "DenseEncoder":
        """Learn from the cells of the train part.

        Raises:
            InputError: the name is too long.
        """
        check_length(name, name)
        known = numbers(column.texts)[column.rows]
        known = known[~np.isnan(known)]
        if not len(known):
            known = np.zeros(1)
        mean = known.mean()
        if scaling == "z-score":
            scores = np.array((0, -LARGEST_SCORE, LARGEST_SCORE))
            return cls(name, side, scaling, np.array((mean, mean, known.std() or 1.0)), scores)
        points = quantiles(known)
        places = np.linspace(0, 1, len(points))
        missing = scale_by_rank(np.array([mean]), points, places)
        numbers_, places = np.append(mean, points), np.append(missing, places)
        return cls(name, side, scaling, numbers_, places)

    @property
    def missing(self) -> float:
        """What a missing number becomes."""
        return float(self.places[0])

    def encode(self, column: Column) -> NDArray[np.float32]:
        """Each cell as a scaled number, float32 (R,)."""
        return self.scale(numbers(column.texts)).astype(np.float32)[column.rows]

    def scale(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers scaled, NaN being a missing one."""
        there = np.where(np.isnan(values), self.numbers[0], values)
        points, places = self.numbers[1:], self.places[1:]
        if self.scaling == "quantile":
            scaled = scale_by_rank(there, points, places)
        else:
            scaled = np.clip((there - points[0]) / points[1], places[0], places[1])
        return np.where(np.isnan(values), self.missing, scaled)

    def count_missing(self, column: Column) -> int:
        """How many cells are no number."""
        return int(np.isnan(numbers(column.texts))[column.rows].sum())

    def content(self) -> NDArray[np.float64]:
        """All that it learnt, as an array."""
        return np.stack((self.numbers, self.places))

    @classmethod
    def from_content(
        cls, name: str, side: Owner, content: NDArray[Any], scaling: str
    ) -> "DenseEncoder":
        """What `content` gave.

        Raises:
            ValueError: it is not that.
        """
        wrong = content.dtype != np.float64 or content.ndim != 2 or len(content) != 2
        if wrong or content.shape[1] < 2 or not np.isfinite(content).all():
            raise ValueError(f"the encoder of `{name}` has no finite numbers and places")
        if scaling not in SCALINGS or (scaling == "z-score" and content.shape[1] != 3):
            raise ValueError(f"the encoder of `{name}` has the unknown scaling `{scaling[:40]}`")
        points, places = content[:, 1:]
        if (np.diff(places) < 0).any() or (scaling == "quantile" and (np.diff(points) < 0).any()):
            raise ValueError(f"the encoder of `{name}` has numbers that are not in order")
        if scaling == "z-score" and not points[1] > 0:
            raise ValueError(f"the encoder of `{name}` has no standard deviation above 0")
        return cls(name, side, scaling, content[0], content[1])


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The values that have a code of their own: the value with code c is `values[c - FIRST]`.

    Attributes:
        side: whether the column is of a row, or of its user or its item whatever the row.
        values: unicode (V,), the most frequent first.
    """

    name: str
    side: Owner
    values: NDArray[np.str_]

    @property
    def size(self) -> int:
        """How many codes there are, padding and unknown included."""
        return len(self.values) + FIRST

    def codes_of(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """The code of each text, int32 (texts,)."""
        codes = {value: code for code, value in enumerate(self.values.tolist(), FIRST)}
        return np.array([codes.get(text, UNKNOWN) for text in texts], np.int32)

    def content(self) -> NDArray[np.str_]:
        """All that it learnt, as an array."""
        return self.values


@dataclass(frozen=True, eq=False)
class SparseEncoder(Vocabulary):
    """Gives categories their codes."""

    kind: ClassVar = "sparse"

    @classmethod
    def fit(cls, name: str, side: Owner, column: Column, min_count: int) -> "SparseEncoder":
        """Learn from the cells of the train part; what fewer than `min_count` have is unknown."""
        counts = dict(zip(column.texts, column.counts.tolist(), strict=True))
        return cls(name, side, common_values(name, counts, min_count))

    def encode(self, column: Column) -> NDArray[np.int32]:
        """The code of each cell, int32 (R,)."""
        return self.codes_of(column.texts)[column.rows]


@dataclass(frozen=True, eq=False)
class TagsEncoder(Vocabulary):
    """Gives the tags of a cell their codes."""

    kind: ClassVar = "tags"

    @classmethod
    def fit(cls, name: str, side: Owner, column: Column, min_count: int) -> "TagsEncoder":
        """Learn from the cells of the train part; what fewer than `min_count` have is unknown."""
        counts: Counter[str] = Counter()
        for text, count in zip(column.texts, column.counts.tolist(), strict=True):
            counts.update(dict.fromkeys(split_tags(text), count))
        return cls(name, side, common_values(name, counts, min_count))

    def encode(self, column: Column) -> NDArray[np.int32]:
        """The codes of each cell's tags, int32 (R, M): once each, MOST_TAGS at most, then 0."""
        known = {value: code for code, value in enumerate(self.values.tolist(), FIRST)}
        codes = [
            list(dict.fromkeys(known.get(tag, UNKNOWN) for tag in split_tags(text)))[:MOST_TAGS]
            for text in column.texts
        ]
        lengths = np.array([len(own) for own in codes], np.int64)
        flat = np.array([code for own in codes for code in own], np.int32)
        return pad_lists(flat, lengths, max(1, int(lengths.max(initial=0))))[column.rows]


@dataclass(frozen=True, eq=False)
class IdsEncoder(Vocabulary):
    """Gives the ids of items their codes, wherever an item is: a candidate, or in a history."""

    kind: ClassVar = "ids"

    @classmethod
    def fit(cls, name: str, side: Owner, column: Column, min_count: int) -> "IdsEncoder":
        """Learn from all places of the train part; what is in fewer than `min_count` is unknown."""
        counts = dict(zip(column.texts, column.counts.tolist(), strict=True))
        return cls(name, side, common_values(name, counts, min_count))

    def encode(self, ids: Sequence[str]) -> NDArray[np.int32]:
        """The code of each id, int32 (ids,)."""
        return self.codes_of(ids)

    def encode_lists(self, lists: Sequence[Sequence[str]], width: int) -> NDArray[np.int32]:
        """The codes of each list's last `width` ids, then 0, int32 (lists, width)."""
        lengths = np.array([len(ids) for ids in lists], np.int64)
        flat = self.codes_of([key for ids in lists for key in ids])
        return pad_lists(flat, lengths, width)


ColumnEncoder = DenseEncoder | SparseEncoder | TagsEncoder
Encoder = ColumnEncoder | IdsEncoder
E = TypeVar("E", DenseEncoder, SparseEncoder, TagsEncoder)

FORMAT = 2  # of the arrays; 1 are those of upgrade.py


@dataclass(frozen=True, eq=False)
class Encoders:
    """The encoders of a dataset; columns of a kind are in the order row, user, item."""

    columns: tuple[Encoder, ...] = ()

    def of(self, kind: type[E], side: Owner | None = None) -> tuple[E, ...]:
        """The encoders of a kind, and of a side if one is named."""
        return tuple(c for c in self.columns if isinstance(c, kind) and side in (None, c.side))

    def side(self, side: Owner) -> "Encoders":
        """The encoders of a side."""
        return Encoders(tuple(column for column in self.columns if column.side == side))

    @property
    def items(self) -> IdsEncoder:
        """The encoder of the ids of items.

        Raises:
            ValueError: there is none.
        """
        for column in self.columns:
            if isinstance(column, IdsEncoder):
                return column
        raise ValueError("there is no encoder of the ids of items")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays by name, for an npz; `from_arrays` reads it."""
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
        """What `arrays` gave; no columns where there are no such arrays.

        Raises:
            ValueError, KeyError: it is not that.
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
    """An encoder from what a file has of it.

    Raises:
        ValueError: it is none.
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
    name: str, kind: Kind, side: Owner, column: Column, encoding: Encoding
) -> ColumnEncoder:
    """The encoder of a column of this kind, from its cells in the train part.

    Raises:
        InputError: a name or a value is too long.
    """
    if kind == "dense":
        return DenseEncoder.fit(name, side, column, encoding.scaling)
    vocabulary = SparseEncoder if kind == "sparse" else TagsEncoder
    return vocabulary.fit(name, side, column, encoding.min_value_count)


def scale_by_rank(
    values: NDArray[np.float64], points: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Numbers by interpolation between points to places.

    At equal points the middle of their places counts (the mean of both ways to interpolate), but
    at the ends the place of the end, as in scikit-learn's QuantileTransformer.
    """
    up = np.interp(values, points, places)
    down = np.interp(-values, -points[::-1], -places[::-1])
    scaled = (up - down) / 2
    scaled[values >= points[-1]] = places[-1]
    scaled[values <= points[0]] = places[0]
    return np.asarray(scaled, np.float64)


def quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of numbers (R,) at equal steps from 0 to 1: each of them, or QUANTILES.

    In whole numbers as far as it goes, so that equal values stay equal.
    """
    ordered = np.sort(values)
    count = min(QUANTILES, max(2, len(ordered)))
    place, rest = np.divmod(np.arange(count) * (len(ordered) - 1), count - 1)
    low, high = ordered[place], ordered[np.minimum(place + 1, len(ordered) - 1)]
    # Rounding must not put a quantile before the one below it.
    return np.maximum.accumulate(low + (high - low) * (rest / (count - 1)))


def common_values(name: str, counts: Mapping[str, int], min_count: int) -> NDArray[np.str_]:
    """The values with `min_count` or more, the most frequent first.

    Raises:
        InputError: the name or a value is too long.
    """
    common = [v for v, count in counts.items() if count >= min_count and not is_missing(v)]
    check_length(name, max((name, *common), key=len))
    return to_texts(sorted(common, key=lambda value: (-counts[value], value)))


def check_length(name: str, value: str) -> None:
    """Refuse what an array of texts would give room for as often as it has texts.

    Raises:
        InputError: it is too long.
    """
    if len(value) > LONGEST_VALUE:
        what = "name" if value == name else "value"
        raise InputError(
            f"the column `{shortened(name)}` has a {what} of {len(value)} characters, more than "
            f"{LONGEST_VALUE}",
            "shorten it, or leave the column out by naming the others: --item-features or "
            "--user-features",
        )


def pad_lists(flat: NDArray[np.int32], lengths: NDArray[np.int64], width: int) -> NDArray[np.int32]:
    """Lists that lie in `flat` one after the other: the last `width` of each, then 0."""
    kept = np.minimum(lengths, width)
    ends = np.cumsum(lengths)
    column = np.arange(width)
    real = column < kept[:, None]
    table = np.zeros(real.shape, np.int32)
    table[real] = flat[((ends - kept)[:, None] + column)[real]]
    return table
