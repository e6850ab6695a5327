"""Vectors of items from a file: npz, Parquet, CSV, or RecBole's `.item` with a `float_seq`."""

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.features.kinds import numbers
from seqrec_cli.core.data.reading.engine import first_sentence, name, opened_engine, quoted
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.core.storage import foreign
from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.errors import DatasetError, InputError

LARGEST_FILE = 8 << 30  # bytes
LARGEST_LINE = 1 << 20  # characters of a line of text
WIDEST = 8192  # numbers of a vector
ID_NAMES = ("item_id", "item", "itemid", "iid", "id")
# What pandas calls the index of a table: the ids, or where another column has them a row's number.
INDEX_NAMES = ("", "unnamed: 0", "__index_level_0__")
FEWEST_NUMBERED = 8  # columns called 0, 1, 2, ... by which a line is a header
LISTS = re.compile(r"(FLOAT|DOUBLE|HALF_FLOAT|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*)\[\d*\]")
BETWEEN = re.compile(r"[\s,;|]+")  # the numbers of a cell
HINT = (
    "it takes an id and numbers in each row: `item,0.12,-0.3`, `item:token<TAB>emb:float_seq`, "
    "a Parquet file with a list, or `numpy.savez(FILE, ids=…, vectors=…)`"
)


@dataclass(frozen=True, eq=False)
class VectorFile:
    """Vectors of items as a file has them.

    Attributes:
        source: the file, as the user knows it.
        ids: of each row, as in the file, distinct.
        vectors: float32 (R, V), finite.
        columns, unused: the names of the columns that were read as numbers, and of those that were
            not; empty without names.
        repeated: how many rows were left out, as their id was there before.
        empty: how many were left out, as they have no numbers.
    """

    source: str
    ids: list[str]
    vectors: NDArray[np.float32]
    columns: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    repeated: int = 0
    empty: int = 0


def read_vectors(path: Path) -> VectorFile:
    """Read a file of vectors; its form is told by its ending, `.npz`, `.parquet`, or text.

    Raises:
        InputError: missing, malformed, or without vectors of one length; with the line if it has
            lines.
    """
    try:
        foreign.open_regular(path, LARGEST_FILE).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"`{path}` cannot be read: {reason}", "check the path") from error
    readers = {".npz": from_npz, ".parquet": from_parquet}
    read = readers.get(path.suffix, from_text)(path)
    ids, vectors = read.ids, read.vectors
    if not vectors.size or vectors.shape[1] > WIDEST:
        what = f"vectors of {vectors.shape[1]:,} numbers" if vectors.size else "no vectors"
        raise InputError(f"`{path}` has {what}", f"it takes 1 to {WIDEST:,} numbers an item")
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise InputError(
            f"`{path}`: the vector of `{shortened(ids[wrong[0]])}` has a number that is not finite",
            "leave the row out, or fix it",
        )
    first = {key: row for row, key in reversed(list(enumerate(ids)))}
    rows = np.sort(np.fromiter(first.values(), np.int64, len(first)))
    kept = [ids[row] for row in rows.tolist()]
    return replace(read, ids=kept, vectors=vectors[rows], repeated=len(ids) - len(kept))


def to_single(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32; what is too large becomes infinite, and is refused later."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def from_npz(path: Path) -> VectorFile:
    """`ids` (R,) and `vectors` (R, V), as `seqrec embed` writes them."""
    try:
        arrays = load_arrays(path)
    except DatasetError as error:
        raise InputError(error.message, HINT) from error
    ids, vectors = arrays.get("ids"), arrays.get("vectors")
    if ids is None or vectors is None or vectors.ndim != 2 or ids.shape != vectors.shape[:1]:
        raise InputError(f"`{path}` has no `ids` and `vectors` of as many rows", HINT)
    if vectors.dtype.kind != "f" or ids.dtype.kind not in "iuU":
        raise InputError(f"`{path}` has ids of {ids.dtype} and vectors of {vectors.dtype}", HINT)
    return VectorFile(str(path), [str(key) for key in ids.tolist()], to_single(vectors))


def from_parquet(path: Path) -> VectorFile:
    """A column of ids, and a list of numbers, or columns of numbers."""
    with opened_engine() as engine:
        engine.allow([path.absolute()])
        table = f"read_parquet([{quoted(str(path.absolute()))}])"
        try:
            kinds = dict(
                engine.rows(
                    f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {table})"
                )
            )
            own = id_column(list(kinds))
            free = [column for column in kinds if column != own]
            lists = [column for column in free if LISTS.fullmatch(kinds[column])]
            read = lists or [column for column in free if column not in INDEX_NAMES]
            if not read:
                raise InputError(f"`{path}` has no column of vectors", HINT)
            kind = "DOUBLE[]" if lists else "DOUBLE"
            columns = ", ".join(f"CAST({name(column)} AS {kind})" for column in read)
            vector = f"flatten([{columns}])" if lists else f"[{columns}]"
            cells = f"SELECT CAST({name(own)} AS VARCHAR) AS id, {vector} AS v"
            there = f"FROM ({cells} FROM {table}) WHERE v IS NOT NULL AND len(v) > 0"
            widths = [width for (width,) in engine.rows(f"SELECT DISTINCT len(v) {there}")]
            if len(widths) > 1:
                raise InputError(
                    f"`{path}` has vectors of {min(widths)} and of {max(widths)} numbers",
                    "write vectors of one length",
                )
            ids = [str(key) for (key,) in engine.rows(f"SELECT id {there}")]
            flat = engine.masked(f"SELECT unnest(v) AS x {there}")["x"]
            count = int(engine.value(f"SELECT count(*) FROM {table}"))
        except duckdb.Error as error:
            raise InputError(f"`{path}`: {first_sentence(error)}", HINT) from error
    values = np.ma.filled(flat.astype(np.float64), np.nan)
    vectors = to_single(values).reshape(len(ids), -1)
    unused = [column for column in free if column not in read]
    return VectorFile(str(path), ids, vectors, read, unused, empty=count - len(ids))


