"""Parquet logs, through the extra `parquet`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqrec_cli.core.data.reading.logs import Collector, Log, no_ratings
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.tables import Role, cannot_tell, find_columns, guess_by_name
from seqrec_cli.core.data.reading.times import MILLION
from seqrec_cli.errors import InputError, MissingExtra

ROLES: tuple[Role, ...] = ("user", "item", "time", "rating")
NEEDED: tuple[Role, ...] = ("user", "item")


def read(place: TextSource, chosen: Mapping[Role, str], min_rating: float | None) -> Log:
    """Read a Parquet file, a group of rows at a time.

    Raises:
        MissingExtra: pyarrow is not installed.
        InputError: not a Parquet file, columns that cannot be told, or an empty cell.
    """
    try:
        import pyarrow as arrow  # type: ignore[import-untyped,import-not-found,unused-ignore]
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("pyarrow", "parquet") from None
    try:
        with parquet.ParquetFile(place.path) as file:
            names = list(file.schema_arrow.names)
            columns = (
                find_columns(place, chosen, names, names) if chosen else guess_by_name(names, ROLES)
            )
            if missing := [role for role in NEEDED if role not in columns]:
                raise cannot_tell(place, names, True, missing, NEEDED)
            if min_rating is not None and "rating" not in columns:
                raise no_ratings(str(place))
            named = {role: names[column] for role, column in columns.items()}
            collector = Collector(place, "time" in named, "rating" in named, min_rating)
            for batch in file.iter_batches(columns=list(named.values())):
                add_batch(collector, {role: batch.column(name) for role, name in named.items()})
    except (OSError, arrow.ArrowException) as error:
        raise InputError(f"cannot read `{place}` as Parquet: {error}", "export it anew") from error
    return collector.finish({str(role): name for role, name in named.items()})


def add_batch(collector: Collector, cells: Mapping[Role, Any]) -> None:
    """Take pyarrow arrays in."""
    from pyarrow import types

    for role, column in cells.items():
        if column.null_count:
            place = collector.rows_read + int(np.flatnonzero(column.is_null())[0]) + 1
            raise InputError(
                f"`{collector.source}`, row {place}: the {role} is empty",
                "fill it, or leave the row out",
            )
    ratings = cells["rating"].cast("float64").to_numpy() if "rating" in cells else None
    stay = collector.keep(len(cells["user"]), ratings)
    index = np.arange(len(cells["user"]))[stay]
    for role, ids in (("user", collector.users), ("item", collector.items)):
        column = cells[role].take(index)
        if types.is_integer(column.type):
            ids.add_numbers(column.cast("int64").to_numpy())
        else:
            ids.add_texts(column.cast("string").to_pylist())
    if "time" in cells:
        add_times(collector, cells["time"].take(index))


def add_times(collector: Collector, column: Any) -> None:
    """Take whole numbers, fractions, dates or texts in as moments."""
    from pyarrow import timestamp, types

    if types.is_integer(column.type):
        collector.times.add(column.cast("int64").to_numpy())
        return
    if types.is_date(column.type) or types.is_timestamp(column.type):
        collector.times.is_iso = True
        moments = column.cast(timestamp("us"), safe=False).cast("int64").to_numpy()
        collector.times.add(moments // MILLION, moments % MILLION)
        return
    try:
        pairs = [collector.times.parse(text) for text in column.cast("string").to_pylist()]
    except ValueError as error:
        raise InputError(f"`{collector.source}`: one of the times {error}") from None
    wholes, millionths = np.array(pairs, np.int64).reshape(-1, 2).T
    collector.times.add(wholes, millionths)
