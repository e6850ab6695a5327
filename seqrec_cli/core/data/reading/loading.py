"""From a relation and a plan to arrays: the rows of a log in the order of its files."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading import where
from seqrec_cli.core.data.reading.engine import Engine, first_sentence, quoted
from seqrec_cli.core.data.reading.identifiers import (
    CANONICAL,
    code_numbers,
    code_texts,
    compacted,
)
from seqrec_cli.core.data.reading.options import Reading, command
from seqrec_cli.core.data.reading.profiles import Profile, is_missing
from seqrec_cli.core.data.reading.rejects import forget_rejected, rejected
from seqrec_cli.core.data.reading.relations import Column, Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.times import WHOLE_NUMBERS, TimeForm, settled
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

LOW_RATED = "rating below the threshold"
NOT_CHOSEN = "not chosen by --where"
UNREADABLE = "line that cannot be read"
NO_ROLE = {"u": "no user", "i": "no item", "t": "no time that can be read", "r": "no rating"}
REPEATED = {"collapse": "the item of the row before", "first": "an item that the user has already"}
MOST_KINDS = 4
SMALL = 2_000_000_000  # some way below 2^31


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
    return Loader(relation, plan, kinds, reading, engine, place).load()


class Loader:
    """Reads a relation into the table `log` of the engine, and from there into arrays."""

    def __init__(
        self,
        relation: Relation,
        plan: Plan,
        kinds: Sequence[Profile],
        reading: Reading,
        engine: Engine,
        place: object,
    ) -> None:
        self.relation = relation
        self.plan = plan
        self.kinds = tuple(kinds)[:MOST_KINDS]
        self.reading = reading
        self.engine = engine
        self.place = place
        self.notes: list[str] = []
        self.part_rows: list[int] = []
        self.rejected = 0
        self.form: TimeForm | None = None

    def load(self) -> Loaded:
        self.form = self.settled_form()
        conditions = self.conditions()
        columns = self.read_plain(conditions)
        if columns is None:
            numbers = self.read_numbers(conditions) or not self.read_texts(conditions)
            self.refuse_rejected()
            columns = self.fetch_numbers() if numbers else self.fetch_texts()
        return self.finished(columns)

    # Reading into the table.

    def conditions(self) -> list[str]:
        profiles = [Profile(column, n) for n, column in enumerate(self.relation.columns)]
        return [
            where.condition(expression, profiles, self.engine, self.relation.place)
            for expression in self.reading.where
        ]

    def settled_form(self) -> TimeForm | None:
        """The form of the times; where days may be months, the one that reads all rows."""
        if self.plan.time is None or not self.plan.time.rivals:
            return self.plan.time.form if self.plan.time else None
        time = self.plan.time
        text = time.texts[0]
        forms = (time.form, *time.rivals)
        if time.columns[0].column.listed:
            return time.form
        counted = ", ".join(f"count({form.sql(text)})" for form in forms)
        fitted = [0] * len(forms)
        for scan in self.relation.scans:
            (row,) = self.engine.rows(f"SELECT {counted} FROM {scan}")
            fitted = [a + b for a, b in zip(fitted, row, strict=True)]
        best = [form for form, count in zip(forms, fitted, strict=True) if count == max(fitted)]
        if len(best) > 1:
            commands = " or ".join(
                f"`{command(self.place, self.with_format(form))}`" for form in best
            )
            example = (time.columns[0].values or [""])[0]
            raise InputError(
                f"`{self.relation.place}`: the dates in `{time.name}`, such as `{example}`, may have "
                "the day or the month first, and no row tells which",
                f"say which: {commands}",
            )
        return best[0]

    def with_format(self, form: TimeForm) -> Reading:
        return replace(self.reading, time_format=form.name.split(" or ")[0])

    def selected(self, user: str, item: str, conditions: Sequence[str], scan: str) -> str:
        """The query of the rows of one scan, with a row for each item of a list."""
        plan = self.plan
        columns = [f"{user} AS u", f"{item} AS i"]
        outer = ["u", "unnest(i) AS i" if plan.item.column.listed else "i"]
        if plan.time is not None:
            column = plan.time.columns[0].column
            if column.listed:
                inner = f"list_transform({column.sql}, lambda y: {self.time_sql('y')})"
                columns.append(f"{inner} AS t")
                outer.append("unnest(t) AS t")
            else:
                columns.append(f"{self.time_sql(column.sql)} AS t")
                outer.append("t")
        if plan.rating is not None:
            column = plan.rating.column
            if column.listed and plan.item.column.listed:
                inner = f"list_transform({column.sql}, lambda y: {self.rating_sql('y')})"
                columns.append(f"{inner} AS r")
                outer.append("unnest(r) AS r")
            else:
                columns.append(f"{self.rating_sql(column.sql)} AS r")
                outer.append("r")
        if conditions:
            columns.append(
                " AND ".join(f"coalesce({each}, false)" for each in conditions) + " AS w"
            )
            outer.append("w")
        for n, kind in enumerate(self.kinds):
            columns.append(f"{kind.column.sql} AS k{n}")
            outer.append(f"unnest(k{n}) AS k{n}" if kind.column.listed else f"k{n}")
        skipped = f" WHERE {self.relation.skipped}" if self.relation.skipped else ""
        inner_query = f"SELECT {', '.join(columns)} FROM {scan}{skipped}"
        if not plan.item.column.listed:
            return inner_query
        return f"SELECT {', '.join(outer)} FROM ({inner_query})"

    def time_sql(self, text: str) -> str:
        assert self.form is not None
        return self.form.sql(text)

    def rating_sql(self, text: str) -> str:
        """A rating as a number; of a word by what the user said, true and false as 1 and 0."""
        plan, reading = self.plan, self.reading
        assert plan.rating is not None
        if reading.rating_values:
            cases = " ".join(
                f"WHEN {quoted(word.lower())} THEN {value!r}"
                for word, value in reading.rating_values.items()
            )
            return f"CASE lower(trim({text})) {cases} END"
        if plan.rating.is_truth:
            return (
                f"CASE WHEN lower(trim({text})) IN ('true', 't', 'yes', 'y') THEN 1.0 "
                f"WHEN lower(trim({text})) IN ('false', 'f', 'no', 'n') THEN 0.0 END"
            )
        number = f"replace({text}, ',', '.')" if plan.rating.comma_numeric else text
        parsed = f"TRY_CAST({number} AS DOUBLE)"
        return f"CASE WHEN abs({parsed}) <= 1e38 THEN {parsed} END"

    def read_plain(self, conditions: Sequence[str]) -> dict[str, Any] | None:
        """Read files of nothing but whole numbers, as one would spell them; None if they are not.

        The engine alone would not do: it reads `007` as 7 without a word. But where all columns
        are read, such a file has more bytes than the numbers have digits.
        """
        plan = self.plan
        profiles = [plan.user, plan.item, *(plan.time.columns if plan.time else ())]
        profiles += [plan.rating] if plan.rating else []
        simple = self.form is None or self.form.name == WHOLE_NUMBERS
        if (
            plan.fallback
            or not simple
            or not all(p.whole and not p.column.listed for p in profiles)
        ):
            return None
        relation, form = self.relation, self.form
        if len(profiles) < len(relation.columns):
            return None
        small = ["INTEGER" if is_small(column) else "BIGINT" for column in relation.columns]
        for types in (small, ["BIGINT"] * len(small)):
            numbers = relation.numbers(types)
            if numbers is None:
                return None
            self.relation = replace(relation, scans=numbers.scans, skipped="")
            self.form = form and replace(form, sql=lambda text: text)
            try:
                self.fill(plan.user.column.sql, plan.item.column.sql, conditions)
            finally:
                self.relation, self.form = relation, form
            if rejected(self.engine) is None:
                columns = self.engine.arrays(f"SELECT {', '.join(self.names())} FROM log")
                rows = len(columns["u"])
                digits = sum(
                    digits_of(columns[name]) for name in ("u", "i", "t", "r") if name in columns
                )
                if digits + rows * numbers.width != numbers.size:
                    return None
                return self.coded(columns)
        return None

    def read_numbers(self, conditions: Sequence[str]) -> bool:
        """Read ids as numbers, if they are; say whether all were."""
        user, item = self.plan.user, self.plan.item
        if self.plan.fallback is not None or not (user.whole and item.whole):
            return False
        sqls = []
        for profile in (user, item):
            column = profile.column
            if column.listed:
                return False
            if column.kind == "integer":
                sqls.append(f"CAST({column.raw} AS BIGINT)")
            else:
                text = column.sql
                sqls.append(
                    f"CASE WHEN regexp_full_match({text}, {quoted(CANONICAL)}) "
                    f"THEN TRY_CAST({text} AS BIGINT) END"
                )
        self.fill(sqls[0], sqls[1], conditions)
        rows, users, items = self.engine.rows("SELECT count(*), count(u), count(i) FROM log")[0]
        return bool(users == rows and items == rows)

    def read_texts(self, conditions: Sequence[str]) -> bool:
        user, item = self.plan.user.column.sql, self.plan.item.column
        if self.plan.fallback is not None:
            words = "('', 'na', 'n/a', 'null', 'nan', 'none', '\\n')"
            other = self.plan.fallback.column.sql
            user = f"CASE WHEN lower(trim(coalesce({user}, ''))) IN {words} THEN {other} ELSE {user} END"
        if item.listed:
            own = item.sql
        else:
            own = f"coalesce({item.sql}, '')"
        self.fill(f"coalesce({user}, '')", own, conditions)
        if item.listed:
            self.engine.run("UPDATE log SET i = '' WHERE i IS NULL")
        return True

    def fill(self, user: str, item: str, conditions: Sequence[str]) -> None:
        """Make the table `log` of all scans, in their order."""
        engine = self.engine
        engine.run("DROP TABLE IF EXISTS log")
        forget_rejected(engine)
        self.part_rows = []
        try:
            for number, scan in enumerate(self.relation.scans):
                query = self.selected(user, item, conditions, scan)
                engine.run(f"{'INSERT INTO log' if number else 'CREATE TABLE log AS'} {query}")
                self.part_rows.append(
                    engine.value("SELECT count(*) FROM log") - sum(self.part_rows)
                )
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise InputError(
                f"cannot read `{self.relation.place}`: {first_sentence(error)}",
                "mend that place, or name the layout: --delimiter, --encoding, --format",
            ) from error

    # What cannot be read.

    def refuse_rejected(self) -> None:
        """Count the lines that the engine could not read; refuse them unless they may go."""
        if not self.relation.rejects:
            return
        found = rejected(self.engine)
        if found is None:
            return
        self.rejected = found.count
        if self.reading.drop_incomplete:
            return
        more = f" ({found.count:,} such lines)" if found.count > 1 else ""
        raise InputError(
            f"`{self.relation.place}`, line {found.line}: {found.words}{more}",
            f"leave such lines out: `{command(self.place, self.dropping())}`; or name the "
            "delimiter with --delimiter",
        )

    def dropping(self) -> Reading:
        return replace(self.reading, drop_incomplete=True)

    # Out of the table.

    def fetch_numbers(self) -> dict[str, Any]:
        columns: dict[str, Any] = self.engine.connection.execute(
            f"SELECT {', '.join(self.names())} FROM log"
        ).fetchnumpy()
        return self.coded(columns)

    def coded(self, columns: dict[str, Any]) -> dict[str, Any]:
        """The columns with codes instead of the numbers of users and items, and these."""
        users, user_ids = code_numbers(np.ma.getdata(columns.pop("u")))
        items, item_ids = code_numbers(np.ma.getdata(columns.pop("i")))
        return columns | {"u": users, "i": items, "users": user_ids, "items": item_ids}

    def fetch_texts(self) -> dict[str, Any]:
        user_ids = code_texts(self.engine, "u", self.relation.place)
        item_ids = code_texts(self.engine, "i", self.relation.place)
        rest = [name for name in self.names() if name not in ("u", "i")]
        columns: dict[str, Any] = {}
        if rest:
            columns |= self.engine.connection.execute(
                f"SELECT {', '.join(rest)} FROM log"
            ).fetchnumpy()
        rows = sum(self.part_rows)
        kind = "INTEGER" if rows < 2**31 else "BIGINT"
        found = self.engine.arrays(
            f"SELECT CAST(log.rowid AS {kind}) AS place, ids_u.code AS u, ids_i.code AS i "
            "FROM log JOIN ids_u ON log.u = ids_u.id JOIN ids_i ON log.i = ids_i.id"
        )
        # A join gives the rows in any order.
        for name in ("u", "i"):
            columns[name] = np.empty(rows, np.int32)
            columns[name][found["place"]] = found[name]
        return columns | {"users": user_ids, "items": item_ids}

    def names(self) -> list[str]:
        names = ["u", "i"]
        names += ["t"] if self.plan.time is not None else []
        names += ["r"] if self.plan.rating is not None else []
        names += ["w"] if self.reading.where else []
        return names

    def finished(self, columns: dict[str, Any]) -> Loaded:
        rows = len(columns["u"])
        dropped: dict[str, int] = {}
        if self.rejected:
            dropped[UNREADABLE] = int(self.rejected)
        keep = np.ones(rows, bool)
        if "w" in columns:
            keep = np.ma.filled(columns["w"], False).astype(bool)
            count(dropped, NOT_CHOSEN, ~keep)
        ratings = self.ratings_of(columns, keep)
        if ratings is not None and self.reading.min_rating is not None:
            low = keep & (np.ma.filled(ratings, np.inf) < self.reading.min_rating)
            count(dropped, LOW_RATED, low)
            keep &= ~low
        keep = self.complete(columns, ratings, keep, dropped)
        times, unit = None, ""
        if "t" in columns:
            assert self.form is not None
            times, unit = settled(
                np.ma.getdata(columns["t"])[keep].astype(np.int64, copy=False), self.form
            )
        parts = None
        if len(self.part_rows) > 1:
            parts = np.repeat(np.arange(len(self.part_rows), dtype=np.int8), self.part_rows)[keep]
        users, user_ids = compacted(columns["u"][keep].astype(np.int32), columns["users"])
        items, item_ids = compacted(columns["i"][keep].astype(np.int32), columns["items"])
        loaded = Loaded(
            users=users,
            items=items,
            user_ids=user_ids,
            item_ids=item_ids,
            times=times,
            ratings=None if ratings is None else np.ma.getdata(ratings)[keep].astype(np.float32),
            parts=parts,
            time_unit=unit,
            rows_read=rows + int(self.rejected),
            dropped=dropped,
            counts=self.kind_counts(),
            notes=self.notes,
        )
        return without_repeats(loaded, self.reading)

    def ratings_of(self, columns: dict[str, Any], keep: NDArray[np.bool_]) -> Any:
        """The ratings, masked where there is none; None where they are of no use."""
        if "r" not in columns:
            return None
        ratings = columns["r"]
        mask = np.ma.getmaskarray(ratings)
        needed = (
            "rating" in self.plan.asked
            or self.reading.min_rating is not None
            or bool(self.reading.rating_values)
        )
        if not (mask & keep).any() or needed:
            return ratings
        assert self.plan.rating is not None
        missing = int((mask & keep).sum())
        self.notes.append(
            f"the ratings in `{self.plan.rating.name}` are not kept: {missing:,} rows have none"
        )
        return None

    def complete(
        self,
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
        if not self.reading.drop_incomplete:
            row = int(np.flatnonzero(bad)[0])
            role = next(role for role, mask in lacking.items() if mask[row])
            raise self.incomplete(row, role, int(bad.sum()))
        for role, mask in lacking.items():
            count(dropped, NO_ROLE[role], keep & mask)
            keep = keep & ~mask
        return keep

    def incomplete(self, row: int, role: str, number: int) -> InputError:
        """Say which row lacks what, and what to type."""
        words = {"u": "user", "i": "item", "t": "time", "r": "rating"}
        profile: Profile | None = {
            "u": self.plan.user,
            "i": self.plan.item,
            "t": self.plan.time.columns[0] if self.plan.time else None,
            "r": self.plan.rating,
        }[role]
        assert profile is not None
        part, within = 0, row
        for part, rows in enumerate(self.part_rows):
            if within < rows:
                break
            within -= rows
        text = self.raw_text(profile, part, within)
        shown = "is empty" if text is None or not text.strip() else f"is `{shortened(text)}`"
        if text is not None and text.strip():
            if is_missing(text):
                shown += ", which stands for a missing one"
            elif role == "t":
                shown += ", which is not like the others"
            elif role == "r":
                shown += ", which is no number"
        where_ = (
            self.relation.place_of(part, within)
            if not self.plan.item.column.listed
            else f"row {row + 1}"
        )
        more = f"; {number:,} rows lack something" if number > 1 else ""
        remedy = f"leave such rows out and count them: `{command(self.place, self.dropping())}`"
        if role == "t" and text is not None and not is_missing(text):
            remedy += "; or say how times are written with --time-format"
        return InputError(
            f"`{self.relation.place}`, {where_}: the {words[role]} in `{profile.name}` {shown}{more}",
            remedy,
        )

    def raw_text(self, profile: Profile, part: int, row: int) -> str | None:
        """The text of one cell, of a column without lists."""
        if self.plan.item.column.listed:
            return None
        skipped = f"WHERE {self.relation.skipped}" if self.relation.skipped else ""
        found = self.engine.rows(
            f"SELECT {profile.column.sql} FROM {self.relation.scans[part]} {skipped} "
            f"LIMIT 1 OFFSET {row}"
        )
        return found[0][0] if found else None

    def kind_counts(self) -> dict[str, dict[str, int]]:
        counts = {}
        for n, kind in enumerate(self.kinds):
            rows = self.engine.rows(
                f"SELECT coalesce(CAST(k{n} AS VARCHAR), ''), count(*) FROM log GROUP BY ALL "
                "ORDER BY count(*) DESC, 1 LIMIT 21"
            )
            if 1 < len(rows) <= 20:
                counts[kind.name] = {str(value): int(number) for value, number in rows}
        return counts


def digits_of(numbers: NDArray[Any]) -> int:
    """How many digits whole numbers have in all, none of them negative."""
    digits, power = len(numbers), 10
    most = int(numbers.max(initial=0))
    while power <= most:
        digits += int(np.count_nonzero(numbers >= power))
        power *= 10
    return digits


def is_small(column: Column) -> bool:
    """Whether the numbers of a column seem to fit 32 bits."""
    return all(len(value) < 10 or int(value) < SMALL for value in column.values)


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
