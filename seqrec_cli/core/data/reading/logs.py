"""Logs to columns: the fast reader of clean numbers, and the careful one for anything else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import compress, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading import parsing
from seqrec_cli.core.data.reading.columns import GrowingColumn
from seqrec_cli.core.data.reading.identifiers import IdColumn
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.tables import NUMBER, Role, Table, careful_rows, shortened
from seqrec_cli.core.data.reading.times import TimeColumn
from seqrec_cli.errors import InputError

CAREFUL_ROWS = 1 << 16
LONGEST_ID = 1000


@dataclass(frozen=True, eq=False)
class Log:
    """What a reader found; the arrays are those of `Interactions`."""

    source: TextSource
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    timestamps: NDArray[np.int64] | None
    ratings: NDArray[np.float32] | None
    time_unit: str
    rows_read: int
    low_rated: int
    columns: dict[str, str]


@dataclass
class Collector:
    """Takes rows in, block by block, and leaves out those rated too low."""

    source: TextSource
    has_times: bool
    has_ratings: bool
    min_rating: float | None = None
    rows_read: int = 0
    low_rated: int = 0
    users: IdColumn = field(default_factory=IdColumn)
    items: IdColumn = field(default_factory=IdColumn)
    times: TimeColumn = field(default_factory=TimeColumn)
    ratings: GrowingColumn = field(default_factory=lambda: GrowingColumn(np.float32))

    def keep(self, rows: int, ratings: NDArray[np.float64] | None) -> Any:
        """Count a block and take its ratings in; an index of the rows that stay."""
        self.rows_read += rows
        if ratings is None:
            return slice(None)
        stay: Any = slice(None)
        if self.min_rating is not None:
            stay = ratings >= self.min_rating
            self.low_rated += rows - int(stay.sum())
        self.ratings.append(ratings[stay].astype(np.float32))
        return stay

    def finish(self, columns: dict[str, str]) -> Log:
        try:
            users, user_ids = self.users.finish()
            items, item_ids = self.items.finish()
        except ValueError as error:
            raise InputError(
                f"`{self.source}`: {error}", "choose other columns with --columns, or shorten them"
            ) from None
        timestamps, unit = None, ""
        if self.has_times:
            try:
                timestamps, unit = self.times.finish()
            except ValueError as error:
                raise InputError(f"`{self.source}`: {error}") from error
        return Log(
            source=self.source,
            users=users,
            items=items,
            user_ids=user_ids,
            item_ids=item_ids,
            timestamps=timestamps,
            ratings=self.ratings.finish() if self.has_ratings else None,
            time_unit=unit,
            rows_read=self.rows_read,
            low_rated=self.low_rated,
            columns=columns,
        )


def read_table(source: TextSource, table: Table, min_rating: float | None) -> Log:
    """Read a delimited log whose layout is known.

    Raises:
        InputError: malformed, with the line; a threshold for a log without ratings.
    """
    if min_rating is not None and "rating" not in table.columns:
        raise no_ratings(str(source))
    named = {role: table.column_name(role) for role in table.columns}
    for fill in (fill_fast, fill_carefully):
        collector = Collector(source, "time" in named, "rating" in named, min_rating)
        try:
            fill(collector, table)
        except parsing.NotPlain:
            continue
        return collector.finish({str(role): name for role, name in named.items()})
    raise AssertionError("the careful reader reads or refuses")


def no_ratings(source: str) -> InputError:
    return InputError(
        f"`{source}` has no ratings to hold against a threshold",
        "leave out --min-rating, or name the column: `--columns user=…,item=…,rating=…`",
    )


def fill_fast(collector: Collector, table: Table) -> None:
    """Read clean lines of numbers, or raise `NotPlain`."""
    header = bool(table.header)
    for _, block in collector.source.blocks():
        if header:
            block = block[block.index(b"\n") + 1 :]
            header = False
        if not block:
            continue
        if (table.quoted and b'"' in block) or b"\r" in block:
            raise parsing.NotPlain
        # Blank lines are no rows; elsewhere than at the end they are left to the careful reader.
        if block.endswith(b"\n\n"):
            block = block.rstrip(b"\n") + b"\n"
        add_cells(collector, table, parsing.cut(block, table.delimiter, table.width))


def add_cells(collector: Collector, table: Table, cells: parsing.Cells) -> None:
    columns = table.columns
    ratings = None
    if "rating" in columns:
        values, scales = parsing.decimals(cells, columns["rating"])
        if values.max() >= 2**53:  # beyond, a division is no longer exact
            raise parsing.NotPlain
        ratings = values / 10.0**scales
    stay = collector.keep(len(cells.ends), ratings)
    collector.users.add_numbers(parsing.integers(cells, columns["user"])[stay])
    collector.items.add_numbers(parsing.integers(cells, columns["item"])[stay])
    if "time" in columns:
        wholes, millionths = fast_times(cells, columns["time"])
        collector.times.add(wholes[stay], None if millionths is None else millionths[stay])


def fast_times(
    cells: parsing.Cells, column: int
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    try:
        return parsing.integers(cells, column), None
    except parsing.NotPlain:
        values, scales = parsing.decimals(cells, column)
    if scales.max() > 6:
        raise parsing.NotPlain
    unit = 10**scales
    return values // unit, values % unit * 10 ** (6 - scales)


def fill_carefully(collector: Collector, table: Table) -> None:
    """Read any delimited text row by row; what is wrong is named with its line."""
    rows = careful_rows(collector.source, table)
    while batch := list(islice(rows, CAREFUL_ROWS)):
        lines = [line for line, _ in batch]
        ratings = None
        if "rating" in table.columns:
            column = table.columns["rating"]
            cells = zip(lines, (row[column] for _, row in batch), strict=True)
            ratings = np.array([parse_rating(collector.source, *cell) for cell in cells])
        stay = collector.keep(len(batch), ratings)
        chosen = batch if isinstance(stay, slice) else list(compress(batch, stay))
        collector.users.add_texts(list(checked_ids(collector.source, "user", table, chosen)))
        collector.items.add_texts(list(checked_ids(collector.source, "item", table, chosen)))
        if "time" in table.columns:
            column = table.columns["time"]
            moments = [parse_time(collector, line, row[column]) for line, row in chosen]
            pairs = np.array(moments, np.int64).reshape(-1, 2)
            collector.times.add(pairs[:, 0], pairs[:, 1])


def checked_ids(
    source: TextSource, role: Role, table: Table, rows: list[tuple[int, list[str]]]
) -> Iterator[str]:
    column = table.columns[role]
    for line, row in rows:
        text = row[column].strip()
        if not text:
            raise InputError(
                f"`{source}`, line {line}: the {role} is empty", "fill it or leave out the line"
            )
        if len(text) > LONGEST_ID:
            raise InputError(
                f"`{source}`, line {line}: the {role} has {len(text)} letters, "
                f"more than {LONGEST_ID}",
                "choose another column with --columns",
            )
        yield text


def parse_rating(source: TextSource, line: int, text: str) -> float:
    if not NUMBER.fullmatch(text.strip()) or abs(rating := float(text)) > 1e38:
        raise InputError(
            f"`{source}`, line {line}: the rating `{shortened(text)}` is not a number",
            "choose the columns with --columns",
        )
    return rating


def parse_time(collector: Collector, line: int, text: str) -> tuple[int, int]:
    try:
        return collector.times.parse(text)
    except ValueError as error:
        raise InputError(
            f"`{collector.source}`, line {line}: the time `{shortened(text)}` {error}",
            "times are seconds, milliseconds, or dates as in 2024-05-31T12:00:00, "
            "all of one kind; choose their column with --columns",
        ) from None
