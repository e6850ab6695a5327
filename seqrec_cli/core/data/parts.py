"""The files of a log, read one by one: what any process may do, and what is made of all of them.

Together they are what reading the whole log gives. Where that depends on rows of other files in
ways that are not known here, the file is refused by name, for one machine to read the log.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.interactions import Interactions, Origin, from_log
from seqrec_cli.core.data.negatives import sorted_distinct
from seqrec_cli.core.data.ordering import COLUMNS, Rows, group_rows
from seqrec_cli.core.data.ranges import summed
from seqrec_cli.core.data.reading.event_kinds import option_for
from seqrec_cli.core.data.reading.findings import (
    NOTHING,
    Findings,
    Kind,
    notes_of_files,
)
from seqrec_cli.core.data.reading.identifiers import CANONICAL
from seqrec_cli.core.data.reading.log import read_files
from seqrec_cli.core.data.reading.options import ROLES, Reading
from seqrec_cli.core.data.reading.places import Files, files_of
from seqrec_cli.core.data.reading.sources import TextSource, parse_place
from seqrec_cli.core.data.reading.units import PER_SECOND, guess_unit, rows_of_our_age
from seqrec_cli.core.storage.files import sha256_of_sums
from seqrec_cli.errors import InputError

ONE_MACHINE = "leave out `--engine`: then the log is read as a whole"
UNAMBIGUOUS = ("ISO 8601", "timestamps")  # forms of times that each file tells alike
MOST_KINDS = 20


@dataclass(frozen=True, eq=False)
class PartFacts:
    """What is known of a file of a log.

    Attributes:
        user_ids, item_ids: those in it, sorted, int64 or unicode.
        origin: as of a log of this file alone.
        ages: how many of its times would be of our age in each unit, int64 (5,).
        rated: whether its rows have ratings.
    """

    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    origin: Origin
    ages: NDArray[np.int64]
    rated: bool


@dataclass(frozen=True, eq=False)
class WholeLog:
    """What is known of all files of a log together.

    Attributes:
        user_ids, item_ids: of all rows, sorted, int64 or unicode.
        origin: of the log, as reading it at once gives.
        factors: for each file, by what its times are multiplied to be in the unit of the log.
    """

    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    origin: Origin
    factors: list[int]


def plain_files(source: str, reading: Reading) -> Files:
    """The files of a log, if it is a plain one of one part.

    Raises:
        InputError: it is split already, in an archive, or in folders with columns in their names.
    """
    files = files_of(parse_place(source), reading)
    if len(files.parts) > 1:
        raise InputError(f"`{source}` is split into files of parts already", ONE_MACHINE)
    if files.hive:
        raise InputError(f"the folders in `{source}` have columns in their names", ONE_MACHINE)
    if any(each.member for each in files.parts[0]):
        raise InputError(f"`{source}` is an archive", f"unpack it, or {ONE_MACHINE}")
    return files


def read_part(path: str, reading: Reading) -> tuple[Rows, PartFacts]:
    """The rows of one file, with codes of its own ids, and what is known of it.

    Raises:
        InputError: as `read_log`, or it has a file of users or items beside it.
    """
    source = TextSource(Path(path))
    log = read_files(Files(source, ((source,),)), source, replace(reading, more=()))
    for beside in (log.items, log.users):
        if beside is not None:
            raise InputError(f"`{beside}` beside the log has features", ONE_MACHINE)
    found: Interactions = from_log(log, source, reading)
    times = found.timestamps
    ages = rows_of_our_age(np.empty(0, np.int64) if times is None else times)
    if found.origin.findings.lists:
        raise InputError(f"`{path}` has lists with one time each", ONE_MACHINE)
    facts = PartFacts(found.user_ids, found.item_ids, found.origin, ages, found.ratings is not None)
    return Rows(found.users, found.items, times, found.ratings), facts


def alike(reading: Reading, first: PartFacts) -> Reading:
    """How the other files are read: with the columns of the first."""
    columns = {role: first.origin.columns[role] for role in ROLES if role in first.origin.columns}
    return reading.with_columns(columns)


def whole_log(source: str, files: Files, reading: Reading, parts: Sequence[PartFacts]) -> WholeLog:
    """What is known of the log whose files these are.

    Raises:
        InputError: a file differs from the first in what reading them at once would settle.
    """
    first = parts[0]
    for path, part in zip(files.parts[0], parts, strict=True):
        refuse_different(str(path), part, first)
        if len(parts) > 1:
            refuse_odd_numbers(str(path), part)
    unit, factors = common_unit(files, parts)
    if len(parts) > 1:
        refuse_ambiguous(str(files.first), first, reading)
    origin = replace(
        first.origin,
        path=source,
        sha256=sha256_of_sums([part.origin.sha256 for part in parts]),
        rows_read=sum(part.origin.rows_read for part in parts),
        dropped=summed([dict(part.origin.dropped) for part in parts]),
        time_unit=unit,
        findings=all_findings(files, parts, unit),
        reading=reading.chosen(),
    )
    user_ids, item_ids = (
        sorted_distinct(np.concatenate([getattr(part, name) for part in parts]))
        for name in ("user_ids", "item_ids")
    )
    return WholeLog(user_ids, item_ids, origin, factors)


def refuse_different(path: str, part: PartFacts, first: PartFacts) -> None:
    """Refuse a file whose ids, form, columns or ratings are of another kind than the first's."""
    for what, own, other in (
        ("ids of users", part.user_ids.dtype.kind, first.user_ids.dtype.kind),
        ("ids of items", part.item_ids.dtype.kind, first.item_ids.dtype.kind),
        ("form", part.origin.format, first.origin.format),
        ("columns", part.origin.columns, first.origin.columns),
        ("ratings", part.rated, first.rated),
        ("times", form_of_times(part), form_of_times(first)),
    ):
        if own != other:
            raise InputError(
                f"`{path}` differs from `{first.origin.path}` in its {what}, so that only reading "
                "all files at once tells what they are",
                ONE_MACHINE,
            )