def from_text(path: Path) -> VectorFile:
    """Lines of an id and numbers: in columns of their own, or in one, with spaces between them."""
    lines = cells_by_line(path)
    ids: list[str] = []
    rows: list[NDArray[np.float32]] = []
    empty = 0
    start = list(itertools.islice(lines, 2))
    own, others, names = columns_of(*(cells for _, cells in start)) if start else (0, None, [])
    for line, cells in itertools.chain(start[bool(names) :], lines):
        if own >= len(cells):
            raise InputError(f"`{path}`, line {line}: it has no id", HINT)
        picked = others or [at for at in range(len(cells)) if at != own]
        texts = [text for at in picked if at < len(cells) for text in cell_numbers(cells[at])]
        if not texts:
            empty += 1
            continue
        vector = numbers(texts)
        if np.isnan(vector).any():
            text = texts[int(np.isnan(vector).argmax())]
            raise InputError(f"`{path}`, line {line}: `{shortened(text)}` is not a number", HINT)
        if rows and len(vector) != len(rows[0]):
            raise InputError(
                f"`{path}`, line {line}: a vector of {len(vector)} numbers, and those before have "
                f"{len(rows[0])}",
                "write vectors of one length",
            )
        ids.append(cells[own].strip())
        rows.append(to_single(vector))
    vectors = np.stack(rows) if rows else np.zeros((0, 0), np.float32)
    read = [names[at] for at in others or ()]
    unused = [each for at, each in enumerate(names) if at != own and at not in (others or ())]
    return VectorFile(str(path), ids, vectors, read, unused, empty=empty)


def cells_by_line(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that has any, and its number from 1."""
    with foreign.open_regular(path, LARGEST_FILE) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            head = text.readline(LARGEST_LINE)
            text.seek(0)
            delimiter = next((mark for mark in "\t;," if mark in head), ",")
            table = csv.reader(text, delimiter=delimiter)
            for cells in table:
                if cells:
                    yield table.line_num, cells
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"`{path}` is not a table of text: {error}", HINT) from error


def cell_numbers(cell: str) -> list[str]:
    """The numbers of a cell, as texts."""
    return [text for text in BETWEEN.split(cell.strip().strip("[](){}").strip()) if text]


def columns_of(
    first: Sequence[str], second: Sequence[str] = ()
) -> tuple[int, list[int] | None, list[str]]:
    """By the first two lines: the column of ids, those of numbers (None: all others), and the
    names of all columns if the first line is a header, else none."""
    names = [cell.strip().partition(":")[0] for cell in first]
    kinds = [cell.strip().partition(":")[2] for cell in first]
    if any(kinds) and set(kinds) <= {"token", "token_seq", "float", "float_seq", ""}:
        own = names.index(id_column(names))
        wanted = "float_seq" if "float_seq" in kinds else "float"
        return own, [at for at, kind in enumerate(kinds) if kind == wanted], names
    names = [cell.strip() for cell in first]
    if not names_columns(names):
        return 0, None, []
    own = names.index(id_column(names))
    free = [at for at in range(len(names)) if at != own and names[at].lower() not in INDEX_NAMES]
    lists = [at for at in free if at < len(second) and is_list(second[at])]
    return own, lists or free, names


def names_columns(cells: Sequence[str]) -> bool:
    """Whether a line has the names of columns: one of them is that of ids, a number is missing, or
    they are 0, 1, 2, ..., as pandas calls them."""
    values = numbers([text for cell in cells[1:] for text in cell_numbers(cell)])
    numbered = len(values) >= FEWEST_NUMBERED and np.array_equal(values, np.arange(len(values)))
    named = any(cell.lower() in ID_NAMES for cell in cells) or cells[0].lower() in INDEX_NAMES
    return named or numbered or not len(values) or bool(np.isnan(values).any())


def is_list(cell: str) -> bool:
    """Whether a cell has several numbers, or one in brackets."""
    texts = cell_numbers(cell)
    return (len(texts) > 1 or cell.strip()[:1] in ("[", "(", "{")) and bool(
        texts and np.isfinite(numbers(texts)).all()
    )


def id_column(names: Sequence[str]) -> str:
    """The name of the column of ids: one that is called so, or the first."""
    lowered = {each.lower(): each for each in reversed(names)}
    known = (*ID_NAMES, *INDEX_NAMES)
    return next((lowered[each] for each in known if each in lowered), names[0])


def describe_vectors(found: VectorFile, missing: int) -> dict[str, Any]:
    """What became of a file of vectors, for the manifest; `missing` items have none."""
    return {
        "source": found.source,
        "columns": found.columns,
        "unused": found.unused,
        "size": found.vectors.shape[1],
        "rows": len(found.ids),
        "missing": missing,
        "repeated": found.repeated,
        "empty": found.empty,
    }
