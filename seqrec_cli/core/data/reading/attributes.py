"""What files say about users and items, beside who did what: texts, column by column."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seqrec_cli.core.data.reading import recbole
from seqrec_cli.core.data.reading.logs import LONGEST_ID
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.tables import Role, Table, careful_rows, lay_out
from seqrec_cli.errors import InputError

Side = Literal["user", "item"]

# The files of MovieLens that have no header: their columns, the first of them the id.
LAYOUTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "u.user": ("|", ("id", "age", "gender", "occupation", "zip code")),
    "users.dat": ("::", ("id", "gender", "age", "occupation", "zip code")),
    "movies.dat": ("::", ("id", "title", "genres")),
    "u.item": ("|", ("id", "title", "release date", "video release date", "url")),
}
GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance"),
    *("Sci-Fi", "Thriller", "War", "Western"),
)
NO_GENRES = "(no genres listed)"
MOVIES = ("movies.dat", "movies.csv", "u.item")
YEAR = re.compile(r"\(([0-9]{4})\)\s*$")
TAG = "|"  # between the tags of a value


@dataclass(frozen=True, eq=False)
class Attributes:
    """What a file says of users or items.

    Attributes:
        source: the file, as the user knows it.
        ids: of each row, as in the file.
        columns: by name, a text for each row; "" where there is none.
        kinds: of those columns whose kind is known beforehand.
        titles: of those ids that have one.
        named: whether the user named the file, or it lay beside the log.
    """

    source: str
    ids: list[str]
    columns: dict[str, list[str]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    named: bool = False


def read_attributes(source: TextSource, side: Side) -> Attributes:
    """Read MovieLens' u.user, u.item, users.dat, movies.dat and movies.csv, RecBole's `.user` and
    `.item`, or any delimited text with a header.

    A title is no attribute; of a film's title the year is one. Of rows with the same id the first
    counts.

    Raises:
        InputError: malformed, or without header and not one of those files.
    """
    table, names = attribute_table(source, side)
    at, title = table.columns[side], table.columns.get("title")
    try:
        rows = collect(source, table, at, "utf-8")
    except InputError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        rows = collect(source, table, at, "latin-1")  # the older editions of MovieLens
    columns = {
        name: [row[place].strip() for row in rows.values()]
        for place, name in enumerate(names)
        if place not in (at, title)
    }
    titles = {} if title is None else {key: row[title].strip() for key, row in rows.items()}
    if is_atomic(source):
        columns, kinds = typed_columns(recbole.types_of(source), columns)
    else:
        columns, kinds = known_columns(source.filename, columns, titles)
    return Attributes(str(source), list(rows), columns, kinds, titles)


def is_atomic(source: TextSource) -> bool:
    """Whether it is one of RecBole's files, by its name."""
    return source.filename not in LAYOUTS and source.filename.endswith((".item", ".user"))


def attribute_table(source: TextSource, side: Side) -> tuple[Table, tuple[str, ...]]:
    """The layout of a file, with the ids and the titles, and the names of its columns."""
    if source.filename in LAYOUTS:
        delimiter, names = LAYOUTS[source.filename]
        names += GENRES if source.filename == "u.item" else ()
        width = next((line for line in source.head() if line), "").count(delimiter) + 1
        if not 2 <= width <= len(names):
            raise InputError(
                f"`{source}` is not the {source.filename} of MovieLens: its first line has "
                f"{width} values with `{delimiter}` between them",
                "name it otherwise, and give it a header",
            )
        names = names[:width]
        columns: dict[Role, int] = {side: 0}
        if "title" in names:
            columns["title"] = names.index("title")
        return Table(delimiter, len(names), (), columns, quoted=False), names
    if is_atomic(source):
        table = recbole.lay_out(source, {}, (side,), (side, "title"))
        return table, table.header
    remedy = f"give it a header, with the {side}'s id under `{side}`"
    table = lay_out(source, needed=(side,), optional=("title",), remedy=remedy)
    if not table.header:
        raise InputError(f"`{source}` has no header, so its columns have no names", remedy)
    return table, table.header


def collect(source: TextSource, table: Table, at: int, encoding: str) -> dict[str, list[str]]:
    """The first row of each id."""
    rows: dict[str, list[str]] = {}
    for line, row in careful_rows(source, table, encoding):
        if len(row[at]) > LONGEST_ID:
            raise InputError(
                f"`{source}`, line {line}: an id of {len(row[at])} letters, more than {LONGEST_ID}",
                "leave out the line, or name the ids' column in the header",
            )
        rows.setdefault(row[at].strip(), row)
    return rows


def typed_columns(
    types: Mapping[str, str], columns: dict[str, list[str]]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Make of RecBole's columns what their types say: `token_seq` is tags, with spaces between."""
    kinds = {}
    found = {}
    for name, column in columns.items():
        if types[name] == "token_seq":
            column, kinds[name] = [TAG.join(cell.split()) for cell in column], "tags"
        elif types[name] == "float":
            kinds[name] = "dense"
        if types[name] != "float_seq":
            found[name] = column
    return found, kinds


def known_columns(
    filename: str, columns: dict[str, list[str]], titles: Mapping[str, str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Make of MovieLens' columns what they mean; and their kinds."""
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
