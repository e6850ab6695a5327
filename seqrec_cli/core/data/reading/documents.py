"""JSON documents that hold a whole table in one value: as lines of records.

So pandas writes (`columns`, `split`, `index`), so exports with their records under a key, and so
most dictionaries from users to items.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.texts import Facts

LARGEST = 48 << 20  # bytes of a document: it is read as a whole
LARGEST_READ = 640 << 20  # bytes that it may take when it is read
VALUE_BYTES = 88  # about what Python takes for a value beside its text: an empty list has 2 letters
Row = dict[str, Any]


def unpacked(facts: Facts, engine: Engine) -> Facts | None:
    """A copy of a document with a line a record; None for what is no such document."""
    if facts.size > LARGEST:
        return None
    content = facts.path.read_bytes()
    if (
        len(content) + VALUE_BYTES * sum(map(content.count, (b"[", b"{", b",", b":")))
        > LARGEST_READ
    ):
        return None
    try:
        rows = rows_in(json.loads(content))
    except (ValueError, RecursionError):
        return None
    if rows is None:
        return None
    with engine.folder.new_file(".json") as copy:
        for row in rows:
            copy.write(json.dumps(row).encode() + b"\n")
    return Facts(copy.path, quotes=2, damaged=facts.damaged, size=copy.size)


def rows_in(document: Any) -> Iterable[Row] | None:
    """The records of a document, None where it is not known to be a table."""
    if not isinstance(document, dict) or not document:
        return None
    values = list(document.values())
    for value in values:
        if isinstance(value, list) and len(value) > 1 and are_all(value, dict):
            return value
    names, data = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(data, list) and are_all(data, list):
        return [dict(zip(map(str, names), row, strict=False)) for row in data]
    if len(document) > 1 and are_all(values, dict):
        return rows_of_mappings(document)
    if len(document) > 1 and are_all(values, list):
        return rows_of_lists(document)
    return None


def are_all(values: Sequence[Any], kind: type) -> bool:
    return bool(values) and all(isinstance(value, kind) for value in values)


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
