"""Raw logs to `Interactions`: who did something with what, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading import logs, movielens, parquet, recbole, user_item
from seqrec_cli.core.data.reading.attributes import LAYOUTS, Attributes, read_attributes
from seqrec_cli.core.data.reading.sources import TextSource, check_source
from seqrec_cli.core.data.reading.tables import DELIMITERS, Role, Table, lay_out, shortened
from seqrec_cli.core.data.reading.titles import align, has_named_columns, read_titles
from seqrec_cli.core.storage import files
from seqrec_cli.errors import InputError

Format = Literal["user-item", "delimited", "movielens", "inter", "parquet"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a log; what is left open is found out.

    Attributes:
        columns: for user, item, time, rating: the column's name, or its number from 1.
        header: whether the first line holds names.
        min_rating: rows rated lower are left out.
        items: a file with the titles of the items, or with features of theirs.
        users: a file with features of the users.
    """

    format: Format | None = None
    columns: Mapping[Role, str] = field(default_factory=dict)
    delimiter: str = ""
    header: bool | None = None
    min_rating: float | None = None
    items: Path | None = None
    users: Path | None = None


@dataclass(frozen=True)
class Beside:
    """What lies beside a log."""

    items: TextSource | None = None
    users: TextSource | None = None


@dataclass(frozen=True)
class Origin:
    """Where interactions came from, for the manifest.

    Attributes:
        path: as the user typed it.
        sha256: of that file; of the log in it where the path is a folder.
        rows_read: interactions in the file.
        dropped: how many of them were left out while reading, by reason.
        columns: which column held what.
        time_unit: "" without timestamps.
        titles: the file that the titles came from, or "".
        obtained: where a named dataset was found.
        licence: what a named dataset may be used for.
    """

    path: str
    sha256: str
    format: str
    rows_read: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    time_unit: str = ""
    titles: str = ""
    obtained: str = ""
    licence: str = ""


