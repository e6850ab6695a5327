"""Vectors of items from a file: npz, Parquet, CSV, or RecBole's `.item` with a `float_seq`."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
        repeated: how many rows were left out, as their id was there before.
        empty: how many were left out, as they have no numbers.
    """

    source: str
    ids: list[str]
    vectors: NDArray[np.float32]
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
    ids, vectors, empty = readers.get(path.suffix, from_text)(path)
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
    return VectorFile(str(path), kept, vectors[rows], len(ids) - len(kept), empty)


Read = tuple[list[str], NDArray[np.float32], int]  # ids, vectors, rows without a vector


def to_single(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32; what is too large becomes infinite, and is refused later."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def from_npz(path: Path) -> Read:
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
    return [str(key) for key in ids.tolist()], to_single(vectors), 0


def from_parquet(path: Path) -> Read:
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
            lists = [column for column, kind in kinds.items() if kind.endswith("]")]
            rest = [name(column) for column in lists[:1] or kinds if column != own]
            if not rest:
                raise InputError(f"`{path}` has no column of vectors", HINT)
            vector = rest[0] if lists else f"[{', '.join(rest)}]"
            cells = f"SELECT CAST({name(own)} AS VARCHAR) AS id, CAST({vector} AS DOUBLE[]) AS v"
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
    return ids, to_single(values).reshape(len(ids), -1), count - len(ids)


def from_text(path: Path) -> Read:
    """Lines of an id and numbers: in columns of their own, or in one, with spaces between them."""
    ids: list[str] = []
    rows: list[NDArray[np.float32]] = []
    empty, own = 0, -1
    others: list[int] | None = None
    for line, cells in cells_by_line(path):
        if own < 0:
            own, others, headed = columns_of(cells)
            if headed:
                continue
        if own >= len(cells):
            raise InputError(f"`{path}`, line {line}: it has no id", HINT)
        picked = (
            cells[at] for at in (others or range(len(cells))) if at < len(cells) and at != own
        )
        texts = [
            x for cell in picked for x in BETWEEN.split(cell.strip().strip("[](){}").strip()) if x
        ]
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
    return ids, np.stack(rows) if rows else np.zeros((0, 0), np.float32), empty


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


def columns_of(first: Sequence[str]) -> tuple[int, list[int] | None, bool]:
    """By the first line: the column of ids, those of numbers (None: all others), and whether the
    line is a header."""
    names = [cell.strip().partition(":")[0] for cell in first]
    kinds = [cell.strip().partition(":")[2] for cell in first]
    if any(kinds) and set(kinds) <= {"token", "token_seq", "float", "float_seq", ""}:
        return (
            names.index(id_column(names)),
            [n for n, kind in enumerate(kinds) if kind == "float_seq"],
            True,
        )
    values = [x for cell in first[1:] for x in BETWEEN.split(cell.strip().strip("[](){}")) if x]
    headed = bool(np.isnan(numbers(values)).any()) if values else True
    return (names.index(id_column(names)) if headed else 0), None, headed


def id_column(names: Sequence[str]) -> str:
    """The name of the column of ids: one that is called so, or the first."""
    lowered = {each.lower(): each for each in reversed(names)}
    return next((lowered[each] for each in ID_NAMES if each in lowered), names[0])


def describe_vectors(found: VectorFile, missing: int) -> dict[str, Any]:
    """What became of a file of vectors, for the manifest; `missing` items have none."""
    return {
        "source": found.source,
        "size": found.vectors.shape[1],
        "rows": len(found.ids),
        "missing": missing,
        "repeated": found.repeated,
        "empty": found.empty,
    }
