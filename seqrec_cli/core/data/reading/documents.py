"""JSON documents that hold a whole table in one value: as lines of records.

So pandas writes (`columns`, `split`, `index`), so exports with their records under a key, and so
most dictionaries from users to items.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.texts import Facts

LARGEST = 48 << 20  # bytes of a document: it is read as a whole
LARGEST_READ = 640 << 20  # bytes that it may take when it is read
VALUE_BYTES = 88  # about what Python takes for a value beside its text: an empty list has 2 letters
DEEPEST = 4  # steps to the records of a document
FEWEST_KEYED = 5  # records under keys; fewer are rather settings
# What lists of columns are under, and what an object calls the name of one.
NAMES = {"columns", "cols", "fields", "header", "headers", "names", "meta", "schema", "rowtype"}
CALLED = ("name", "columnname", "label", "id")
Row = dict[str, Any]


def unpacked(facts: Facts, engine: Engine) -> Facts | None:
    """A copy of a document with a line a record; None for what is no such document."""
    rows = rows_in(document_in(facts))
    return None if rows is None else as_lines(rows, engine, damaged=facts.damaged)


def as_lines(rows: Iterable[Row], engine: Engine, *, damaged: bool = False) -> Facts:
    """A file with a line a record."""
    with engine.folder.new_file(".json") as copy:
        for row in rows:
            copy.write(json.dumps(row).encode() + b"\n")
    return Facts(copy.path, quotes=2, damaged=damaged, size=copy.size)


def document_in(facts: Facts) -> Any:
    """The value of a document; None for what is none, or is too large to be read as a whole."""
    if facts.size > LARGEST:
        return None
    content = facts.path.read_bytes()
    values = sum(map(content.count, (b"[", b"{", b",", b":")))
    if len(content) + VALUE_BYTES * values > LARGEST_READ:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def rows_in(document: Any) -> Iterable[Row] | None:
    """The records of a document, None where it is not known to be a table."""
    if not isinstance(document, dict) or not document:
        return None
    values = list(document.values())
    if rows := rows_beside_names(document):
        return rows
    if len(document) > 1 and are_all(values, list) and (own := records_by_key(document)):
        return own
    if not is_keyed(document) and (rows := likeliest_rows(document, DEEPEST)):
        return with_owner(rows, document)
    if len(document) > 1 and are_all(values, dict):
        return rows_of_mappings(document)
    if len(document) > 1 and are_all(values, list):
        return rows_of_lists(document)
    return None


def rows_beside_names(document: Row) -> list[Row]:
    """The rows of the longest table of lists whose columns' names stand elsewhere, else [].

    So databases answer: `{"meta": [{"name": …}, …], "data": [[…], …]}`.
    """
    lists = list(lists_in(document, "", DEEPEST + 1))
    named = [own for key, own in lists if vocabulary.compared(key) in NAMES]
    headers = [[name_in(value) for value in own] for own in named]
    headers = [header for header in headers if all(header) and len(set(header)) == len(header)]
    found: list[Row] = []
    for _, own in lists if headers else ():
        rows = [cells_in(row) for row in own] if len(own) > len(found) else []
        widths = set(map(len, rows))
        for header in headers:
            if widths == {len(header)}:
                found = [dict(zip(header, row, strict=True)) for row in rows]
                break
    return found


def lists_in(value: Any, key: str, deep: int) -> Iterator[tuple[str, list[Any]]]:
    """The lists in a document, each with the key that it is under; of a list, in its first."""
    if isinstance(value, list) and value:
        yield key, value
        if isinstance(value[0], dict) and deep:
            yield from lists_in(value[0], key, deep - 1)
    elif isinstance(value, dict) and deep:
        for own, inner in value.items():
            yield from lists_in(inner, own, deep - 1)


def name_in(value: Any) -> str:
    """The name of a column: a text, or what an object calls it; "" for none."""
    if isinstance(value, dict):
        keys = {vocabulary.compared(key): key for key in reversed(value)}
        value = next((value[keys[name]] for name in CALLED if value.get(keys.get(name))), "")
    return str(value) if isinstance(value, str | int) else ""


def cells_in(row: Any) -> list[Any]:
    """The cells of a row: a list, or one in an object; they may lie in objects, as `{"v": …}`."""
    if isinstance(row, dict) and len(row) < 3:
        row = next((inner for inner in row.values() if isinstance(inner, list)), None)
    cells = row if isinstance(row, list) else []
    return [cell.get("v", cell) if isinstance(cell, dict) else cell for cell in cells]


def likeliest_rows(value: Any, deep: int) -> list[Row]:
    """The records of a document: those that name a user, else the most; [] where there are none.

    They are a list or under keys of their own; beside them are counts, names of columns, settings.
    """
    if not isinstance(value, dict) or not deep:
        return []
    found: list[Row] = []
    for inner in value.values():
        if isinstance(inner, list) and len(inner) > 1 and are_all(inner, dict):
            rows = inner
        elif isinstance(inner, dict) and is_keyed(inner):
            rows = list(inner.values())
        else:
            rows = likeliest_rows(inner, deep - 1)
        found = max(found, rows, key=how_likely)
    return found


def how_likely(rows: list[Row]) -> tuple[bool, int]:
    named = [".".join(path) for path, _ in plain_values(rows[0], (), DEEPEST)] if rows else []
    return vocabulary.best_named(named, "user") is not None, len(rows)


def is_keyed(value: dict[str, Any]) -> bool:
    """Whether they are records under keys of their own, as Firebase writes them: all alike."""
    records = list(value.values())
    if len(records) < FEWEST_KEYED or not are_all(records, dict):
        return False
    shared = set.intersection(*map(set, records))
    return len(shared) > 1 and not shared & value.keys()


def records_by_key(document: dict[str, list[Any]]) -> list[Row]:
    """The records of lists under keys, with the key as their user, if all of them are alike."""
    records = [row for own in document.values() for row in own]
    if not are_all(records, dict) or len(set.intersection(*map(set, records))) < 2:
        return []
    if any(vocabulary.is_known(key) for key in document):
        return []  # tables of several kinds
    if vocabulary.best_named(list(records[0]), "user") is not None:
        return records
    return [{"user": key} | row for key, own in document.items() for row in own]


def with_owner(rows: list[Row], document: Row) -> list[Row]:
    """The records, with the user whom the document above them names, if it does."""
    owners = {
        ".".join(path): value
        for path, value in plain_values(document, (), DEEPEST)
        if 0 <= vocabulary.rank(".".join(path), "user") < vocabulary.SURE
    }
    return [owners | row for row in rows] if owners else rows


def plain_values(
    value: Row, above: tuple[str, ...], deep: int
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values that are no lists, with their paths."""
    for key, inner in value.items():
        if isinstance(inner, dict) and deep and not is_keyed(inner):
            yield from plain_values(inner, (*above, key), deep - 1)
        elif isinstance(inner, str | int):
            yield (*above, key), inner


