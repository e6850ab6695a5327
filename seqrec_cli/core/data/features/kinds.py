"""The kinds of feature columns: numbers, categories, and sets of categories."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import TAG, Attributes, Side
from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

Kind = Literal["dense", "sparse", "tags"]


Scaling = Literal["quantile", "z-score"]


Owner = Literal["row", "user", "item"]  # what a column describes


KINDS: tuple[Kind, ...] = ("dense", "sparse", "tags")


SCALINGS: tuple[Scaling, ...] = ("quantile", "z-score")


LONGEST_VALUE = 500  # characters of a category, of a tag, and of the name of a column


LARGEST = 1e100  # its square is finite


FEW_VALUES = 10  # a column of at most so many distinct numbers is a category


CODE = re.compile(r"0[0-9]+")


# In lower case. "none" is a value: an occupation in MovieLens.
MISSING = frozenset(("", "nan", "na", "n/a", "<na>", "null", "\\n"))
MISSING_IN_PYTHON = "None"


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How features are encoded.

    Attributes:
        user_kinds: the kinds of the users' columns that become features, by name; None: inferred.
        item_kinds: those of the items' columns.
        scaling: scales dense features by rank, 0 to 1, or to standard deviations from the mean.
        min_value_count: a category or tag in fewer rows of the train part is unknown.
    """

    user_kinds: Mapping[str, Kind] | None = None
    item_kinds: Mapping[str, Kind] | None = None
    scaling: Scaling = "quantile"
    min_value_count: int = 5

    def kinds(self, side: Side) -> Mapping[str, Kind] | None:
        """The kinds chosen for a side's columns; None: inferred."""
        return self.user_kinds if side == "user" else self.item_kinds


def parse_kinds(text: str | None, option: str) -> dict[str, Kind] | None:
    """Parse `NAME=KIND,...`; None gives None.

    Raises:
        InputError: a part is not of this form, or its kind is unknown.
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
                f"use for example `{option} year=dense,genres=tags`",
            )
        chosen[name] = known[kind]
    return chosen


def choose_kinds(
    attributes: Attributes,
    kinds: Mapping[str, Kind] | None,
    train_cells: Mapping[str, TextColumn],
    min_value_count: int,
) -> tuple[dict[str, Kind], list[str]]:
    """The kind of each column that becomes a feature, and the names of the others.

    `train_cells` are the cells of each column in the train part.

    Raises:
        InputError: a named column is missing.
    """
    if kinds is not None:
        kinds = with_vectors(attributes, kinds)
        unknown = [name for name in kinds if name not in attributes.columns]
        if unknown:
            raise InputError(
                f"`{attributes.source}` has no column `{unknown[0]}`",
                f"it has {', '.join(f'`{name}`' for name in attributes.columns) or 'none'}",
            )
        return dict(kinds), [name for name in attributes.columns if name not in kinds]
    chosen: dict[str, Kind] = {}
    for name in attributes.columns:
        known = attributes.kinds.get(name)
        kind = known or guess_kind(train_cells[name], min_value_count)
        if kind:
            chosen[name] = kind  # type: ignore[assignment]
    return chosen, [name for name in attributes.columns if name not in chosen]


def with_vectors(attributes: Attributes, kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """The kinds, with the columns `emb[0]`, `emb[1]`, … of a vector in place of its name."""
    found: dict[str, Kind] = {}
    for name, kind in kinds.items():
        vector = [column for column in attributes.columns if column.startswith(f"{name}[")]
        if name in attributes.columns or kind != "dense":
            vector = []
        found |= dict.fromkeys(vector or [name], kind)
    return found


def guess_kind(column: TextColumn, min_value_count: int) -> Kind | None:
    """The likely kind of a column; None if it is empty, or nearly every row has another value."""
    present = np.array([not is_missing(text) for text in column.texts], np.bool_)
    if not present.any():
        return None
    texts = [text for text, kept in zip(column.texts, present, strict=True) if kept]
    counts = column.counts[present]
    numeric = counts[np.isfinite(numbers(texts))].sum() / counts.sum()
    if any(CODE.fullmatch(text) for text in texts):
        numeric = 0.0  # 01002 is a code, not a number
    if numeric >= 0.95 and len(texts) > FEW_VALUES:
        return "dense"
    if any(TAG in text for text in texts):
        return "tags"
    common = counts[counts >= min_value_count].sum()
    return "sparse" if common >= 0.2 * counts.sum() else None


def is_missing(text: str) -> bool:
    """Whether a text means a missing value: NA, NULL, nan, \\N, None or nothing."""
    return text.lower() in MISSING or text == MISSING_IN_PYTHON


def numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """Texts as float64; NaN if a text is not a number, or one whose square is not finite."""
    values = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        # `float` would also accept 1_0, and the digits of other scripts.
        if "_" not in text and text.isascii():
            with contextlib.suppress(ValueError):
                values[row] = float(text)
    values[~(np.abs(values) < LARGEST)] = np.nan
    # Between smaller numbers the slope of an interpolation would overflow.
    values[np.abs(values) < 1 / LARGEST] = 0.0
    return values


def split_tags(text: str) -> list[str]:
    """The distinct tags of a text, without missing ones."""
    tags = () if is_missing(text) else (tag.strip() for tag in text.split(TAG))
    return [tag for tag in dict.fromkeys(tags) if not is_missing(tag)]


def check_length(name: str, value: str) -> None:
    """Refuse a long text: every element of a unicode array is as wide as the longest.

    Raises:
        InputError: the name or the value is too long.
    """
    if len(value) > LONGEST_VALUE:
        what = "name" if value == name else "value"
        raise InputError(
            f"the column `{shortened(name)}` has a {what} of {len(value)} characters, more than "
            f"{LONGEST_VALUE}",
            "shorten it, or leave the column out: name the others with `--item-features` or "
            "`--user-features`",
        )
