"""What a column of features holds: numbers, categories, or sets of categories."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading.attributes import Attributes
from seqrec_cli.core.data.reading.tables import TAG
from seqrec_cli.errors import InputError

Kind = Literal["dense", "sparse", "tags"]


Scaling = Literal["quantile", "z-score"]


KINDS: tuple[Kind, ...] = ("dense", "sparse", "tags")


LARGEST = 1e100  # its square is finite


FEW_VALUES = 10  # a column of so few different numbers is a category


CODE = re.compile(r"0[0-9]+")


MISSING = ("", "nan", "na", "n/a", "null")


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