@dataclass(frozen=True, eq=False)
class Interactions:
    """A log, a row an interaction, in the order of the file.

    Attributes:
        users: int32 (rows,), row r is of the user `user_ids[users[r]]`.
        items: int32 (rows,), likewise.
        user_ids: int64 or unicode (users,), sorted.
        item_ids: int64 or unicode (items,), sorted.
        timestamps: int64 (rows,) in `origin.time_unit`, or None.
        ratings: float32 (rows,), or None.
        item_titles: unicode (items,), "" where unknown, or None.
        user_attributes: what a file says of the users, or None.
        item_attributes: likewise.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    origin: Origin
    timestamps: NDArray[np.int64] | None = None
    ratings: NDArray[np.float32] | None = None
    item_titles: NDArray[np.str_] | None = None
    user_attributes: Attributes | None = None
    item_attributes: Attributes | None = None

    def __len__(self) -> int:
        return len(self.users)


def read_interactions(place: TextSource, reading: Reading | None = None) -> Interactions:
    """Read a log: a file, a MovieLens folder, a zip archive or a member of one.

    Raises:
        InputError: missing, unreadable or malformed; the message names the line.
    """
    reading = reading or Reading()
    check_source(place.path)
    kind = reading.format or detect_format(place)
    if kind != "delimited" and (reading.delimiter or reading.header is not None):
        raise InputError(
            f"`{place}` is read as {kind}, which leaves no choice of delimiter or header",
            "add `--format delimited`",
        )
    log, beside = READERS[kind](place, reading)
    if log.rows_read == 0:
        raise InputError(f"`{place}` has no interactions", "it must have a line for each")
    result = with_origin(log, place, kind)
    del log  # `prepare` lets go of each column when it can
    items = TextSource(reading.items) if reading.items else beside.items
    users = TextSource(reading.users) if reading.users else beside.users
    if items:
        result = with_titles(result, items, must_match=reading.items is not None)
        told = item_attributes(items)
        told = told and replace(told, named=reading.items is not None)
        result = replace(result, item_attributes=told)
    if users:
        told = replace(read_attributes(users, "user"), named=reading.users is not None)
        result = replace(result, user_attributes=told)
    return result


def item_attributes(source: TextSource) -> Attributes | None:
    """What the file with the items says of them beside titles; None where it says no more."""
    known = source.filename in LAYOUTS or source.filename.endswith(".item")
    if not known and not has_named_columns(source):
        return None
    return read_attributes(source, "item")


def detect_format(place: TextSource) -> Format:
    """Tell the format by the name and the first line."""
    name = place.filename
    whole = not place.member
    if (whole and (place.path.is_dir() or name.endswith(".zip"))) or name in movielens.LOGS:
        return "movielens"
    if name.endswith(".inter"):
        return "inter"
    if name.endswith((".parquet", ".pq")):
        return "parquet"
    lines = [line for line in place.head() if line.strip()]
    return "user-item" if lines and looks_like_user_item(lines[0]) else "delimited"


def looks_like_user_item(line: str) -> bool:
    """Two words and no other delimiter; at least one of them a number, signed at worst."""
    words = line.split()
    if any(delimiter in line for delimiter in DELIMITERS if not delimiter.isspace()):
        return False  # as in `1, 2`
    return len(words) == 2 and any(word.lstrip("+-").isdecimal() for word in words)


def read_user_item(place: TextSource, reading: Reading) -> tuple[logs.Log, Beside]:
    if reading.columns:
        raise InputError(
            f"`{place}` is read as user-item, where the user comes first and the item second",
            "add `--format delimited` to choose columns",
        )
    if reading.min_rating is not None:
        raise logs.no_ratings(str(place))
    return user_item.read_user_item(place), Beside()


def read_delimited(place: TextSource, reading: Reading) -> tuple[logs.Log, Beside]:
    return read_table(place, reading), Beside()


def read_movielens(place: TextSource, reading: Reading) -> tuple[logs.Log, Beside]:
    edition = movielens.find(place)
    if edition.table is None:
        return read_table(edition.log, reading), Beside(edition.items, edition.users)
    if reading.columns:
        raise InputError(
            f"the columns of `{edition.log}` are known", "add `--format delimited` to choose them"
        )
    log = logs.read_table(edition.log, edition.table, reading.min_rating)
    return log, Beside(edition.items, edition.users)


def read_inter(place: TextSource, reading: Reading) -> tuple[logs.Log, Beside]:
    table = recbole.lay_out(place, reading.columns)
    return logs.read_table(place, table, reading.min_rating), Beside(
        recbole.titles_beside(place), recbole.users_beside(place)
    )


def read_parquet(place: TextSource, reading: Reading) -> tuple[logs.Log, Beside]:
    return parquet.read(place, reading.columns, reading.min_rating), Beside()


READERS = {
    "user-item": read_user_item,
    "delimited": read_delimited,
    "movielens": read_movielens,
    "inter": read_inter,
    "parquet": read_parquet,
}


def read_table(source: TextSource, reading: Reading) -> logs.Log:
    table: Table = lay_out(
        source, chosen=reading.columns, delimiter=reading.delimiter, header=reading.header
    )
    return logs.read_table(source, table, reading.min_rating)


def with_origin(log: logs.Log, place: TextSource, kind: Format) -> Interactions:
    origin = Origin(
        path=str(place),
        sha256=files.sha256(log.source.path),
        format=kind,
        rows_read=log.rows_read,
        dropped={"rating below the threshold": log.low_rated} if log.low_rated else {},
        columns=log.columns,
        time_unit=log.time_unit,
    )
    return Interactions(
        users=log.users,
        items=log.items,
        user_ids=log.user_ids,
        item_ids=log.item_ids,
        origin=origin,
        timestamps=log.timestamps,
        ratings=log.ratings,
    )


def with_titles(
    interactions: Interactions, source: TextSource, *, must_match: bool
) -> Interactions:
    """Give the items their titles; an item that `source` does not know gets ""."""
    titles = read_titles(source)
    if titles is None:
        return interactions
    aligned = align(titles, interactions.item_ids)
    if must_match and not (aligned != "").any():
        example = shortened(str(interactions.item_ids[0]), 30)
        raise InputError(
            f"`{source}` has no title for any item of the log",
            f"its first column must hold the log's item ids, such as `{example}`",
        )
    return replace(
        interactions,
        item_titles=aligned,
        origin=replace(interactions.origin, titles=str(source)),
    )
