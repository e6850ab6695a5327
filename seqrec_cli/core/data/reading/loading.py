"""From a relation and a plan to arrays: the rows of a log in the order of its files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.pieces import chosen, converted
from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.filling import LogTable
from seqrec_cli.core.data.reading.identifiers import (
    compacted,
)
from seqrec_cli.core.data.reading.judging import numbers_rows
from seqrec_cli.core.data.reading.options import Reading, Role, command
from seqrec_cli.core.data.reading.profiles import Profile, is_missing_cell
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.times import in_coarsest_unit
from seqrec_cli.core.data.reading.units import UNKNOWN, placeholders, rows_of_our_age, units_mixed
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

LOW_RATED = "rating below the threshold"
NOT_CHOSEN = "not chosen by --where"
UNREADABLE = "line that cannot be read"
ROLES: dict[str, Role] = {"u": "user", "i": "item", "t": "time", "r": "rating"}
NO_ROLE = {"u": "no user", "i": "no item", "t": "no time that can be read", "r": "no rating"}
REPEATED = {"collapse": "the item of the row before", "first": "an item the user has already"}


class MostlyMissing(InputError):
    """So many rows lack something that to leave them out is no remedy.

    Attributes:
        role: what most of them lack.
    """

    def __init__(self, message: str, hint: str, role: Role) -> None:
        super().__init__(message, hint)
        self.role = role


@dataclass
class Loaded:
    """The rows that were read; the arrays are those of `Interactions`."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    times: NDArray[np.int64] | None
    ratings: NDArray[np.float32] | None
    parts: NDArray[np.int8] | None
    time_unit: str
    rows_read: int
    dropped: dict[str, int]
    counts: dict[str, dict[str, int]]
    notes: list[str] = field(default_factory=list)


def load(
    relation: Relation,
    plan: Plan,
    kinds: Sequence[Profile],
    reading: Reading,
    engine: Engine,
    place: object,
) -> Loaded:
    """Read the rows of a log.

    Raises:
        InputError: a row without user, item or time, unless those are to be left out; a line that
            cannot be read; a bad condition. The message names the line.
    """
    table = LogTable(relation, plan, kinds, reading, engine, place)
    return finished(table, table.columns())


def finished(table: LogTable, columns: dict[str, Any]) -> Loaded:
    rows = len(columns["u"])
    dropped: dict[str, int] = {}
    notes: list[str] = []
    if table.rejected:
        dropped[UNREADABLE] = int(table.rejected)
    keep = np.ones(rows, bool)
    if "w" in columns:
        keep = np.ma.filled(columns["w"], False).astype(bool)
        count(dropped, NOT_CHOSEN, ~keep)
    ratings = ratings_of(table, columns, keep, notes)
    if ratings is not None and table.reading.min_rating is not None:
        low = keep & (np.ma.filled(ratings, np.inf) < table.reading.min_rating)
        count(dropped, LOW_RATED, low)
        keep &= ~low
    mask_placeholders(table, columns)
    keep = complete(table, columns, ratings, keep, dropped)
    whole = bool(keep.all())

    def kept(name: str) -> NDArray[Any]:
        """A column's rows that are kept; it is used up, so that two copies never lie around."""
        column = np.ma.getdata(columns.pop(name))
        return column if whole else chosen(column, keep)

    times, unit = None, ""
    if "t" in columns:
        assert table.form is not None
        times, unit = in_coarsest_unit(converted(kept("t"), np.int64), table.form)
        if unit == UNKNOWN:
            refuse_mixed_units(times, table.relation.place)
    parts = None
    if len(table.part_rows) > 1:
        parts = np.repeat(np.arange(len(table.part_rows), dtype=np.int8), table.part_rows)[keep]
    users, user_ids = compacted(kept("u").astype(np.int32, copy=False), columns["users"])
    items, item_ids = compacted(kept("i").astype(np.int32, copy=False), columns["items"])
    loaded = Loaded(
        users=users,
        items=items,
        user_ids=user_ids,
        item_ids=item_ids,
        times=times,
        ratings=None if ratings is None else np.ma.getdata(ratings)[keep].astype(np.float32),
        parts=parts,
        time_unit=unit,
        rows_read=rows + int(table.rejected),
        dropped=dropped,
        counts=table.kind_counts(),
        notes=notes,
    )
    return without_repeats(loaded, table.reading)


