"""Features of users and items: encoders fitted on the train part, and what they make of a file.

Dense features (numbers) are scaled, sparse ones (categories) and tags (sets of categories) become
codes from 1; 0 is unknown. Whoever is in no file has 0 everywhere, which is what an average number
becomes too.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading.attributes import TAG, Attributes, Side
from seqrec_cli.core.data.reading.tables import shortened
from seqrec_cli.errors import InputError

Kind = Literal["dense", "sparse", "tags"]
Scaling = Literal["quantile", "z-score"]
KINDS: tuple[Kind, ...] = ("dense", "sparse", "tags")

KNOTS = 101  # quantiles of a dense feature that are kept
LARGEST_SCALED = 10.0  # standard deviations, from where on a number counts as that far off
LARGEST = 1e100  # its square is finite
MOST_TAGS = 64  # a row has
LONGEST_VALUE = 500  # letters of a category or a tag, and of a column's name
FEW_VALUES = 10  # a column of so few different numbers is a category
CODE = re.compile(r"0[0-9]+")
MISSING = ("", "nan", "na", "n/a", "null")


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


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How features are encoded.

    Attributes:
        user_kinds: of columns by name, where it should not be guessed; also which are taken.
        item_kinds: likewise.
        scaling: dense features by rank, to -1 to 1, or in standard deviations from the mean.
        min_value_count: a category or tag of fewer rows counts as unknown.
    """

    user_kinds: Mapping[str, Kind] | None = None
    item_kinds: Mapping[str, Kind] | None = None
    scaling: Scaling = "quantile"
    min_value_count: int = 5


def parse_kinds(text: str | None, option: str) -> dict[str, Kind] | None:
    """Read `NAME=KIND,...`; None of None.

    Raises:
        InputError: a part that is not of this form, or an unknown kind.
    """
    if text is None:
        return None
    known: dict[str, Kind] = {kind: kind for kind in KINDS}
    chosen: dict[str, Kind] = {}
    for part in text.split(","):
        name, equals, kind = (piece.strip() for piece in part.partition("="))
        if not name or not equals or kind not in known:
            raise InputError(
                f"`{part}` in {option} is not NAME=KIND with KIND one of {', '.join(KINDS)}",
                f"as in `{option} year=dense,genres=tags`",
            )
        chosen[name] = known[kind]
    return chosen


def encode(
    attributes: Attributes,
    ids: NDArray[Any],
    fitted_on: NDArray[np.bool_],
    kinds: Mapping[str, Kind] | None,
    encoding: Encoding,
) -> tuple[FeatureTable, dict[str, Any]]:
    """Encode what a file says of `ids`, by encoders fitted on those of them in a mask.

    Returns the table, a row an id, and the account of it for the manifest.

    Raises:
        InputError: a column that is not there, or no id that is.
    """
    place = {name: row for row, name in enumerate(attributes.ids)}
    rows = np.array([place.get(str(name), -1) for name in ids.tolist()], np.int64)
    if (rows < 0).all():
        raise InputError(
            f"`{attributes.source}` has no row for anybody or anything in the log",
            f"its ids must be the log's, such as `{ids[0]}`",
        )
    fitted = rows[fitted_on & (rows >= 0)]
    chosen, left_out = choose_kinds(attributes, kinds, fitted, encoding)
    told: list[dict[str, Any]] = []
    dense, sparse, tags = [], [], []
    for name, kind in chosen.items():
        column = attributes.columns[name]
        cells = [column[row] if row >= 0 else "" for row in rows]
        known = [column[row] for row in fitted]
        missing = sum(is_missing(cell) for cell in cells)
        told.append({"name": name, "kind": kind, "missing": missing})
        if kind == "dense":
            if len(name) > LONGEST_VALUE:
                raise InputError(
                    f"the column `{shortened(name)}` has a name of {len(name)} letters",
                    f"shorten it to {LONGEST_VALUE}",
                )
            values = numbers(cells)
            if np.isnan(values).all():
                example = next((cell for cell in cells if not is_missing(cell)), "")
                raise InputError(
                    f"the column `{name}` of `{attributes.source}` has no number in it, but "
                    f"`{example}`",
                    f"write numbers as 1234.5, or say `{name}=sparse`",
                )
            told[-1]["missing"] = int(np.isnan(values).sum())
            dense.append((name, *scale(values, numbers(known), encoding.scaling)))
        elif kind == "sparse":
            vocabulary = collect_values(name, known, encoding.min_value_count)
            codes = to_codes(cells, vocabulary)
            sparse.append((vocabulary, codes))
            told[-1] |= {"values": len(vocabulary.values), "unknown": int((codes == 0).sum())}
        else:
            vocabulary = collect_values(
                name, [tag for cell in known for tag in split_tags(cell)], encoding.min_value_count
            )
            tags.append((vocabulary, to_tag_codes(cells, vocabulary)))
            told[-1] |= {"values": len(vocabulary.values)}
    width = KNOTS if encoding.scaling == "quantile" else 2
    table = FeatureTable(
        dense_names=tuple(name for name, _, _ in dense),
        dense=side_by_side([values for _, values, _ in dense], len(ids), np.float32),
        scaling=encoding.scaling,
        knots=np.array([knots for _, _, knots in dense], np.float64).reshape(-1, width),
        vocabularies=tuple(vocabulary for vocabulary, _ in sparse),
        sparse=side_by_side([codes for _, codes in sparse], len(ids), np.int32),
        tag_vocabularies=tuple(vocabulary for vocabulary, _ in tags),
        tags=tuple(codes for _, codes in tags),
    )
    account = {
        "source": attributes.source,
        "without_row": int((rows < 0).sum()),
        "fitted_on": len(fitted),
        "scaling": encoding.scaling if dense else None,
        "min_value_count": encoding.min_value_count,
        "columns": told,
        "left_out": left_out,
    }
    return table, account


