"""Columns of texts as numbers and codes, by encoders fitted on the train part."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.kinds import (
    Encoding,
    Kind,
    Scaling,
    choose_kinds,
    is_missing,
    numbers,
)
from seqrec_cli.core.data.features.table import FeatureTable, Vocabulary, texts
from seqrec_cli.core.data.reading.attributes import Attributes
from seqrec_cli.core.data.reading.tables import TAG
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

KNOTS = 101  # quantiles of a dense feature that are kept


LARGEST_SCALED = 10.0  # standard deviations, from where on a number counts as that far off


MOST_TAGS = 64  # a row has


LONGEST_VALUE = 500  # letters of a category or a tag, and of a column's name


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
