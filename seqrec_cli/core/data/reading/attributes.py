"""What files say about users and items, beside who did what: texts, column by column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading import delimited, vocabulary
from seqrec_cli.core.data.reading.dialects import HEAD_BYTES, Dialect
from seqrec_cli.core.data.reading.engine import Engine, first_sentence, opened_engine
from seqrec_cli.core.data.reading.identifiers import LONGEST_ID
from seqrec_cli.core.data.reading.opening import opened
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.profiles import Profile, cut_values, list_form
from seqrec_cli.core.data.reading.relations import Relation, sampled
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.tables import TAG, refuse_rejected
from seqrec_cli.core.data.reading.texts import landed_text
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

Side = Literal["user", "item"]

# The files of MovieLens that have no header: what is between values, and their columns.
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
LONGEST_TITLE = 200  # characters
LONGEST_VECTOR = 128
MOST_PROPERTIES = 300  # of a table with a row for each property of an item
FIRST_TWO = ("item", "title")


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
        notes: what was done to read it, a sentence each.
    """

    source: str
    ids: list[str]
    columns: dict[str, list[str]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    named: bool = False
    notes: tuple[str, ...] = ()


@dataclass
class Sheet:
    """A table as read: its columns as texts, and which of them holds what.

    Attributes:
        id, title: names of columns; `title` may be "".
        headed: whether the names are the file's own.
        types: of RecBole's columns, by name.
    """

    columns: dict[str, list[str]]
    id: str
    title: str = ""
    headed: bool = True
    types: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


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
    if not sheet.headed:
        columns = {}
    return Attributes(str(source), ids, columns, kinds, titles, notes=tuple(sheet.notes))


def read_sheet(source: TextSource, side: Side, known_as: str = "") -> Sheet:
    """Read a whole table as texts, and tell its ids and titles."""
    with opened_engine() as engine:
        relation = open_sheet(source, engine)
        try:
            return filled_sheet(source, side, known_as, relation, engine)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise InputError(
                f"cannot read `{source}`: {first_sentence(error)}", "mend that place"
            ) from error


def open_sheet(source: TextSource, engine: Engine) -> Relation:
    layout = LAYOUTS.get(source.filename)
    if layout is None:
        relation = opened(Files(source, ((source,),)), Reading(), engine)
        damaged = bool(relation.remarks)
        if not damaged:
            return relation
        # The older editions of MovieLens, and most of what Windows wrote.
        return opened(Files(source, ((source,),)), Reading(encoding="latin-1"), engine)
    delimiter, names = layout
    names += GENRES if source.filename == "u.item" else ()
    head = source.head(HEAD_BYTES).decode("utf-8", "replace")
    width = next((line for line in head.splitlines() if line), "").count(delimiter) + 1
    least = len(names) if source.filename.startswith("u") and "user" in source.filename else 2
    if not least <= width <= len(names):
        raise InputError(
            f"`{source}` is not the {source.filename} of MovieLens: its first line has "
            f"{width} values with `{delimiter}` between them",
            "name it otherwise, and give it a header",
        )
    facts = landed_text(source, engine)
    if facts.damaged:
        facts = landed_text(source, engine, "latin-1")
    engine.allow([facts.path])
    dialect = Dialect(delimiter, 0, (), width, quote="", escape="")
    relation = delimited.relation(source, [[facts]], dialect)
    columns = tuple(
        replace(column, name=name) for column, name in zip(relation.columns, names, strict=False)
    )
    return sampled(replace(relation, columns=columns, named=True), engine)


def filled_sheet(
    source: TextSource, side: Side, known_as: str, relation: Relation, engine: Engine
) -> Sheet:
    flat = [c for c in relation.columns if not c.listed]
    lists = [c for c in relation.columns if c.listed and "[]" not in c.name]
    sqls = [f"coalesce({c.sql}, '')" for c in flat]
    sqls += [f"coalesce(array_to_string({c.sql}, '|'), '')" for c in lists]
    skipped = f" WHERE {relation.skipped}" if relation.skipped else ""
    rows = engine.rows(f"SELECT {', '.join(sqls)} FROM {relation.scans[0]}{skipped}")
    refuse_rejected(source, relation, engine)
    names = [vocabulary.bare(c.name) if relation.named else c.name for c in (*flat, *lists)]
    names = [name or f"column {n}" for n, name in enumerate(names, 1)]
    columns: dict[str, list[str]] = {
        name: list(cells)
        for name, cells in zip(
            names, zip(*rows, strict=True) if rows else [[]] * len(names), strict=True
        )
    }
    types = {
        name: column.name.rpartition(":")[2]
        for name, column in zip(names, flat, strict=False)
        if source.filename.endswith((".item", ".user")) and ":" in column.name
    }
    if not relation.named:
        return unnamed_sheet(source, side, columns)
    profiles = [Profile(column, n) for n, column in enumerate(flat)]
    place = id_place(side, known_as, names, profiles)
    if place is None:
        raise InputError(
            f"`{source}`: cannot tell which column is the {side}; found "
            + ", ".join(f"`{shortened(name, 30)}`" for name in names[:30]),
            f"give it a header, with the {side}'s id under `{side}`",
        )
    title = vocabulary.best(names, "title") if side == "item" else None
    if title == place:
        title = None
    return Sheet(columns, names[place], names[title] if title is not None else "", types=types)


def unnamed_sheet(source: TextSource, side: Side, columns: dict[str, list[str]]) -> Sheet:
    """A table without header: the items first, the titles second."""
    names = list(columns)
    if side == "user" or len(names) < 2:
        raise InputError(
            f"`{source}` has no header, so its columns have no names",
            f"give it a header, with the {side}'s id under `{side}`",
        )
    return Sheet(columns, names[0], names[1], headed=False)


def id_place(
    side: Side, known_as: str, names: Sequence[str], profiles: Sequence[Profile]
) -> int | None:
    """Which column holds the ids: the one called as in the log, or as users or items are."""
    wanted = vocabulary.plain(known_as) if known_as and not known_as.isdecimal() else ""
    plain = [vocabulary.plain(name) for name in names]
    if wanted and wanted in plain:
        return plain.index(wanted)
    found = vocabulary.best(names, side)
    if found is not None:
        return found
    return plain.index("id") if "id" in plain else None


def unfolded_rows(sheet: Sheet, source: TextSource) -> Sheet:
    """The table with a row an id: of several the first, or their properties as columns.

    Raises:
        InputError: more properties than can be columns.
    """
    ids = [text.strip() for text in sheet.columns[sheet.id]]
    distinct = len(dict.fromkeys(ids))
    if distinct == len(ids):
        return sheet
    others = [name for name in sheet.columns if name != sheet.id]
    pair = property_columns(sheet, others)
    if pair is not None and distinct < 0.9 * len(ids):
        return pivoted(sheet, ids, *pair, source)
    if len(others) == 1 and distinct < 0.9 * len(ids):
        (name,) = others
        tags: dict[str, dict[str, None]] = {}
        for key, value in zip(ids, sheet.columns[name], strict=True):
            tags.setdefault(key, {})[value.strip().replace(TAG, "/")] = None
        columns = {sheet.id: list(tags), name: [TAG.join(own) for own in tags.values()]}
        notes = [f"`{source}` has several rows an id: `{name}` became tags"]
        return replace(sheet, columns=columns, title="", notes=notes)
    first = list({key: row for row, key in reversed(list(enumerate(ids)))}.items())
    rows = sorted(row for _, row in first)
    columns = {name: [cells[row] for row in rows] for name, cells in sheet.columns.items()}
    again = len(ids) - distinct
    notes = [f"`{source}`: {again:,} rows have the id of an earlier one; the first counts"]
    return replace(sheet, columns=columns, notes=[*sheet.notes, *notes])


def property_columns(sheet: Sheet, others: Sequence[str]) -> tuple[str, str] | None:
    """The columns of a property's name and of its value, in a table with a row for each."""
    rest = [name for name in others if vocabulary.rank(name, "time") < 0]
    if len(rest) != 2 or sheet.title:
        return None
    names = [
        name for name in rest if re.search(r"(?i)propert|attrib|categor|key|feature|name", name)
    ]
    values = [name for name in rest if re.search(r"(?i)value", name)]
    if len(values) == 1:
        (value,) = values
        (key,) = (name for name in rest if name != value)
        return key, value
    return (rest[0], rest[1]) if len(names) == 1 and names[0] == rest[0] else None


def pivoted(sheet: Sheet, ids: Sequence[str], key: str, value: str, source: TextSource) -> Sheet:
    """A row an id, a column a property; several values of one are tags."""
    properties = dict.fromkeys(name.strip() for name in sheet.columns[key])
    if len(properties) > MOST_PROPERTIES:
        raise InputError(
            f"`{source}` has a row for each property, and {len(properties):,} properties in `{key}`, "
            f"more than {MOST_PROPERTIES}",
            "write a table with a row an id and the properties of interest as columns",
        )
    cells: dict[str, dict[str, dict[str, None]]] = {k: {} for k in dict.fromkeys(ids)}
    rows = zip(ids, sheet.columns[key], sheet.columns[value], strict=True)
    for own, name, text in rows:
        cells[own].setdefault(name.strip(), {})[text.strip().replace(TAG, "/")] = None
    columns: dict[str, list[str]] = {sheet.id: list(cells)}
    for name in properties:
        label = name if not name.isdecimal() else f"{key} {name}"
        columns[label] = [TAG.join(own.get(name, {})) for own in cells.values()]
    notes = [f"`{source}` has a row for each property: they became {len(properties)} columns"]
    return replace(sheet, columns=columns, title="", notes=[*sheet.notes, *notes])


def typed_columns(
    types: Mapping[str, str], columns: dict[str, list[str]]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Make of RecBole's columns what their types say: `token_seq` is tags, `float_seq` numbers."""
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
            if found.get(key) and year.isdecimal():
                found[key] = f"{found[key]} ({year})"
    # An array of text is as wide as its longest entry.
    return {key: shortened(text, LONGEST_TITLE) for key, text in found.items()}


def align(titles: Mapping[str, str], item_ids: NDArray[Any]) -> NDArray[np.str_]:
    """The titles in the order of the item ids, unicode (items,), "" where unknown."""
    return np.array([titles.get(str(item), "") for item in item_ids.tolist()], dtype=np.str_)
