"""Parquet: its columns as flat columns with paths."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from seqrec_cli.core.data.reading.engine import Engine, first_sentence, name, quoted
from seqrec_cli.core.data.reading.landed import Landed
from seqrec_cli.core.data.reading.relations import Column, Piece, Relation
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import PLAIN_PATH
from seqrec_cli.errors import InputError

MAGIC = b"PAR1"
MOST_ROWS_PER_BYTE = 100
ROWS_ANYWAY = 1 << 20
PIECE_ROWS = 1 << 23
INTEGERS = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"}


def open_parquet(landed: Landed) -> Relation | None:
    """Parquet files, if `--format parquet` says so or they begin like it; else None."""
    files, engine = landed.files, landed.engine
    if landed.reading.format != "parquet" and not landed.raw_head.startswith(MAGIC):
        return None
    parts = []
    for part in files.parts:
        paths = []
        for source in part:
            path = source.path.absolute()
            if source.member or source.packing() or not PLAIN_PATH.fullmatch(str(path)):
                with engine.folder.new_file(".parquet") as copy, source.blocks() as blocks:
                    for block in blocks:
                        copy.write(block)
                path = copy.path
            paths.append(path)
        parts.append(paths)
    engine.allow(path for paths in parts for path in paths)
    listed = [[str(path) for path in paths] for paths in parts]
    return parquet_relation(files.first, listed, engine, hive=files.hive)


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
            f"cannot read `{source}` as Parquet: {first_sentence(error)}", "export it again"
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
    size = sum(Path(path).stat().st_size for path in paths)
    listed = ", ".join(map(quoted, paths))
    rows = engine.value(f"SELECT sum(num_rows) FROM parquet_file_metadata([{listed}])") or 0
    if rows > max(ROWS_ANYWAY, MOST_ROWS_PER_BYTE * size):
        raise InputError(
            f"`{source}` claims {rows:,} rows in {size:,} bytes, which is not a log but made to "
            "exhaust disk or memory",
            "export it again, if you know where it comes from",
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
