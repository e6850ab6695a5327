"""Texts as codes, by encoders fitted on the train part: categories, tags, and ids.

Codes, the same everywhere: 0 is padding, 1 is unknown (missing, rare or new), values count from 2.
A column of categories has no padding. The unknown tags of a cell share one code; missing ones have
none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import Column, to_texts
from seqrec_cli.core.data.features.kinds import Owner, check_length, is_missing, split_tags

PAD, UNKNOWN, FIRST = 0, 1, 2
MOST_TAGS = 64  # of a cell


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

    @classmethod
    def fit(cls, name: str, side: Owner, column: Column, min_count: int) -> Self:
        """Learn from the cells of the train part; what fewer than `min_count` have is unknown.

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
        """All that it learnt, as an array."""
        return self.values


@dataclass(frozen=True, eq=False)
class SparseEncoder(Vocabulary):
    """Gives categories their codes."""

    kind: ClassVar = "sparse"

    def encode(self, column: Column) -> NDArray[np.int32]:
        """The code of each cell, int32 (R,)."""
        return self.codes_of(column.texts)[column.rows]


@dataclass(frozen=True, eq=False)
class TagsEncoder(Vocabulary):
    """Gives the tags of a cell their codes."""

    kind: ClassVar = "tags"

    @classmethod
    def fit(cls, name: str, side: Owner, column: Column, min_count: int) -> Self:
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

    def encode(self, ids: Sequence[str]) -> NDArray[np.int32]:
        """The code of each id, int32 (ids,)."""
        return self.codes_of(ids)

    def encode_lists(self, lists: Sequence[Sequence[str]], width: int) -> NDArray[np.int32]:
        """The codes of each list's last `width` ids, then 0, int32 (lists, width)."""
        lengths = np.array([len(ids) for ids in lists], np.int64)
        flat = self.codes_of([key for ids in lists for key in ids])
        return pad_lists(flat, lengths, width)


def common_values(name: str, counts: Mapping[str, int], min_count: int) -> NDArray[np.str_]:
    """The values with `min_count` or more, the most frequent first.

    Raises:
        InputError: the name or a value is too long.
    """
    common = [v for v, count in counts.items() if count >= min_count and not is_missing(v)]
    check_length(name, max((name, *common), key=len))
    return to_texts(sorted(common, key=lambda value: (-counts[value], value)))


def pad_lists(flat: NDArray[np.int32], lengths: NDArray[np.int64], width: int) -> NDArray[np.int32]:
    """Lists that lie in `flat` one after the other: the last `width` of each, then 0."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    from_end = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(flat))  # 1 for a list's last
    column = np.minimum(lengths, width)[rows] - from_end
    real = column >= 0
    table = np.zeros((len(lengths), width), np.int32)
    table[rows[real], column[real]] = flat[real]
    return table
