"""Attributes of users and items from files: texts, column by column."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import TAG, Attributes, Side
from seqrec_cli.core.data.reading.identifiers import LONGEST_ID
from seqrec_cli.core.data.reading.lists import cut_values, list_form
from seqrec_cli.core.data.reading.sheets import GENRES, read_sheet, unfolded_rows
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.core.storage.text import is_digits
from seqrec_cli.errors import InputError

NO_GENRES = "(no genres listed)"
MOVIES = ("movies.dat", "movies.csv", "u.item")
YEAR = re.compile(r"\(([0-9]{4})\)\s*$")
LONGEST_TITLE = 200  # characters
LONGEST_VECTOR = 128


def read_attributes(source: TextSource, side: Side, known_as: str = "") -> Attributes:
    """Read MovieLens' u.user, u.item, users.dat, movies.dat and movies.csv, RecBole's `.user` and
    `.item`, or any table with a header; `known_as` is what the log calls the ids' column.

    A title is no attribute; of a film's title the year is one. Of rows with the same id the first
    counts, unless each has one property: those become a column each.

    Raises:
        InputError: malformed, or a table in which the ids cannot be told.
    """
    sheet = read_sheet(source, side, known_as)
    sheet = unfolded_rows(sheet, source)
    ids = [text.strip() for text in sheet.columns.pop(sheet.id)]
    longest = max(map(len, ids), default=0)
    if longest > LONGEST_ID:
        raise InputError(
            f"`{source}`: an id of {longest} characters, more than {LONGEST_ID}",
            "leave out the line, or name the ids' column in the header",
        )
    texts = sheet.columns.pop(sheet.title, None) if sheet.title else None
    titles = {} if texts is None else dict(zip(ids, map(str.strip, texts), strict=True))
    columns = {name: [cell.strip() for cell in cells] for name, cells in sheet.columns.items()}
    if sheet.types:
        columns, kinds = typed_columns(sheet.types, columns)
    else:
        columns, kinds = known_columns(source.filename, columns, titles)
        columns, kinds = listed_columns(columns, kinds)
        kinds |= {name: "tags" for name in sheet.tags if name in columns}
    if not sheet.headed:
        columns = {}
    return Attributes(str(source), ids, columns, kinds, titles, notes=tuple(sheet.notes))


def typed_columns(
    types: Mapping[str, str], columns: dict[str, list[str]]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Convert RecBole's columns by their types: `token_seq` is tags, `float_seq` numbers."""
    kinds: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for name, column in columns.items():
        if types.get(name) == "token_seq":
            found[name], kinds[name] = [TAG.join(cell.split()) for cell in column], "tags"
        elif types.get(name) == "float_seq":
            vectors = [cell.split() for cell in column]
            width = max(map(len, vectors), default=0)
            for n in range(min(width, LONGEST_VECTOR)):
                label = f"{name}[{n}]"
                found[label] = [vector[n] if n < len(vector) else "" for vector in vectors]
                kinds[label] = "dense"
        else:
            found[name] = column
            if types.get(name) == "float":
                kinds[name] = "dense"
    return found, kinds


def known_columns(
    filename: str, columns: dict[str, list[str]], titles: Mapping[str, str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The attributes in MovieLens' columns, and their kinds."""
    kinds: dict[str, str] = {}
    if filename == "u.item":
        genres = [name for name in GENRES if name in columns]
        flags = [columns.pop(name) for name in genres]
        columns["genres"] = [
            TAG.join(name for name, flag in zip(genres, row, strict=True) if flag == "1")
            for row in zip(*flags, strict=True)
        ] or [""] * len(titles)
    if filename in MOVIES and titles and "genres" in columns:
        columns["genres"] = ["" if g == NO_GENRES else g for g in columns["genres"]]
        kinds["genres"] = "tags"
        if "year" not in columns:
            years = (YEAR.search(title) for title in titles.values())
            columns["year"] = [year.group(1) if year else "" for year in years]
            kinds["year"] = "dense"
    if filename == "u.item":
        columns = {name: columns[name] for name in ("year", "genres") if name in columns}
    if filename in ("u.user", "users.dat"):
        kinds = dict.fromkeys(columns, "sparse")
    if filename == "u.user":
        kinds["age"] = "dense"  # in users.dat ages are brackets
    return columns, kinds


def listed_columns(
    columns: dict[str, list[str]], kinds: dict[str, str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Columns whose cells are lists in brackets, such as `[0, 10]`, as tags."""
    for name, cells in columns.items():
        there = [cell for cell in cells if cell]
        if name in kinds or not there or there[0][:1] not in "[{(":
            continue
        form = list_form(there)
        if form is not None:
            separator, _ = form
            columns[name] = [TAG.join(cut_values(cell, separator)) for cell in cells]
            kinds[name] = "tags"
    return columns, kinds


def titles_of(attributes: Attributes, release_year: bool = True) -> dict[str, str]:
    """The titles as they are shown: with the year of RecBole's files, cut where very long."""
    years = attributes.columns.get("release_year") if release_year else None
    found = dict(attributes.titles)
    if years is not None:
        for key, year in zip(attributes.ids, years, strict=True):
            if found.get(key) and is_digits(year):
                found[key] = f"{found[key]} ({year})"
    # An array of text is as wide as its longest entry.
    return {key: shortened(text, LONGEST_TITLE) for key, text in found.items()}


def align(titles: Mapping[str, str], item_ids: NDArray[Any]) -> NDArray[np.str_]:
    """The titles in the order of the item ids, unicode (items,), "" where unknown."""
    return np.array([titles.get(str(item), "") for item in item_ids.tolist()], dtype=np.str_)
