"""A table of users or items as texts: its layout, its ids, a row an id."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from seqrec_cli.core.data.attributes import TAG, Side
from seqrec_cli.core.data.reading import delimited, documents, vocabulary
from seqrec_cli.core.data.reading.dialects import HEAD_BYTES, Dialect
from seqrec_cli.core.data.reading.engine import Engine, opened_engine
from seqrec_cli.core.data.reading.landed import head_of
from seqrec_cli.core.data.reading.nested import json_relation
from seqrec_cli.core.data.reading.opening import open_relation
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.rejects import unreadable
from seqrec_cli.core.data.reading.relations import Relation, sampled
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import landed_text
from seqrec_cli.core.data.reading.times import NUMBER
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.core.storage.text import is_digits
from seqrec_cli.errors import InputError
from seqrec_cli.wording import counted, verb

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
MOST_NAMED = 10  # columns in a note
MOST_PROPERTIES = 300  # of a table with a row for each property of an item


@dataclass
class Sheet:
    """A table as read: its columns as texts, and which of them holds what.

    Attributes:
        id, title: names of columns; `title` may be "".
        headed: whether the names are the file's own.
        types: of RecBole's columns, by name.
        tags: the names of columns with several values a row, which are joined by TAG.
    """

    columns: dict[str, list[str]]
    id: str
    title: str = ""
    headed: bool = True
    types: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)


def read_sheet(source: TextSource, side: Side, known_as: str = "") -> Sheet:
    """Read a whole table as texts, and tell its ids and titles."""
    with opened_engine() as engine:
        relation = open_sheet(source, side, engine)
        try:
            return filled_sheet(source, side, known_as, relation, engine)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise unreadable(str(source), error) from error


def open_sheet(source: TextSource, side: Side, engine: Engine) -> Relation:
    layout = LAYOUTS.get(source.filename)
    if layout is None:
        if source.head(HEAD_BYTES).lstrip().startswith(b"{"):
            keyed = keyed_records(source, side, engine)
            if keyed is not None:
                return keyed
        relation = open_relation(Files(source, ((source,),)), Reading(), engine)
        damaged = bool(relation.remarks)
        if not damaged:
            return relation
        # The older editions of MovieLens, and most of what Windows wrote.
        return open_relation(Files(source, ((source,),)), Reading(encoding="latin-1"), engine)
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


def keyed_records(source: TextSource, side: Side, engine: Engine) -> Relation | None:
    """A document with what is known of each id under the id; None for other JSON."""
    rows = documents.rows_with_key(documents.document_in(landed_text(source, engine)), side, "tags")
    if rows is None:
        return None
    facts = [[documents.as_lines(rows, engine)]]
    engine.allow([facts[0][0].path])
    return sampled(json_relation(source, facts, "newline_delimited", head_of(facts)), engine)


def filled_sheet(
    source: TextSource, side: Side, known_as: str, relation: Relation, engine: Engine
) -> Sheet:
    flat = [c for c in relation.columns if not c.listed]
    lists = [c for c in relation.columns if c.listed and "[]" not in c.name.removesuffix("[]")]
    sqls = [f"coalesce({c.sql}, '')" for c in flat]
    sqls += [f"coalesce(CAST({c.sql} AS VARCHAR[]), [])" for c in lists]
    skipped = f" WHERE {relation.skipped}" if relation.skipped else ""
    rows = engine.rows(f"SELECT {', '.join(sqls)} FROM {relation.scans[0]}{skipped}")
    names = [vocabulary.bare(c.name) if relation.named else c.name for c in (*flat, *lists)]
    names = [name or f"column {n}" for n, name in enumerate(names, 1)]
    columns: dict[str, list[Any]] = {
        name: list(cells)
        for name, cells in zip(
            names, zip(*rows, strict=True) if rows else [[]] * len(names), strict=True
        )
    }
    notes, tags = left_out(relation), []
    for name in names[len(flat) :]:
        values = columns.pop(name)
        if are_vectors(values):
            notes.append(
                f"`{relation.place}`: `{shortened(name, 30)}` has lists of numbers, which are not "
                "read; `--item-vectors` reads a file of vectors"
            )
            continue
        columns[name] = [joined_tags(each) for each in values]
        tags.append(name)
    names = names[: len(flat)]
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
    title = vocabulary.best_named(names, "title") if side == "item" else None
    if title == place:
        title = None
    called = names[title] if title is not None else ""
    return Sheet(columns, names[place], called, types=types, tags=tags, notes=notes)


def are_vectors(lists: Sequence[Any]) -> bool:
    """Whether they are lists of numbers with fractions, as of a text or a picture."""
    values = [value for own in lists for value in own if value is not None]
    numbers = bool(values) and all(NUMBER.fullmatch(value.strip()) for value in values)
    return numbers and any("." in value for value in values)


def joined_tags(values: Sequence[str | None]) -> str:
    """Several values as one cell of tags."""
    return TAG.join(value.strip().replace(TAG, "/") for value in values if value is not None)


def left_out(relation: Relation) -> list[str]:
    """Says which columns of lists of records are not read."""
    deep = [c.name for c in relation.columns if c.listed and "[]" in c.name.removesuffix("[]")]
    if not deep:
        return []
    found = ", ".join(f"`{shortened(name, 30)}`" for name in deep[:MOST_NAMED])
    more = f" and {len(deep) - MOST_NAMED} more" if len(deep) > MOST_NAMED else ""
    return [f"`{relation.place}`: {found}{more} lie in lists of records, which are not read"]


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
    wanted = vocabulary.compared(known_as) if known_as and not is_digits(known_as) else ""
    plain = [vocabulary.compared(name) for name in names]
    if wanted and wanted in plain:
        return plain.index(wanted)
    found = vocabulary.best_named(names, side)
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
    rows_again = f"{counted(again, 'row')} {verb(again, 'has', 'have')}"
    notes = [f"`{source}`: {rows_again} the id of an earlier one; the first counts"]
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
            f"`{source}` has a row for each property, and {len(properties):,} properties in "
            f"`{key}`, more than {MOST_PROPERTIES}",
            "write a table with a row an id and the properties of interest as columns",
        )
    cells: dict[str, dict[str, dict[str, None]]] = {k: {} for k in dict.fromkeys(ids)}
    rows = zip(ids, sheet.columns[key], sheet.columns[value], strict=True)
    for own, name, text in rows:
        cells[own].setdefault(name.strip(), {})[text.strip().replace(TAG, "/")] = None
    columns: dict[str, list[str]] = {sheet.id: list(cells)}
    for name in properties:
        label = name if not is_digits(name) else f"{key} {name}"
        columns[label] = [TAG.join(own.get(name, {})) for own in cells.values()]
    notes = [f"`{source}` has a row for each property: they became {len(properties)} columns"]
    return replace(sheet, columns=columns, title="", notes=[*sheet.notes, *notes])
