"""A whole table with a header as texts, column by column: what ranking reads."""

from collections.abc import Sequence

import duckdb

from seqrec_cli.core.data.attributes import TAG
from seqrec_cli.core.data.reading.dialects import HEAD_BYTES, sniff
from seqrec_cli.core.data.reading.engine import Engine, name, opened_engine
from seqrec_cli.core.data.reading.lists import cut_values, list_form
from seqrec_cli.core.data.reading.opening import open_relation
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.rejects import unreadable
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.settings.yaml import nearest
from seqrec_cli.core.storage.text import is_digits
from seqrec_cli.errors import InputError

DIN = "\x02"  # the same in the files of the DIN and DIEN papers
PARQUET = (".parquet", ".pq")


def header_of(source: TextSource) -> tuple[str, ...]:
    """The names in the header of a table."""
    if source.filename.endswith(PARQUET):
        with opened_engine() as engine:
            relation = open_relation(Files(source, ((source,),)), Reading(), engine)
            return tuple(column.name for column in relation.columns)
    return sniff(source, source.head(HEAD_BYTES), Reading(header=True)).header


def read_columns(
    source: TextSource, names: Sequence[str], lists: Sequence[str] = (), *, header: bool = True
) -> dict[str, list[str]]:
    """The columns of these names; in those of `lists`, values with `|` between them.

    Without `header` columns are called by their numbers from 1. Lists may be written `8|9`,
    `[8, 9]`, `8,9`, `8 9` or with \\x02 between the values, or be lists of Parquet.

    Raises:
        InputError: malformed, a column that is not there, or no rows.
    """
    with opened_engine() as engine:
        files = Files(source, ((source,),))
        is_parquet = source.filename.endswith(PARQUET)
        reading = Reading() if is_parquet else Reading(header=header, format="delimited")
        relation = open_relation(files, reading, engine)
        if relation.remarks:
            # The older editions of MovieLens, and most of what Windows wrote.
            reading = Reading(header=header, format="delimited", encoding="latin-1")
            relation = open_relation(files, reading, engine)
        try:
            found = cells_of(source, relation, names, engine)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise unreadable(str(source), error, "fix the line, or check the delimiter") from error
    if not found or not next(iter(found.values())):
        raise InputError(f"`{source}` has a header but no rows", "it must have a row an example")
    return {label: with_bars(cells) if label in lists else cells for label, cells in found.items()}


def cells_of(
    source: TextSource, relation: Relation, names: Sequence[str], engine: Engine
) -> dict[str, list[str]]:
    header = [column.name for column in relation.columns]
    sqls = []
    for label in names:
        column = next((each for each in relation.columns if each.name == label), None)
        if column is None:
            raise InputError(f"`{source}` has no column `{label}`", nearest(label, header))
        text = f"array_to_string({column.sql}, '{TAG}')" if column.listed else column.sql
        sqls.append(f"coalesce(trim({text}, ' ' || chr(9)), '') AS {name(label)}")
    skipped = f" WHERE {relation.skipped}" if relation.skipped else ""
    rows = engine.rows(f"SELECT {', '.join(sqls)} FROM {relation.scans[0]}{skipped}")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {label: list(cells) for label, cells in zip(names, columns, strict=True)}


def with_bars(cells: list[str]) -> list[str]:
    """Lists in cells, however they are written, with `|` between the values."""
    there = [cell for cell in cells if cell]
    if not there or any(TAG in cell for cell in there):
        return cells
    if any(DIN in cell for cell in there):
        return [cell.replace(DIN, TAG) for cell in cells]
    form = list_form(there[:1000]) or of_numbers(there[:1000])
    if form is None:
        return cells
    separator = form[0]
    return [TAG.join(cut_values(cell, separator)) for cell in cells]


def of_numbers(cells: Sequence[str]) -> tuple[str, None] | None:
    """What separates whole numbers in cells, where every list is as long."""
    for separator in (",", ";", " "):
        pieces = [cell.split(separator) for cell in cells]
        numbers = all(is_digits(piece.strip()) for own in pieces for piece in own)
        if numbers and any(len(own) > 1 for own in pieces):
            return separator, None
    return None