def mask_placeholders(table: LogTable, columns: dict[str, Any]) -> None:
    """Mask the times that stand for a missing one: 0 or -1 among times of today."""
    if "t" in columns and table.form is not None:
        times = np.ma.getdata(columns["t"])
        found = placeholders(times, table.form.scale, table.form.unit)
        if found is not None:
            columns["t"] = np.ma.array(times, mask=np.ma.getmaskarray(columns["t"]) | found)


def refuse_mixed_units(times: NDArray[np.int64], place: str) -> None:
    """Refuse times of which some are in seconds and others in milliseconds, say."""
    if mixed := units_mixed(rows_of_our_age(times)):
        raise InputError(
            f"`{place}`: some times are in {mixed[0]} and others in {mixed[1]}",
            "write all of them in one unit",
        )


def ratings_of(
    table: LogTable, columns: dict[str, Any], keep: NDArray[np.bool_], notes: list[str]
) -> Any:
    """The ratings, masked where there is none; None where they are of no use."""
    if "r" not in columns:
        return None
    ratings = columns["r"]
    mask = np.ma.getmaskarray(ratings)
    needed = (
        "rating" in table.plan.asked
        or table.reading.min_rating is not None
        or bool(table.reading.rating_values)
    )
    if not (mask & keep).any() or needed:
        return ratings
    assert table.plan.rating is not None
    missing = int((mask & keep).sum())
    notes.append(
        f"the ratings in `{table.plan.rating.name}` are not kept: {missing:,} rows have none"
    )
    return None


def complete(
    table: LogTable,
    columns: dict[str, Any],
    ratings: Any,
    keep: NDArray[np.bool_],
    dropped: dict[str, int],
) -> NDArray[np.bool_]:
    """The rows that lack nothing; counted or refused otherwise."""
    lacking: dict[str, NDArray[np.bool_]] = {
        "u": columns["u"] < 0,
        "i": columns["i"] < 0,
    }
    if "t" in columns:
        lacking["t"] = np.ma.getmaskarray(columns["t"])
    if ratings is not None:
        lacking["r"] = np.ma.getmaskarray(ratings)
    bad = np.zeros(len(keep), bool)
    for mask in lacking.values():
        bad |= mask
    bad &= keep
    if not bad.any():
        return keep
    if not table.reading.drop_incomplete:
        number, rows = int(bad.sum()), int(keep.sum())
        if 2 * number > rows:  # then say what most of them lack
            most = max(lacking, key=lambda role: np.count_nonzero(lacking[role] & keep))
            lacking, bad = {most: lacking[most]}, lacking[most] & keep
        row = int(np.flatnonzero(bad)[0])
        role = next(role for role, mask in lacking.items() if mask[row])
        raise incomplete(table, row, role, number, rows)
    for role, mask in lacking.items():
        count(dropped, NO_ROLE[role], keep & mask)
        keep = keep & ~mask
    return keep


def incomplete(table: LogTable, row: int, role: str, number: int, rows: int) -> InputError:
    """Say which row lacks what, as `number` of the `rows` do, and what to type."""
    profile: Profile | None = {
        "u": table.plan.user,
        "i": table.plan.item,
        "t": table.plan.time.columns[0] if table.plan.time else None,
        "r": table.plan.rating,
    }[role]
    assert profile is not None
    part, within = table.part_of(row)
    text = table.raw_text(profile, part, within)
    shown = "is empty" if text is None or not text.strip() else f"is `{shortened(text)}`"
    if text is not None and text.strip():
        if is_missing_cell(text):
            shown += ", which stands for a missing one"
        elif role == "t":
            shown += ", which is not like the others"
        elif role == "r":
            shown += ", which is no number"
    mostly = 2 * number > rows
    more = f"; {number:,} rows lack something" if number > 1 else ""
    if mostly:
        more = f"; {number:,} of {rows:,} rows lack something"
        more += (
            ": the column is mostly empty" if profile.filled < 0.5 else ", too many to leave out"
        )
    remedies = [f"leave such rows out and count them: `{command(table.place, table.dropping())}`"]
    if role in "ut" and is_said_once(table):
        remedies = [
            "if an empty cell means the same as the one above it, fill them first",
            "to leave such rows out and count them, add --drop-incomplete",
        ]
    if mostly:
        remedies = remedies[:-1]
    if role == "u" and (session := session_column(table)):
        stand_in = table.reading.with_columns({"session": session})
        remedies.append(f"let sessions stand for users: `{command(table.place, stand_in)}`")
    if not mostly and (other := fuller(table, role)):
        instead = command(table.place, table.reading.with_columns({ROLES[role]: other}))
        remedies.append(f"take `{other}`, which has none empty: `{instead}`")
    if role == "t" and text is not None and not is_missing_cell(text):
        remedies.append("set the format of times with --time-format")
    message = (
        f"`{table.relation.place}`, {table.place_of(row)}: the {ROLES[role]} in "
        f"`{profile.name}` {shown}{more}"
    )
    hint = "; or ".join(remedies)
    return MostlyMissing(message, hint, ROLES[role]) if mostly else InputError(message, hint)


