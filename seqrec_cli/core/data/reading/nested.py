"""JSON and Parquet: records, in which columns may be nested, as flat columns with paths."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from seqrec_cli.core.data.reading.dialects import lines_of
from seqrec_cli.core.data.reading.engine import Engine, first_sentence, name, quoted
from seqrec_cli.core.data.reading.relations import Column, Piece, Relation
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import Facts
from seqrec_cli.errors import InputError

LOOKED_AT = 200  # records whose keys become columns
MOST_COLUMNS = 400
DEEPEST = 6
LARGEST_RECORD = 64 << 20
LONGEST_LITERAL = 1 << 20
MOST_ROWS_PER_BYTE = 100  # of a Parquet file
ROWS_ANYWAY = 1 << 20
PIECE_ROWS = 1 << 23
INTEGERS = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"}


def json_form(head: bytes) -> str:
    """How JSON is laid out, for the engine; "literal" for Python's literals; "" for none."""
    lines = [line for line in lines_of(head) if line.strip()]
    first = lines[0].strip() if lines else ""
    if first.startswith("["):
        return "array" if re.match(r"\[\s*(\{|$)", first) else ""
    if not first.startswith("{"):
        return ""
    if is_record(first, json.loads):
        return "newline_delimited"
    if is_record(first, ast.literal_eval):
        return "literal"
    return "unstructured" if re.match(r'\{\s*("|$)', first) else ""


def is_record(line: str, parse: Any) -> bool:
    try:
        return len(line) <= LONGEST_LITERAL and isinstance(parse(line), dict)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def records_of(head: bytes, form: str) -> list[dict[str, Any]]:
    """The first records of a JSON text."""
    text = head.decode("utf-8", "replace")
    found: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    space = re.compile(r"[\s,\[]*" if form == "array" else r"\s*")
    while len(found) < LOOKED_AT:
        match = space.match(text, at)
        at = match.end() if match else at
        try:
            record, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if isinstance(record, dict):
            found.append(record)
    return found


def json_relation(
    source: TextSource, facts: Sequence[Sequence[Facts]], form: str, head: bytes
) -> Relation:
    """Records of JSON as a relation; a column for each path to a value, or to values in a list.

    Raises:
        InputError: there is no record in it.
    """
    records = records_of(head, form)
    if not records:
        raise InputError(
            f"`{source}` begins like JSON, but its first record cannot be read",
            'write one record a line: `{"user": 1, "item": 2, "time": 3}`',
        )
    table = inner_table(records, head)
    if table is not None:
        return table_in_record(source, facts, form, *table)
    paths: dict[tuple[str, ...], None] = {}
    for record in records:
        for path in paths_of(record, (), DEEPEST):
            paths.setdefault(path)
    columns = tuple(json_column(path) for path in list(paths)[:MOST_COLUMNS])
    scans = tuple(
        f"read_json_objects([{', '.join(quoted(str(fact.path)) for fact in part)}], "
        f"format = {quoted(form)}, maximum_object_size = {LARGEST_RECORD})"
        for part in facts
    )
    return Relation(str(source), "json", scans, columns, named=True, layout="JSON")


def inner_table(records: Sequence[dict[str, Any]], head: bytes) -> tuple[str, list[Any]] | None:
    """Of a single record that holds the log: the key of its list of records, or "" where each key
    is a user and its value their items."""
    if len(records) != 1:
        return None
    (record,) = records
    lists = {key: value for key, value in record.items() if isinstance(value, list) and value}
    for key, value in lists.items():
        if len(value) > 1 and all(isinstance(each, dict) for each in value[:50]):
            return key, value
    plain = [
        value
        for value in lists.values()
        if all(isinstance(each, str | int | float) for each in value[:50])
    ]
    return ("", plain) if len(plain) == len(record) > 1 else None


def table_in_record(
    source: TextSource, facts: Sequence[Sequence[Facts]], form: str, key: str, inner: list[Any]
) -> Relation:
    """The list in a single record as a relation, or its keys as users and its values as items."""
    reads = [
        f"read_json_objects([{', '.join(quoted(str(fact.path)) for fact in part)}], "
        f"format = {quoted(form)}, maximum_object_size = {LARGEST_RECORD})"
        for part in facts
    ]
    if not key:
        scans = tuple(
            f"(SELECT key, value FROM {read} AS whole, json_each(whole.json) AS each "
            "ORDER BY each.id)"
            for read in reads
        )
        columns: tuple[Column, ...] = (
            Column("1", "key", known="user"),
            Column(
                "2", "json_extract_string(value, '$[*]')", listed=True, parent="2", known="item"
            ),
        )
        return Relation(
            str(source), "json", scans, columns, named=False, layout="JSON, a list of items a user"
        )
    path = quoted(f'$."{escaped(key)}"[*]')
    scans = tuple(
        f"(SELECT unnest(json_extract(json, {path})) AS json FROM {read})" for read in reads
    )
    paths: dict[tuple[str, ...], None] = {}
    for record in inner[:LOOKED_AT]:
        for found in paths_of(record, (), DEEPEST):
            paths.setdefault(found)
    columns = tuple(json_column(found) for found in list(paths)[:MOST_COLUMNS])
    return Relation(
        str(source), "json", scans, columns, named=True, layout=f"JSON, the records in `{key}`"
    )


def paths_of(value: Any, above: tuple[str, ...], deep: int) -> Iterator[tuple[str, ...]]:
    """The paths to the plain values in a record; `[]` stands for each of a list."""
    if isinstance(value, Mapping):
        if deep:
            for key, inner in value.items():
                yield from paths_of(inner, (*above, key), deep - 1)
    elif isinstance(value, list):
        if "[]" not in above:
            for inner in value[:20]:
                yield from paths_of(inner, (*above, "[]"), deep - 1)
    elif above:
        yield above