def are_all(values: Sequence[Any], kind: type) -> bool:
    return bool(values) and all(isinstance(value, kind) for value in values)


def rows_with_key(document: Any, name: Literal["user", "item"], tags: str) -> list[Row] | None:
    """The records of a document by their keys, which become a column called `name`; None for other
    documents.

    A record is an object, `{"7": {"price": 3}}`, or a list of values, `{"7": ["red", "wool"]}`,
    which becomes a column called `tags`.
    """
    if not isinstance(document, dict) or len(document) < 2:
        return None
    values = list(document.values())
    if are_all(values, dict):
        named = list(dict.fromkeys(key for record in values for key in record))
        own = any(vocabulary.compared(key) == "id" for key in named)
        columns = all(key.isdigit() for key in named)  # as pandas writes them
        if own or columns or vocabulary.best_named(named, name) is not None:
            return None
        return [{name: key} | record for key, record in document.items()]
    if any(map(vocabulary.is_known, document)) or not are_all(values, list):
        return None
    if not all(isinstance(value, str | int) for own in values for value in own):
        return None
    return [{name: key, tags: own} for key, own in document.items()]


def rows_of_mappings(document: dict[str, dict[str, Any]]) -> list[Row]:
    """Columns of cells by row; records by key; or users and the ratings of their items."""
    first, second, *_ = document.values()
    if list(first) == list(second) and all(key.isdigit() for key in first):
        return [{name: cells.get(row) for name, cells in document.items()} for row in first]
    scalar = all(isinstance(value, str | int | float) for value in first.values())
    if first.keys() & second.keys() or not scalar:
        return list(document.values())
    return [
        {"user": user, "item": item, "rating": rating}
        for user, own in document.items()
        for item, rating in own.items()
    ]


def rows_of_lists(document: dict[str, list[Any]]) -> list[Row]:
    """Columns, by the names that they have; or users, and their items, baskets or records."""
    lengths = {len(own) for own in document.values()}
    if len(lengths) == 1 and sum(map(vocabulary.is_known, document)) > 1:
        rows = zip(*document.values(), strict=True)
        return [dict(zip(document, row, strict=True)) for row in rows]
    inner = [value for own in document.values() for value in own]
    if not are_all(inner, list):
        return [{"user": user, "items": own} for user, own in document.items()]
    widths = {len(value) for value in inner if isinstance(value, list)}
    if len(widths) == 1 and widths.isdisjoint({0, 1}):  # an item, its time and the like
        return [
            {"user": user} | {str(place): cell for place, cell in enumerate(value, 2)}
            for user, own in document.items()
            for value in own
        ]
    return [
        {"user": user, "items": [item for basket in own for item in basket]}
        for user, own in document.items()
    ]