def fuller(table: LogTable, role: str) -> str:
    """The name of a column without a gap in the sample that may have a role as well, or ""."""
    plan = table.plan
    if role == "r":
        return ""
    if role == "t":
        times = [m.columns[0] for m in plan.other_times if m.solid and len(m.columns) == 1]
        return next((p.name for p in times if p.filled == 1), "")
    named: Literal["user", "item"] = "user" if role == "u" else "item"
    own = plan.user if role == "u" else plan.item
    used = plan.used()
    rest = [Profile(c, n) for n, c in enumerate(table.relation.columns) if c.name not in used]
    rest = [p for p in rest if p.filled == 1 and p.may_be_id and not p.column.listed]
    rest = [p for p in rest if not p.is_row_number and not numbers_rows(p)]
    same = [p for p in rest if is_of_the_same(p, own)]
    return next((p.name for p in (*same, *(p for p in rest if p.rank(named) >= 0))), "")


def is_of_the_same(profile: Profile, own: Profile) -> bool:
    """Whether it is of the same things as another column, where that one has a value."""
    names: dict[object, object] = {}
    pairs = zip(own.column.cells, profile.column.cells, strict=True)
    there = [(key, value) for key, value in pairs if isinstance(key, str) and key.strip()]
    one = all(names.setdefault(key, value) == value for key, value in there)
    return one and len(set(names.values())) > 0.8 * len(names)


def is_said_once(table: LogTable) -> bool:
    """Whether the time, and perhaps the user, are in the first row of a group alone, as reports
    and orders are printed."""
    users = table.plan.user.column.cells
    times = table.plan.time.columns[0].column.cells if table.plan.time else ()
    if len(times) != len(users) or not all(isinstance(cell, str) for cell in (*users, *times)):
        return False
    nobody, untimed = ([not str(cell).strip() for cell in cells] for cells in (users, times))
    if not untimed or untimed[0] or sum(untimed) < 0.3 * len(untimed):
        return False
    same = [False, *(own == above for above, own in pairwise(users))]
    rows = zip(nobody, untimed, same, strict=True)
    return all(below if no else not below or alike for no, below, alike in rows)


def session_column(table: LogTable) -> str:
    """The name of a column of sessions, "" where there is none."""
    names = [column.name for column in table.relation.columns if not column.listed]
    best = vocabulary.best_named(names, "session")
    return "" if best is None or names[best] in table.plan.used() else names[best]


def count(dropped: dict[str, int], reason: str, mask: NDArray[np.bool_]) -> None:
    number = int(np.count_nonzero(mask))
    if number:
        dropped[reason] = dropped.get(reason, 0) + number


def without_repeats(loaded: Loaded, reading: Reading) -> Loaded:
    """The rows without repeats of an item, if those are to be left out."""
    if reading.repeats == "keep":
        return loaded
    order = np.lexsort((loaded.users,) if loaded.times is None else (loaded.times, loaded.users))
    if reading.repeats == "first":
        order = order[np.lexsort((np.arange(len(order)), loaded.items[order], loaded.users[order]))]
    users, items = loaded.users[order], loaded.items[order]
    again = np.zeros(len(order), bool)
    again[1:] = (users[1:] == users[:-1]) & (items[1:] == items[:-1])
    keep = np.ones(len(order), bool)
    keep[order[again]] = False
    count(loaded.dropped, REPEATED[reading.repeats], ~keep)
    loaded.users, loaded.user_ids = compacted(loaded.users[keep], loaded.user_ids)
    loaded.items, loaded.item_ids = compacted(loaded.items[keep], loaded.item_ids)
    for name in ("times", "ratings", "parts"):
        column = getattr(loaded, name)
        setattr(loaded, name, None if column is None else column[keep])
    return loaded