def json_column(path: tuple[str, ...]) -> Column:
    steps = "".join("[*]" if step == "[]" else f'."{escaped(step)}"' for step in path)
    sql = f"json_extract_string(json, {quoted('$' + steps)})"
    listed = "[]" in path
    parent = label_of(path[: path.index("[]")]) if listed else ""
    return Column(label_of(path), sql, listed, parent)


def escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')


def label_of(path: Sequence[str]) -> str:
    """A path as people write it: `a.b`, `items[].item_id`."""
    return ".".join(path).replace(".[]", "[]")


def literals_as_json(source: TextSource, facts: Facts, engine: Engine) -> Facts:
    """A copy of lines of Python's literals as lines of JSON.

    Raises:
        InputError: a line that is none, with its number.
    """
    with (
        facts.path.open(encoding="utf-8", errors="replace") as file,
        engine.folder.new_file(".json") as copy,
    ):
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if len(line) > LONGEST_LITERAL:
                raise InputError(
                    f"`{source}`, line {number}: longer than {LONGEST_LITERAL} characters",
                    "leave the line out",
                )
            try:
                record = ast.literal_eval(line.strip())
                copy.write(json.dumps(record).encode() + b"\n")
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                raise InputError(
                    f"`{source}`, line {number}: not a record as Python writes it",
                    "mend the line, or leave it out",
                ) from None
    return Facts(copy.path, quotes=2, damaged=facts.damaged, size=copy.size)


def parquet_relation(
    source: TextSource, parts: Sequence[Sequence[str]], engine: Engine, *, hive: bool
) -> Relation:
    """Parquet files as a relation; structs and lists become columns with paths.

    Raises:
        InputError: not Parquet, or more rows than such a file can hold.
    """
    scans = tuple(
        f"read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = {str(hive).lower()}, "
        f"hive_types_autocast = false, union_by_name = {str(len(paths) > 1).lower()})"
        for paths in parts
    )
    try:
        for paths in parts:
            check_rows(source, paths, engine)
        described = engine.connection.sql(f"SELECT * FROM {scans[0]} LIMIT 0")
        columns = tuple(
            column
            for label, kind in zip(described.columns, described.types, strict=True)
            for column in parquet_columns(label, name(label), kind)
        )
    except duckdb.Error as error:
        raise InputError(
            f"cannot read `{source}` as Parquet: {first_sentence(error)}", "export it anew"
        ) from error
    return Relation(
        str(source),
        "parquet",
        scans,
        columns,
        named=True,
        layout="Parquet",
        pieces=lambda: pieces_of(parts, engine) if not hive else (),
    )


def pieces_of(parts: Sequence[Sequence[str]], engine: Engine) -> list[Piece]:
    """The rows of Parquet files in pieces, as the engine finds a row by its number in the file."""
    found = []
    for part, paths in enumerate(parts):
        for path in map(quoted, paths):
            rows = engine.value(f"SELECT sum(num_rows) FROM parquet_file_metadata([{path}])") or 0
            read = f"read_parquet([{path}], hive_partitioning = false, file_row_number = true)"
            for start in range(0, rows, PIECE_ROWS):
                span = f"file_row_number >= {start} AND file_row_number < {start + PIECE_ROWS}"
                whole = rows <= PIECE_ROWS
                found.append(
                    Piece(part, f"(SELECT * FROM {read}{'' if whole else f' WHERE {span}'})")
                )
    return found


def check_rows(source: TextSource, paths: Sequence[str], engine: Engine) -> None:
    """Hold the number of rows against the bytes that are there, before any is read."""
    from pathlib import Path

    size = sum(Path(path).stat().st_size for path in paths)
    listed = ", ".join(map(quoted, paths))
    rows = engine.value(f"SELECT sum(num_rows) FROM parquet_file_metadata([{listed}])") or 0
    if rows > max(ROWS_ANYWAY, MOST_ROWS_PER_BYTE * size):
        raise InputError(
            f"`{source}` claims {rows:,} rows in {size:,} bytes, which is no log of interactions "
            "but made to fill a disk or a memory",
            "export it anew, if you know where it comes from",
        )


def parquet_columns(label: str, sql: str, kind: Any) -> Iterator[Column]:
    """The columns in a column of some type: itself, those of a struct, of a list or of both."""
    if kind.id == "struct":
        for key, inner in kind.children:
            yield from parquet_columns(f"{label}.{key}", f"{sql}.{name(key)}", inner)
        return
    if kind.id in ("list", "array"):
        inner = kind.children[0][1]
        if inner.id == "struct":
            for key, deepest in inner.children:
                if deepest.id not in ("list", "array", "struct", "map"):
                    each = f"x.{name(key)}"
                    taken = f"list_transform({sql}, lambda x: {as_text(each, deepest)})"
                    yield Column(f"{label}[].{key}", taken, listed=True, parent=label)
        elif inner.id not in ("list", "array", "map"):
            taken = f"list_transform({sql}, lambda x: {as_text('x', inner)})"
            yield Column(label, taken, listed=True, parent=label)
        return
    if kind.id == "map":
        return
    moment = kind.id.startswith("timestamp") or kind.id == "date"
    told = "integer" if kind.id in INTEGERS else "moment" if moment else "text"
    if kind.id == "timestamp_ns":
        told = "fine moment"
    yield Column(label, as_text(sql, kind), raw=sql, kind=told)


def as_text(sql: str, kind: Any) -> str:
    """A value as text; bytes are read as UTF-8."""
    if kind.id == "blob":
        return f"TRY(decode({sql}))"
    return f"CAST({sql} AS VARCHAR)"