def refuse_odd_numbers(path: str, part: PartFacts) -> None:
    """Refuse numbers that are not written as one would: beside other files they may be texts, or
    in another unit."""
    numbers = {
        "user": part.user_ids.dtype.kind == "i",
        "item": part.item_ids.dtype.kind == "i",
        "time": not form_of_times(part),
    }
    for taken in part.origin.findings.taken:
        text = taken.example.strip()
        if numbers.get(taken.role) and not re.fullmatch(CANONICAL, text):
            raise InputError(
                f"`{taken.column}` of `{path}` has numbers written as `{text}`", ONE_MACHINE
            )


def refuse_ambiguous(path: str, first: PartFacts, reading: Reading) -> None:
    """Refuse times of a form that the rows of other files may settle."""
    form = form_of_times(first)
    if form and form not in UNAMBIGUOUS and not reading.time_format:
        raise InputError(
            f"the times in `{path}` are of the form {form}, which each file could settle otherwise",
            f"name it: --time-format; or {ONE_MACHINE}",
        )


def form_of_times(part: PartFacts) -> str:
    """The form of the times in words, as the findings say it; "" for plain numbers."""
    order, unit = part.origin.findings.order, part.origin.time_unit
    words = order.removesuffix(f", {unit}")
    _, bracket, form = words.removesuffix(")").rpartition(" (")
    return form if bracket and unit and words.endswith(")") else ""


def common_unit(files: Files, parts: Sequence[PartFacts]) -> tuple[str, list[int]]:
    """The unit of all times, and by what those of each file are multiplied."""
    units = [part.origin.time_unit for part in parts]
    if not form_of_times(parts[0]):  # numbers as they are: their size tells the unit
        ages: NDArray[np.int64] = np.sum([part.ages for part in parts], axis=0)
        unit = guess_unit(ages) if units[0] else ""
        return unit, [1] * len(parts)
    for path, each in zip(files.parts[0], units, strict=True):
        if each not in PER_SECOND and each != units[0]:
            raise InputError(f"the times in `{path}` are of another unit", ONE_MACHINE)
    unit = max(units, key=lambda each: PER_SECOND.get(each, 0))
    return unit, [PER_SECOND.get(unit, 1) // PER_SECOND.get(each, 1) for each in units]


def all_findings(files: Files, parts: Sequence[PartFacts], unit: str) -> Findings:
    """What was found in the first file, with counts of all."""
    first = parts[0].origin
    found = first.findings
    order = found.order
    if first.time_unit:
        order = order.removesuffix(first.time_unit) + unit
    notes = (*found.notes, *notes_of_files(files, timed=order != NOTHING))
    return replace(found, order=order, kinds=all_kinds(parts), notes=notes)


def all_kinds(parts: Sequence[PartFacts]) -> tuple[Kind, ...]:
    """The columns that look like a type of event, with how many rows of all have each value."""
    merged = []
    for kind in parts[0].origin.findings.kinds:
        own = [k for part in parts for k in part.origin.findings.kinds if k.column == kind.column]
        counts = summed([dict(each.counts) for each in own])
        ranked = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
        if len(ranked) <= MOST_KINDS:
            option = option_for(kind.column, ranked)
            merged.append(replace(kind, counts=ranked, option=option))
    return tuple(merged)


def recoded_rows(rows: Rows, facts: PartFacts, whole: WholeLog, factor: int) -> Rows:
    """The rows of a file with codes of the whole log's ids, and times in its unit."""
    users = np.searchsorted(whole.user_ids, facts.user_ids).astype(np.int32)[rows.users]
    items = np.searchsorted(whole.item_ids, facts.item_ids).astype(np.int32)[rows.items]
    times = rows.times if rows.times is None or factor == 1 else rows.times * factor
    return Rows(users, items, times, rows.ratings)


def cut_rows(rows: Rows, bounds: Sequence[int]) -> list[Rows]:
    """The rows of each range of users, in their order, with codes from 0 in each."""
    number = len(bounds) - 1
    ranges = np.repeat(np.arange(number), np.diff(bounds)).astype(np.min_scalar_type(number))
    moved = replace(rows)  # whose columns take the place of the caller's
    cut = []
    for start, part in zip(bounds, group_rows(moved, ranges, number), strict=False):
        one = replace(moved, users=moved.users[part] - np.int32(start))
        for name in COLUMNS[:-1]:
            if (column := getattr(moved, name)) is not None:
                setattr(one, name, column[part])
        cut.append(one)
    return cut


def joined_rows(pieces: Sequence[Rows]) -> Rows:
    """Rows, one behind the other."""

    def column(name: str) -> Any:
        columns = [getattr(piece, name) for piece in pieces]
        return None if columns[0] is None else np.concatenate(columns)

    return Rows(column("users"), column("items"), column("times"), column("ratings"))
