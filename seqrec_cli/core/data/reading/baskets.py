"""Cells with the names of all that somebody took at once: `2 x Lamp; 1 x Red Mug`.

Names have such signs of their own, so cells are cut where the user names the column alone, and at
commas and slashes only where amounts say that they are baskets. That they may be is said.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from seqrec_cli.core.data.reading.lists import cut_sql, cut_values
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Cell

SEPARATORS = {";": "`;`", "|": "`|`", "\n": "a new line", ",": "`,`", " + ": "`+`", "/": "`/`"}
MORE_OFTEN = 3  # times; pieces of cells that come again so much more than the cells are items
# How many there were of an item, before or behind its name.
AMOUNT = re.compile(
    r"^[0-9]{1,3} ?[x×*] |^[x×] ?[0-9]{1,3} | ?\([x×]? ?[0-9]{1,3} ?[x×]?\)$| [x×] ?[0-9]{1,3}$"
)


def without_amount(piece: str) -> str:
    """The name of an item alone."""
    return AMOUNT.sub("", piece).strip()


def items_in(value: str, separator: str) -> list[str]:
    """What a cell has between separators, each without how many there were of it."""
    return [without_amount(piece) for piece in cut_values(value, separator)]


def pieces_repeat(values: Sequence[str], separator: str) -> bool:
    """Whether what is between separators comes far more often than whole cells do, as of baskets.

    Of a place or a name in parts, `Paris, France`, it does not.
    """
    pieces = [piece for value in values for piece in items_in(value, separator)]
    often = len(pieces) / max(len({*pieces}), 1)
    return often > MORE_OFTEN * len(values) / len({*values})


def separator_of(values: Sequence[str]) -> str:
    """What stands between the items of baskets, "" where cells are no baskets."""
    for separator in SEPARATORS:
        counts = Counter(value.count(separator) for value in values)
        several = counts.total() - counts[0] > 0.5 * len(values)
        if several and len(counts) > 1 and pieces_repeat(values, separator):
            return separator
    return ""


def is_cut(values: Sequence[str], separator: str) -> bool:
    """Whether baskets are cut where they are named: names and addresses have `,` and `/` too."""
    pieces = [piece for value in values for piece in cut_values(value, separator)]
    amounts = sum(AMOUNT.search(piece) is not None for piece in pieces)
    return separator not in (",", "/") or amounts > 0.5 * len(pieces)


def of_each_item(profile: Profile) -> Profile:
    """A column of baskets, as lists; any other as it is."""
    separator = separator_of(profile.values) if not profile.column.listed else ""
    if not separator or not is_cut(profile.values, separator):
        return profile
    cells: list[Cell] = [
        [*items_in(cell, separator)] if isinstance(cell, str) else None
        for cell in profile.column.cells
    ]
    plain = f"trim(regexp_replace(x, '{AMOUNT.pattern}', '', 'g'))"
    sql = f"list_transform({cut_sql(profile.column.sql, separator)}, lambda x: {plain})"
    column = replace(profile.column, sql=sql, listed=True, cells=tuple(cells))
    return Profile(column, profile.place)
