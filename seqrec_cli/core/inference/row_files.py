"""Files of rows that keep their columns: CSV with a header, or JSON lines; read and written in
blocks, so that memory does not grow with the file."""

import contextlib
import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from seqrec_cli.core.inference.export import open_output
from seqrec_cli.core.storage import foreign
from seqrec_cli.core.storage.text import to_json
from seqrec_cli.errors import InputError

BLOCK_ROWS = 4096
LARGEST_CELL = 1 << 24  # characters
DELIMITERS = ",;\t"

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class OpenRows:
    """The rows of a file.

    Attributes:
        path: the file.
        columns: of the first row.
        blocks: the rows, BLOCK_ROWS at a time; each starts at line `first` of the file.
    """

    path: Path
    columns: list[str]
    blocks: Iterator[tuple[int, list[Row]]]


@contextlib.contextmanager
def opened_rows(path: Path) -> Iterator[OpenRows]:
    """A .csv or .jsonl file of rows, open while the block runs.

    Raises:
        InputError: it cannot be read or has no rows; from `blocks`: a line is malformed.
    """
    try:
        text = io.TextIOWrapper(foreign.open_regular(path), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(
            f"cannot read `{path}`: {error.strerror}", "check the path; it is a .csv or .jsonl file"
        ) from error
    with text:
        lines = json_rows(path, text) if path.suffix == ".jsonl" else csv_rows(path, text)
        first = next(lines, None)
        if first is None:
            raise InputError(f"`{path}` has no rows", "write a header and a line for each row")
        yield OpenRows(path, list(first[1]), blocks_of(chain([first], lines)))


def blocks_of(lines: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, list[Row]]]:
    """BLOCK_ROWS rows at a time, with the line of the first of them."""
    while block := list(islice(lines, BLOCK_ROWS)):
        yield block[0][0], [row for _, row in block]


def csv_rows(path: Path, text: io.TextIOWrapper) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file with their lines."""
    csv.field_size_limit(LARGEST_CELL)
    try:
        header_line = text.readline()
        delimiter = max(DELIMITERS, key=header_line.count)
        header = next(csv.reader([header_line], delimiter=delimiter), [])
        reader = csv.reader(text, delimiter=delimiter)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"`{path}`, line {reader.line_num + 1}: {len(cells)} cells, and "
                    f"{len(header)} in the header",
                    "write a cell for each column; quote cells that have the delimiter in them",
                )
            yield reader.line_num + 1, dict(zip(header, cells, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"`{path}` is no CSV in UTF-8: {error}", "save it as CSV, UTF-8") from None


def json_rows(path: Path, text: io.TextIOWrapper) -> Iterator[tuple[int, Row]]:
    """The rows of a file of JSON lines with their lines."""
    try:
        for number, line in enumerate(text, 1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise InputError(
                        f"`{path}`, line {number}: it is no object", 'write {"user": …, "item": …}'
                    )
                yield number, row
    except UnicodeDecodeError as error:
        raise InputError(f"`{path}` is no UTF-8 text: {error}", "save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"`{path}` is no JSON lines: {error}", "write an object a line") from None


def rewrite_rows(path: Path, rows: Iterable[Row], columns: list[str]) -> int:
    """Write rows to a .csv or .jsonl file; returns their number."""
    count = 0
    with open_output(path) as text:
        table = csv.writer(text)
        if path.suffix == ".csv":
            table.writerow(columns)
        for row in rows:
            if path.suffix == ".csv":
                table.writerow([as_cell(row.get(column)) for column in columns])
            else:
                text.write(to_json(row) + "\n")
            count += 1
    return count


def as_cell(value: Any) -> Any:
    """A value as a cell: nothing for None, JSON for a list or an object."""
    if value is None:
        return ""
    return to_json(value) if isinstance(value, list | dict) else value
