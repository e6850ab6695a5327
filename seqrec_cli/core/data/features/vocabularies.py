"""Texts as codes, by encoders fitted on the train part: categories, tags, and ids.

All encoders use the same codes: 0 is padding, 1 is unknown (missing, rare or new), values start at
2. A column of categories has no padding. The unknown tags of a cell share one code; missing tags
have none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import TextColumn, to_texts
from seqrec_cli.core.data.features.kinds import Owner, check_length, is_missing, split_tags

PAD, UNKNOWN, FIRST = 0, 1, 2
MOST_TAGS = 64  # in a cell


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The values with a code: the value with code c is `values[c - FIRST]`.

    Attributes:
        side: whether the column describes a row, its user or its item.
        values: unicode (V,), the most frequent first.
    """

    name: str
    side: Owner
    values: NDArray[np.str_]

    @property
    def size(self) -> int:
        """The number of codes, with padding and unknown."""
        return len(self.values) + FIRST

    @classmethod
    def fit(cls, name: str, side: Owner, column: TextColumn, min_count: int) -> Self:
        """Fit to the cells of the train part; values in fewer than `min_count` are unknown.

        Raises:
            InputError: the name or a value is too long.
        """
        counts = dict(zip(column.texts, column.counts.tolist(), strict=True))
        return cls(name, side, common_values(name, counts, min_count))

    def codes_of(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """The code of each text, int32 (texts,)."""
        codes = {value: code for code, value in enumerate(self.values.tolist(), FIRST)}
        return np.fromiter(map(codes.get, texts, repeat(UNKNOWN)), np.int32, len(texts))

    def content(self) -> NDArray[np.str_]:
        """The fitted state as an array."""
        return self.values


@dataclass(frozen=True, eq=False)
class SparseEncoder(Vocabulary):
    """Maps categories to codes."""

    kind: ClassVar = "sparse"

    def encode(self, column: TextColumn) -> NDArray[np.int32]:
        """The code of each cell, int32 (R,)."""
        return self.codes_of(column.texts)[column.rows]


@dataclass(frozen=True, eq=False)
class TagsEncoder(Vocabulary):
    """Maps the tags of a cell to codes."""

    kind: ClassVar = "tags"

    @classmethod
    def fit(cls, name: str, side: Owner, column: TextColumn, min_count: int) -> Self:
        """Fit to the cells of the train part; values in fewer than `min_count` are unknown."""
        counts: Counter[str] = Counter()
        for text, count in zip(column.texts, column.counts.tolist(), strict=True):
            counts.update(dict.fromkeys(split_tags(text), count))
        return cls(name, side, common_values(name, counts, min_count))

    def encode(self, column: TextColumn) -> NDArray[np.int32]:
        """The codes of each cell's tags, int32 (R, M): distinct, at most MOST_TAGS, then 0."""
        known = {value: code for code, value in enumerate(self.values.tolist(), FIRST)}
        codes = [
            list(dict.fromkeys(known.get(tag, UNKNOWN) for tag in split_tags(text)))[:MOST_TAGS]
            for text in column.texts
        ]
        lengths = np.array([len(cell) for cell in codes], np.int64)
        flat = np.array([code for cell in codes for code in cell], np.int32)
        return pad_lists(flat, lengths, max(1, int(lengths.max(initial=0))))[column.rows]


@dataclass(frozen=True, eq=False)
class IdsEncoder(Vocabulary):
    """Maps item ids to codes, for candidates and for histories."""

    kind: ClassVar = "ids"

    def encode(self, ids: Sequence[str]) -> NDArray[np.int32]:
        """The code of each id, int32 (ids,)."""
        return self.codes_of(ids)

    def encode_lists(self, lists: Sequence[Sequence[str]], width: int) -> NDArray[np.int32]:
        """The codes of each list's last `width` ids, then 0, int32 (lists, width)."""
        lengths = np.array([len(ids) for ids in lists], np.int64)
        flat = self.codes_of([key for ids in lists for key in ids])
        return pad_lists(flat, lengths, width)


def common_values(name: str, counts: Mapping[str, int], min_count: int) -> NDArray[np.str_]:
    """The values with at least `min_count` occurrences, the most frequent first.

    Raises:
        InputError: the name or a value is too long.
    """
    common = [v for v, count in counts.items() if count >= min_count and not is_missing(v)]
    check_length(name, max((name, *common), key=len))
    return to_texts(sorted(common, key=lambda value: (-counts[value], value)))


def pad_lists(flat: NDArray[np.int32], lengths: NDArray[np.int64], width: int) -> NDArray[np.int32]:
    """Pad consecutive lists in `flat` to a table: the last `width` of each, then 0."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    from_end = np.repeat(np.cumsum(lengths), lengths) - np.arange(
        len(flat)
    )  # 1 at the end of a list
    column = np.minimum(lengths, width)[rows] - from_end
    real = column >= 0
    table = np.zeros((len(lengths), width), np.int32)
    table[rows[real], column[real]] = flat[real]
    return table
