"""Titles of items, from the files that the datasets bring or the user names."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading import recbole
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.tables import Table, careful_rows, lay_out
from seqrec_cli.errors import InputError

LONGEST_TITLE = 200
FIRST_TWO = {"item": 0, "title": 1}


def read_titles(source: TextSource) -> dict[str, str] | None:
    """Read the title of each item id, spelled as in the file; None where it has no titles.

    movies.dat and u.item of MovieLens, `.item` of RecBole, or delimited text whose header names an
    item and a title, or without header the item first and the title second. A missing title is "".
    """
    table = title_table(source)
    if "title" not in table.columns:
        return None
    try:
        return collect(source, table, "utf-8")
    except InputError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
    # The older editions of MovieLens.
    return collect(source, table, "latin-1")


def collect(source: TextSource, table: Table, encoding: str) -> dict[str, str]:
    """Read the titles of a file whose layout is known."""
    titles: dict[str, str] = {}
    item, title = table.columns["item"], table.columns["title"]
    year = table.header.index("release_year") if "release_year" in table.header else None
    for _, row in careful_rows(source, table, encoding):
        text = row[title].strip()
        if text and year is not None and row[year].strip().isdecimal():
            text = f"{text} ({row[year].strip()})"
        # An array of text is as wide as its longest entry.
        if len(text) > LONGEST_TITLE:
            text = f"{text[: LONGEST_TITLE - 1]}…"
        titles.setdefault(row[item].strip(), text)
    return titles


def title_table(source: TextSource) -> Table:
    name = source.filename
    if name in ("movies.dat", "u.item"):
        head = [line for line in source.head() if line]
        delimiter = "::" if name == "movies.dat" else "|"
        width = len(head[0].split(delimiter)) if head else 0
        if width < 2:
            raise InputError(f"`{source}` is not the {name} of MovieLens: it has no `{delimiter}`")
        return Table(delimiter, width, (), FIRST_TWO, quoted=False)  # type: ignore[arg-type]
    if name.endswith(".item"):
        return recbole.lay_out(source, {}, ("item", "title"), ("item", "title"))
    try:
        return lay_out(source, needed=("item", "title"), optional=())
    except InputError:
        if not has_named_columns(source):
            raise
        return lay_out(source, needed=("item",), optional=())


def has_named_columns(source: TextSource) -> bool:
    """Whether the file has a header, and in it a column of item ids."""
    if source.filename.endswith(".item"):
        return False  # RecBole's header has types in it
    try:
        return bool(lay_out(source, needed=("item",), optional=()).header)
    except InputError:
        return False


def align(titles: dict[str, str], item_ids: NDArray[Any]) -> NDArray[np.str_]:
    """The titles in the order of the item ids, unicode (items,), "" where unknown."""
    return np.array([titles.get(str(item), "") for item in item_ids.tolist()], dtype=np.str_)
