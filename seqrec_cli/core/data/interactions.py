"""From a raw log to `Interactions`: users, items, timestamps and ratings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.attributes import Attributes
from seqrec_cli.core.data.reading.attributes import align, read_attributes, titles_of
from seqrec_cli.core.data.reading.findings import Findings
from seqrec_cli.core.data.reading.log import Log, read_log
from seqrec_cli.core.data.reading.options import Format, Reading, Role
from seqrec_cli.core.data.reading.sheets import LAYOUTS
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.vectors import VectorFile, read_vectors
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

__all__ = ["Format", "Interactions", "Origin", "Reading", "Role", "read_interactions"]


@dataclass(frozen=True)
class Origin:
    """Where interactions came from, for the manifest.

    Attributes:
        path: as the user typed it.
        sha256: of the log's file; of several files, one of all their checksums.
        rows_read: interactions in the file.
        dropped: the number of rows dropped while reading, by reason.
        columns: the column of each role.
        time_unit: "" without timestamps.
        titles: the file that the titles came from, or "".
        obtained: where a named dataset came from.
        licence: the terms of use of a named dataset.
        findings: the inferred roles, unused columns, and the order of rows.
        reading: the options that were given and change what is read.
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
    findings: Findings = field(default_factory=Findings)
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Interactions:
    """A log, one row for each interaction, in the order of the file.

    Attributes:
        users: int32 (rows,), row r is of the user `user_ids[users[r]]`.
        items: int32 (rows,), row r is of the item `item_ids[items[r]]`.
        user_ids: int64 or unicode (users,), sorted.
        item_ids: int64 or unicode (items,), sorted.
        timestamps: int64 (rows,) in `origin.time_unit`, or None.
        ratings: float32 (rows,), or None.
        parts: int8 (rows,), 0 train, 1 valid, 2 test, if the files are split already; or None.
        item_titles: unicode (items,), "" where unknown, or None.
        user_attributes: the columns of a file of users, or None.
        item_attributes: the columns of a file of items, or None.
        item_vectors: the vectors of a file, or None.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    origin: Origin
    timestamps: NDArray[np.int64] | None = None
    ratings: NDArray[np.float32] | None = None
    parts: NDArray[np.int8] | None = None
    item_titles: NDArray[np.str_] | None = None
    user_attributes: Attributes | None = None
    item_attributes: Attributes | None = None
    item_vectors: VectorFile | None = None

    def __len__(self) -> int:
        return len(self.users)


def read_interactions(place: TextSource, reading: Reading | None = None) -> Interactions:
    """Read a log: a file, several, a folder, a zip or tar archive or a member of one.

    Raises:
        InputError: missing, unreadable or malformed; the message names the line.
    """
    reading = reading or Reading()
    log = read_log(place, reading)
    result = from_log(log, place, reading)
    items = TextSource(Path(reading.items)) if reading.items else log.items
    users = TextSource(Path(reading.users)) if reading.users else log.users
    item_column, user_column = log.columns["item"], log.columns["user"]
    del log  # so that `prepare` can free each column early
    if items:
        result = with_items(result, items, item_column, named=reading.items is not None)
    if users:
        result = with_users(result, users, user_column, named=reading.users is not None)
    if reading.item_vectors is not None:
        result = replace(result, item_vectors=read_vectors(reading.item_vectors))
    return result


def from_log(log: Log, place: TextSource, reading: Reading) -> Interactions:
    """The interactions of a log, with their origin."""
    rows = log.rows
    origin = Origin(
        path=str(place),
        sha256=log.sha256,
        format=log.form,
        rows_read=rows.rows_read,
        dropped=rows.dropped,
        columns=log.columns,
        time_unit=rows.time_unit,
        findings=log.findings,
        reading=reading.chosen(),
    )
    return Interactions(
        users=rows.users,
        items=rows.items,
        user_ids=rows.user_ids,
        item_ids=rows.item_ids,
        origin=origin,
        timestamps=rows.times,
        ratings=rows.ratings,
        parts=rows.parts,
    )


def with_items(
    interactions: Interactions, source: TextSource, column: str, *, named: bool
) -> Interactions:
    """Add the titles of items, and the other columns of their file."""
    if not named:
        attributes = attributes_beside(source, "item", column)
        if attributes is None:
            return interactions
    else:
        attributes = replace(read_attributes(source, "item", column), named=True)
    result = with_notes(interactions, attributes)
    if attributes.titles:
        result = with_titles(result, attributes, named=named)
    if not attributes.columns and source.filename not in LAYOUTS:
        return result  # titles alone
    return replace(result, item_attributes=attributes)


def with_users(
    interactions: Interactions, source: TextSource, column: str, *, named: bool
) -> Interactions:
    if not named:
        attributes = attributes_beside(source, "user", column)
        if attributes is None:
            return interactions
    else:
        attributes = replace(read_attributes(source, "user", column), named=True)
    return replace(with_notes(interactions, attributes), user_attributes=attributes)


def attributes_beside(source: TextSource, side: Any, column: str) -> Attributes | None:
    """The attributes of a file beside the log; None if it only has the same name."""
    try:
        return read_attributes(source, side, column)
    except InputError as error:
        if "is not the" in error.message:
            return None
        raise


def with_notes(interactions: Interactions, attributes: Attributes) -> Interactions:
    if not attributes.notes:
        return interactions
    findings = interactions.origin.findings
    findings = replace(findings, notes=(*findings.notes, *attributes.notes))
    return replace(interactions, origin=replace(interactions.origin, findings=findings))


def with_titles(interactions: Interactions, attributes: Attributes, *, named: bool) -> Interactions:
    """Add the titles of items; "" for an item that the file does not have."""
    aligned = align(titles_of(attributes), interactions.item_ids)
    if named and not (aligned != "").any():
        example = shortened(str(interactions.item_ids[0]), 30)
        raise InputError(
            f"`{attributes.source}` has no title for any item of the log",
            f"check that its first column has the log's item ids, such as `{example}`",
        )
    return replace(
        interactions,
        item_titles=aligned,
        origin=replace(interactions.origin, titles=attributes.source),
    )
