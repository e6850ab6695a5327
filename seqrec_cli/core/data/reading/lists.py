"""Lists in cells: how they are written, and the SQL that cuts them."""

import re
from collections.abc import Callable, Sequence

from seqrec_cli.core.data.reading.dialects import LOOKED_AT, shape
from seqrec_cli.core.data.reading.engine import quoted

# News as MIND has them, those that were clicked marked with 1: `N55689-1 N35729-0`.
IMPRESSIONS = re.compile(r"\S+-[01](?: \S+-[01])+")
BRACKETED = re.compile(r"\s*[\[({].*[\])}]\s*", re.DOTALL)
FEW_CELLS = 10  # of which little can be told
ListSql = Callable[[str], str]


def looks_nested(values: Sequence[str]) -> bool:
    """Whether they are JSON or lists, not plain values."""
    return all(
        value[:1] in "[{(" and (BRACKETED.fullmatch(value) or len(value) >= LOOKED_AT)
        for value in values[:20]
    )


def list_form(values: Sequence[str]) -> tuple[str, ListSql] | None:
    """How lists are written in cells: what separates the values, and SQL that cuts; None for none.

    `[8, 9]`, `{8,9}`, `['a' 'b']`, `8|9`, `8;9`, `8,9`, `8 9`.
    """
    if not values:
        return None
    if all(IMPRESSIONS.fullmatch(value) for value in values[:50]):
        return "-1 ", clicked_sql
    if looks_nested(values):
        if any(":" in value and "{" in value for value in values[:20]):
            return None
        separator = "," if any("," in value for value in values) else " "
        return separator, lambda text: cut_sql(f"trim({text}, ' []{{}}()')", separator)
    for separator in ("|", ";", ",", " ", "#"):
        if is_list_of_ids(values, separator):
            return separator, lambda text, s=separator: cut_sql(text, s)
    return None


def is_list_of_ids(values: Sequence[str], separator: str) -> bool:
    """Whether most cells are several ids of one look, and not always as many."""
    if sum(separator in value for value in values) < 0.5 * len(values):
        return False
    pieces = [[piece.strip() for piece in value.split(separator)] for value in values]
    several = sum(len(own) > 1 for own in pieces)
    looks = {shape(piece) for own in pieces for piece in own if piece}
    alike = len({len(own) for own in pieces}) < 2
    widths = {tuple(map(len, own)) for own in pieces}
    if len(widths) == 1 and len({*widths.pop()}) > 1 and len(values) > FEW_CELLS:
        return False  # one number in groups, as `00 16 135`
    if several < 0.5 * len(pieces) or (alike and (len(looks) > 1 or separator == ",")):
        return False
    if separator in (" ", ",") and not all("9" in look for look in looks):
        return False
    return len(looks) <= 3 and not any(" " in look for look in looks)


def clicked_sql(text: str) -> str:
    """SQL of the list of what was clicked in a text of impressions."""
    each = f"list_filter(string_split({text}, ' '), lambda x: ends_with(x, '-1'))"
    return f"list_transform({each}, lambda x: x[:-3])"


def cut_sql(text: str, separator: str) -> str:
    """SQL of the list of values in a text, without spaces and quotes around them."""
    if separator == " ":
        cut = f"regexp_split_to_array(trim({text}), '\\s+')"
    else:
        cut = f"string_split({text}, {quoted(separator)})"
    trimmed = f"list_transform({cut}, lambda x: trim(x, ' ''\"' || chr(10)))"
    return f"list_filter({trimmed}, lambda x: x <> '')"


def cut_values(cell: str, separator: str) -> list[str]:
    """The values of a list in a cell, as `cut_sql` cuts them."""
    if separator == "-1 ":
        return [piece[:-2] for piece in cell.split() if piece.endswith("-1")]
    inner = cell.strip(" []{}()")
    pieces = inner.split() if separator == " " else inner.split(separator)
    trimmed = (piece.strip(" '\"\n") for piece in pieces)
    return [piece for piece in trimmed if piece]
