"""A source as the engine sees it: a scan, and columns with names, expressions and a sample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.rejects import SKIPPING, STRICT
from seqrec_cli.core.storage.text import is_digits

SAMPLED = 1000  # rows
BETWEEN = " / "  # the values of columns that are put together
MOST_CELLS = 100_000
LOOKED_AT = 20_000  # characters of a cell
Cell = str | None | list[str | None]


@dataclass(frozen=True)
class Column:
    """A column of a source.

    Attributes:
        name: as in the header; its number from 1 where there is none; a path in nested data.
        sql: an expression of its text, or of a list of texts.
        listed: whether it is a list of values, each a row of its own.
        parent: of values in a list of records, the path of that list.
        raw: the expression without the cast to text, where the engine knows a type.
        kind: that type: integer, moment or text.
        cells: a sample, None where a value is missing.
        known: what the column is called where the file is a known one without header.
        made_of: the names of the columns that it is put together of.
    """

    name: str
    sql: str
    listed: bool = False
    parent: str = ""
    raw: str = ""
    kind: str = "text"
    cells: tuple[Cell, ...] = ()
    known: str = ""
    made_of: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What the column is called, for telling its role; "" where nobody says."""
        return self.known or ("" if is_digits(self.name) else self.name)

    @property
    def values(self) -> list[str]:
        """The values of the sample that are there, without spaces around them."""
        found: list[str] = []
        for cell in self.cells:
            inner = cell if isinstance(cell, list) else [cell]
            found.extend(text.strip() for text in inner if text is not None and text.strip())
        return found


@dataclass(frozen=True)
class Numbers:
    """Scans that give numbers, of files with nothing else in them.

    Attributes:
        scans: for each part, with the types asked for.
        size: bytes of all values, with a byte behind each.
        width: values a row.
    """

    scans: tuple[str, ...]
    size: int
    width: int


@dataclass(frozen=True)
class Piece:
    """Some of the rows of a relation, so few that their arrays take little memory.

    Attributes:
        part: the part of the log, from 0.
        scan: what stands after FROM.
    """

    part: int
    scan: str


@dataclass(frozen=True)
class Relation:
    """A source, ready to be queried.

    Attributes:
        place: the source for messages.
        form: what kind of file it is.
        scans: what stands after FROM, for each part of the log that has files of its own.
        columns: what can be read.
        named: whether the names are the file's own.
        check_lines: refuses lines that could not even be left out; None where there are no lines.
        skipped: a condition on rows that are none, such as a header that comes again.
        place_of: says in which line a row is, from its number in the scan from 0.
        remarks: what was done to read the file at all, in sentences.
        encoding: what the text may be in, where it is not UTF-8 and bytes were replaced; or "".
        layout: words for the layout: the delimiter and the like.
        pieces: gives the rows piece by piece, in order; none where that would take longer.
        numbers: gives the scans with columns of these types, if the files hold whole numbers alone.
        paths: the texts that are read, of each part.
        file: a column of the names of the files, where there are several.
    """

    place: str
    form: str
    scans: tuple[str, ...]
    columns: tuple[Column, ...]
    named: bool
    check_lines: Callable[[], None] | None = None
    skipped: str = ""
    place_of: Callable[[int, int], str] = field(default=lambda part, row: f"row {row + 1}")
    remarks: tuple[str, ...] = ()
    layout: str = ""
    encoding: str = ""
    pieces: Callable[[], Sequence[Piece]] = field(default=tuple)
    numbers: Callable[[Sequence[str]], Numbers | None] = field(default=lambda types: None)
    paths: tuple[tuple[Path, ...], ...] = ()
    file: Column | None = None

    def column(self, name: str) -> Column | None:
        """The column of a name, or of a number from 1; of several with `+` between, all of them."""
        for column in self.columns:
            before, colon, _ = column.name.rpartition(":")
            if column.name == name or (colon and before == name):
                return column  # RecBole's names have a type behind them
        if self.file is not None and name == self.file.name:
            return self.file
        if is_digits(name) and len(name) < 10 and 1 <= int(name) <= len(self.columns):
            return self.columns[int(name) - 1]
        found = [self.column(part.strip()) for part in name.split("+")] if "+" in name else []
        several = [column for column in found if column is not None and not column.listed]
        return put_together(name, several) if 1 < len(several) == len(found) else None


def put_together(name: str, columns: Sequence[Column]) -> Column:
    """A column with the values of several behind each other; empty where one of them is."""
    sql = f" || {quoted(BETWEEN)} || ".join(f"nullif(trim({c.sql}), '')" for c in columns)
    cells: list[Cell] = []
    for own in zip(*(column.cells for column in columns), strict=True):
        texts = [cell.strip() for cell in own if isinstance(cell, str)]
        cells.append(BETWEEN.join(texts) if len(texts) == len(own) and all(texts) else None)
    return Column(name, f"({sql})", cells=tuple(cells), made_of=tuple(c.name for c in columns))


def sampled(relation: Relation, engine: Engine, rows: int = SAMPLED) -> Relation:
    """The relation with the first rows of each column as its sample.

    Raises:
        duckdb.Error: the engine cannot read them.
    """
    columns = (*relation.columns, *([relation.file] if relation.file else ()))
    listed = ", ".join(
        f"{column.sql} AS c{n}" if column.listed else f"left({column.sql}, {LOOKED_AT}) AS c{n}"
        for n, column in enumerate(columns)
    )
    rows = max(20, min(rows, MOST_CELLS // max(1, len(columns))))
    found = first_rows(relation, engine, listed, rows)
    cells: Sequence[Sequence[Cell]] = list(zip(*found, strict=True)) or [()] * len(columns)
    filled = [
        replace(column, cells=tuple(own), sql=without_blanks(column.sql, own))
        for column, own in zip(columns, cells, strict=True)
    ]
    if relation.file:
        *filled, file = filled
        relation = replace(relation, file=file)
    return replace(relation, columns=tuple(filled))


def without_blanks(sql: str, cells: Sequence[Cell]) -> str:
    """SQL of a column without the blanks around its values, if the sample has some."""
    padded = any(isinstance(cell, str) and cell != cell.strip(" \t") for cell in cells)
    return f"trim({sql}, ' ' || chr(9))" if padded else sql


def first_rows(
    relation: Relation, engine: Engine, listed: str, rows: int
) -> Sequence[tuple[Any, ...]]:
    """What these expressions, in SQL, are in the first rows of a relation.

    Raises:
        duckdb.Error: the engine cannot read them.
    """
    where = f"WHERE {relation.skipped}" if relation.skipped else ""
    scan = relation.scans[0].replace(STRICT, SKIPPING)
    return engine.rows(f"SELECT {listed} FROM {scan} {where} LIMIT {rows}")
