"""What a column of features holds: numbers, categories, or sets of categories."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.columns import Column
from seqrec_cli.core.data.reading.attributes import Attributes
from seqrec_cli.core.data.reading.sheets import Side
from seqrec_cli.core.data.reading.tables import TAG
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

Kind = Literal["dense", "sparse", "tags"]


Scaling = Literal["quantile", "z-score"]


Owner = Literal["row", "user", "item"]  # what a column is of


KINDS: tuple[Kind, ...] = ("dense", "sparse", "tags")


SCALINGS: tuple[Scaling, ...] = ("quantile", "z-score")


LONGEST_VALUE = 500  # characters of a category, of a tag, and of the name of a column


LARGEST = 1e100  # its square is finite


FEW_VALUES = 10  # a column of so few different numbers is a category


CODE = re.compile(r"0[0-9]+")


# In lower case; a value may be called "none", as an occupation of MovieLens is.
MISSING = frozenset(("", "nan", "na", "n/a", "<na>", "null", "\\n"))
MISSING_IN_PYTHON = "None"


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How features are encoded.

    Attributes:
        user_kinds: the kinds of the columns of users that become features, by name; None: inferred.
        item_kinds: those of the columns of items.
        scaling: dense features by rank, 0 to 1, or in standard deviations from the mean.
        min_value_count: a category or tag in fewer rows of the train part counts as unknown.
    """

    user_kinds: Mapping[str, Kind] | None = None
    item_kinds: Mapping[str, Kind] | None = None
    scaling: Scaling = "quantile"
    min_value_count: int = 5

    def kinds(self, side: Side) -> Mapping[str, Kind] | None:
        """The kinds of a side's columns, where they are given."""
        return self.user_kinds if side == "user" else self.item_kinds


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


def choose_kinds(
    attributes: Attributes,
    kinds: Mapping[str, Kind] | None,
    train_cells: Mapping[str, Column],
    min_value_count: int,
) -> tuple[dict[str, Kind], list[str]]:
    """The kind of each column that is taken, and the names of the others.

    `train_cells` are those of each column that encoders may learn from.

    Raises:
        InputError: a column that is named is not there.
    """
    if kinds is not None:
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


def guess_kind(column: Column, min_value_count: int) -> Kind | None:
    """What a column seems to be; None where nearly each row has a value of its own, or none."""
    there = np.array([not is_missing(text) for text in column.texts], np.bool_)
    if not there.any():
        return None
    texts = [text for text, kept in zip(column.texts, there, strict=True) if kept]
    counts = column.counts[there]
    numeric = counts[np.isfinite(numbers(texts))].sum() / counts.sum()
    if any(CODE.fullmatch(text) for text in texts):
        numeric = 0.0  # 01002 is no number
    if numeric >= 0.95 and len(texts) > FEW_VALUES:
        return "dense"
    if any(TAG in text for text in texts):
        return "tags"
    common = counts[counts >= min_value_count].sum()
    return "sparse" if common >= 0.2 * counts.sum() else None


def is_missing(text: str) -> bool:
    """Whether a text says that there is no value: NA, NULL, nan, \\N, None or nothing."""
    return text.lower() in MISSING or text == MISSING_IN_PYTHON


def numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """Texts as numbers, float64; NaN where it is none, or none that can be calculated with."""
    values = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        try:
            values[row] = float(text)
        except ValueError:
            continue
    values[~(np.abs(values) < LARGEST)] = np.nan
    return values


def split_tags(text: str) -> list[str]:
    """The tags of a text, once each, missing ones left out."""
    tags = () if is_missing(text) else (tag.strip() for tag in text.split(TAG))
    return [tag for tag in dict.fromkeys(tags) if not is_missing(tag)]


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