def choose_kinds(
    attributes: Attributes,
    kinds: Mapping[str, Kind] | None,
    fitted: NDArray[np.int64],
    encoding: Encoding,
) -> tuple[dict[str, Kind], list[str]]:
    """The kind of each column that is taken, and the names of the others."""
    if kinds is not None:
        unknown = [name for name in kinds if name not in attributes.columns]
        if unknown:
            raise InputError(
                f"`{attributes.source}` has no column `{unknown[0]}`",
                f"it has {', '.join(f'`{name}`' for name in attributes.columns) or 'none'}",
            )
        return dict(kinds), [name for name in attributes.columns if name not in kinds]
    chosen: dict[str, Kind] = {}
    for name, column in attributes.columns.items():
        known = attributes.kinds.get(name)
        cells = [column[row] for row in fitted]
        kind = known or guess_kind(cells, encoding.min_value_count)
        if kind:
            chosen[name] = kind  # type: ignore[assignment]
    return chosen, [name for name in attributes.columns if name not in chosen]


def guess_kind(cells: Sequence[str], min_value_count: int) -> Kind | None:
    """What a column seems to be; None where nearly each row has a value of its own, or none."""
    there = [cell for cell in cells if not is_missing(cell)]
    if not there:
        return None
    counts = Counter(there)
    numeric = np.isfinite(numbers(there)).mean()
    if any(CODE.fullmatch(cell) for cell in there):
        numeric = 0.0  # 01002 is no number
    if numeric >= 0.95 and len(counts) > FEW_VALUES:
        return "dense"
    if any(TAG in cell for cell in there):
        return "tags"
    common = sum(count for count in counts.values() if count >= min_value_count)
    return "sparse" if common >= 0.2 * len(there) else None


def is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def numbers(cells: Sequence[str]) -> NDArray[np.float64]:
    """Texts as numbers, float64; NaN where it is none, or none that can be calculated with."""
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        try:
            found[row] = float(cell)
        except ValueError:
            continue
    found[~(np.abs(found) < LARGEST)] = np.nan
    return found


def scale(
    values: NDArray[np.float64], known: NDArray[np.float64], scaling: Scaling
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Scale numbers by those `known`; a missing one becomes 0, the middle. Also the encoder."""
    known = known[~np.isnan(known)]
    if not len(known):
        known = np.zeros(1)
    if scaling == "quantile":
        knots = np.quantile(known, np.linspace(0, 1, KNOTS))
        # Of equal quantiles the middle one counts: `interp` alone would take the last.
        places = np.linspace(-1, 1, KNOTS)
        low = np.searchsorted(knots, knots, side="left")
        high = np.searchsorted(knots, knots, side="right") - 1
        scaled = np.interp(values, knots, (places[low] + places[high]) / 2)
    else:
        knots = np.array((known.mean(), known.std() or 1.0))
        scaled = np.clip((values - knots[0]) / knots[1], -LARGEST_SCALED, LARGEST_SCALED)
    return np.where(np.isnan(values), 0.0, scaled).astype(np.float32), knots


def collect_values(name: str, cells: Sequence[str], min_count: int) -> Vocabulary:
    """The values that enough of the cells have, the most frequent first."""
    counts = Counter(cell for cell in cells if not is_missing(cell))
    common = [value for value, count in counts.items() if count >= min_count]
    longest = max(map(len, (name, *common)))
    if longest > LONGEST_VALUE:  # an array of texts gives each of them as much room
        raise InputError(
            f"the column `{shortened(name)}` has a value of {longest} letters, more than "
            f"{LONGEST_VALUE}",
            "shorten it, or leave the column out by naming the others: --item-features or "
            "--user-features",
        )
    return Vocabulary(name, texts(sorted(common, key=lambda value: (-counts[value], value))))


def to_codes(cells: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.int32]:
    """The code of each cell, int32; 0 for what the vocabulary does not have."""
    codes = {value: code for code, value in enumerate(vocabulary.values.tolist(), 1)}
    return np.array([codes.get(cell, 0) for cell in cells], np.int32)


def split_tags(cell: str) -> list[str]:
    """The tags of a cell, once each."""
    tags = [] if is_missing(cell) else [tag.strip() for tag in cell.split(TAG)]
    return [tag for tag in dict.fromkeys(tags) if tag]


def to_tag_codes(cells: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.int32]:
    """The codes of each cell's tags, int32 (rows, M): known ones, once each, MOST_TAGS at most."""
    codes = {value: code for code, value in enumerate(vocabulary.values.tolist(), 1)}
    found = [[codes[tag] for tag in split_tags(cell) if tag in codes][:MOST_TAGS] for cell in cells]
    table = np.zeros((len(cells), max(map(len, found), default=1) or 1), np.int32)
    for row, tags in enumerate(found):
        table[row, : len(tags)] = tags
    return table


def side_by_side(columns: list[NDArray[Any]], rows: int, dtype: Any) -> NDArray[Any]:
    return np.stack(columns, axis=1).astype(dtype) if columns else np.zeros((rows, 0), dtype)


def texts(values: Sequence[str]) -> NDArray[np.str_]:
    """Texts as an array that has a width even where there are none."""
    return np.array(list(values), dtype=np.str_) if len(values) else np.empty(0, "<U1")
