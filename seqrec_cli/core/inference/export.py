"""Results as CSV, JSON lines, npz or Parquet files, by extension; complete or absent."""

import contextlib
import csv
import importlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.recommendation import Recommended
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.arrays import save_arrays
from seqrec_cli.core.storage.text import to_json
from seqrec_cli.errors import InputError, MissingExtra, RunError

# What a cell may begin with that a spreadsheet would run (OWASP, "CSV injection"); the last four
# are the full-width forms, which some spreadsheets take for the others.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


FORMS = 16  # lists are mostly of one length; long ones of many lengths would fill the memory


def check_output(path: Path) -> None:
    """Refuse an unknown file extension.

    Raises:
        InputError: it is neither .csv nor .jsonl.
    """
    if path.suffix not in (".csv", ".jsonl"):
        raise InputError(f"`{path}` ends in neither .csv nor .jsonl", "use one of these extensions")


def check_vectors_output(path: Path) -> None:
    """Refuse an unknown file extension for vectors, or one whose library is missing.

    Raises:
        InputError: it is neither .npz nor .parquet.
        MissingExtra: pyarrow is not installed.
    """
    if path.suffix not in (".npz", ".parquet"):
        raise InputError(
            f"`{path}` ends in neither .npz nor .parquet", "use one of these extensions"
        )
    if path.suffix == ".parquet":
        load_pyarrow()


def load_pyarrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet module.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise MissingExtra("pyarrow", "parquet") from None


def cell_of(safe: bool) -> Callable[[Any], Any]:
    """What is written of a value: the value, or what a spreadsheet does not run."""
    return spreadsheet_safe if safe else lambda value: value


def spreadsheet_safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value


def write_vectors(path: Path, ids: NDArray[Any], vectors: NDArray[np.float32]) -> None:
    """Write ids (R,) and vectors, float32 (R, D), as an npz or a Parquet file.

    Raises:
        RunError: a number is not finite.
    """
    if not np.isfinite(vectors).all():
        raise RunError(
            "the vectors are not finite numbers",
            "the weights are broken: train again, or use another run",
        )
    files.remove_leftovers(path.parent, path.name)
    if path.suffix == ".npz":
        save_arrays(path, {"ids": ids, "vectors": np.ascontiguousarray(vectors)})
        return
    arrow, parquet = load_pyarrow()
    column = arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.ravel()), vectors.shape[1])
    table = arrow.table({"id": ids.tolist(), "vector": column})
    with files.atomic_writer(path) as file:
        parquet.write_table(table, file)


def write_rows(
    path: Path,
    rows: Iterable[dict[str, Any]],
    header: Sequence[str],
    *,
    safe: bool = False,
) -> int:
    """Write rows, as they come, to a CSV (with `header`) or JSON lines file.

    Args:
        safe: whether cells of a CSV that a spreadsheet would run get an apostrophe in front.

    Returns the number of rows.
    """
    count, cell = 0, cell_of(safe)
    with open_output(path) as text:
        table = csv.writer(text)
        if path.suffix == ".csv":
            table.writerow(header)
        for row in rows:
            if path.suffix == ".jsonl":
                text.write(to_json(row) + "\n")
            else:
                table.writerow(map(cell, row.values()))
            count += 1
    return count


def write_recommendations(
    path: Path,
    recommendations: Iterable[tuple[Any, Recommended]],
    catalogue: Catalogue,
    names: tuple[str, str] = ("user", "item"),
    *,
    safe: bool = False,
    with_header: bool = True,
) -> int:
    """Write (user id, recommended items) as rows of user, rank, item, title if any, and score;
    `names` are what the first and the third column are called.

    With `safe`, cells of a CSV that a spreadsheet would run get an apostrophe in front; without
    `with_header` its first line is left out.

    Returns the number of rows. Items and users are formatted once, when they come first, not for
    each row: there may be a hundred rows a user.
    """
    owner, listed = names
    columns = {listed: catalogue.item_ids}
    if catalogue.titles is not None:
        columns["title"] = catalogue.titles
    is_csv = path.suffix == ".csv"
    cells, lines = (csv_cells, csv_lines) if is_csv else (json_cells, json_lines)
    cell = cell_of(safe and is_csv)

    @cache
    def name(item: int) -> str:
        return cells({column: cell(known[item - 1].item()) for column, known in columns.items()})

    count = 0
    with open_output(path) as text:
        if is_csv and with_header:
            header = [owner, "rank", *columns, "score"]
            text.write(csv_cells({name: name for name in header}) + "\r\n")
        for user, result in recommendations:
            text.write(lines(cells({owner: cell(user)}), result, name))
            count += len(result.items)
    return count


def csv_cells(values: dict[str, Any]) -> str:
    """Values as the cells of a CSV line, without the line end."""
    text = io.StringIO()
    csv.writer(text).writerow(values.values())
    return text.getvalue().removesuffix("\r\n")


def json_cells(values: dict[str, Any]) -> str:
    """Names and values as the members of a JSON object, without the braces."""
    return to_json(values)[1:-1]


def csv_lines(user: str, result: Recommended, name: Callable[[int], str]) -> str:
    cells = [user] * (3 * len(result.items))
    cells[1::3] = map(name, result.items.tolist())
    cells[2::3] = result.scores.tolist()
    return csv_form(len(result.items)) % tuple(cells)


@lru_cache(FORMS)
def csv_form(length: int) -> str:
    """The lines of a list with places for user, item and score: filled in at once, in two thirds of
    the time of one by one."""
    return "".join(f"%s,{rank},%s,%.6f\r\n" for rank in range(1, length + 1))


def json_lines(user: str, result: Recommended, name: Callable[[int], str]) -> str:
    each = zip(result.items.tolist(), result.scores.tolist(), strict=True)
    return "".join(
        [
            f'{{{user}, "rank": {rank}, {name(i)}, "score": {score:.6f}}}\n'
            for rank, (i, score) in enumerate(each, 1)
        ]
    )


@contextlib.contextmanager
def open_output(path: Path) -> Iterator[io.TextIOWrapper]:
    """Open a file for UTF-8 text that appears, complete, when the block ends well."""
    check_output(path)
    files.remove_leftovers(path.parent, path.name)
    with files.atomic_writer(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()
