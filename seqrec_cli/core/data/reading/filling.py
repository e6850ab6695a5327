"""The rows of a log in a table of the engine, and out of it as arrays."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.pieces import sum_over
from seqrec_cli.core.data.reading import where
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.identifiers import (
    CANONICAL,
    code_numbers,
    code_texts,
)
from seqrec_cli.core.data.reading.options import Reading, command
from seqrec_cli.core.data.reading.profiles import MISSING, Profile
from seqrec_cli.core.data.reading.queries import selected, settled_form
from seqrec_cli.core.data.reading.rejects import NOTING, STRICT, count_rejected, unreadable
from seqrec_cli.core.data.reading.relations import Column, Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.texts import REPLACEMENT
from seqrec_cli.core.data.reading.times import WHOLE_NUMBERS
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

MOST_KINDS = 4
SMALL = 2_000_000_000  # some way below 2^31


class LogTable:
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
        self.part_rows: list[int] = []
        self.rejected = 0
        self.form = settled_form(relation, plan, reading, engine, place)

    def columns(self) -> dict[str, Any]:
        """Read the log: u and i are codes of the ids in users and items; t, r and w as they are.

        Missing values are masked; the code of a missing id is -1.
        """
        conditions = self.conditions()
        columns = self.read_plain(conditions) or self.read_pieces(conditions)
        if columns is None:
            numbers = self.read_numbers(conditions) or not self.read_texts(conditions)
            columns = self.fetch_numbers() if numbers else self.fetch_texts()
        return columns

    def conditions(self) -> list[str]:
        profiles = [Profile(column, n) for n, column in enumerate(self.relation.columns)]
        return [
            where.condition(expression, profiles, self.engine, self.relation.place)
            for expression in self.reading.where
        ]

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
        if len(profiles) < len(relation.columns) or relation.file is plan.user.column:
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
            except InputError:
                continue  # numbers that do not fit, or a line that reading as text will name
            finally:
                self.relation, self.form = relation, form
            if not self.rejected:
                columns = self.engine.numbers_of("log", self.names(), sum(self.part_rows))
                rows = len(columns["u"])
                digits = sum(
                    digits_of(columns[name]) for name in ("u", "i", "t", "r") if name in columns
                )
                if digits + rows * numbers.width != numbers.size:
                    return None
                return self.coded(columns)
        return None

    def read_pieces(self, conditions: Sequence[str]) -> dict[str, Any] | None:
        """Read ids that a typed file has as whole numbers, and times of any kind, piece by piece,
        never all of them in the engine.

        None where ids are of another type, or a value is missing.
        """
        plan = self.plan
        named = {"u": plan.user, "i": plan.item}
        if conditions or self.kinds or plan.fallback or plan.rating:
            return None
        if any(profile.column.kind != "integer" for profile in named.values()):
            return None
        try:
            return self.coded_pieces(named)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            return None  # reading all at once will say what is damaged

    def coded_pieces(self, named: dict[str, Profile]) -> dict[str, Any] | None:
        """The columns of `named`, and times, out of all pieces, and codes for ids; None as
        `read_pieces`."""
        pieces = self.relation.pieces()
        raw = {key: profile.column.raw for key, profile in named.items()}
        asked = ", ".join(f"count({sql}), min({sql}), max({sql})" for sql in raw.values())
        counted = [self.engine.rows(f"SELECT count(*), {asked} FROM {p.scan}")[0] for p in pieces]
        counted = [row for row in counted if row[0]]
        rows = sum(row[0] for row in counted)
        columns: dict[str, NDArray[Any]] = {}
        for n, key in enumerate(named):
            if not rows or sum(row[3 * n + 1] for row in counted) < rows:
                return None
            low, high = (
                min(row[3 * n + 2] for row in counted),
                max(row[3 * n + 3] for row in counted),
            )
            small = low > -SMALL and high < SMALL
            columns[key] = np.empty(rows, np.int32 if small else np.int64)
        if self.plan.time is not None:
            raw["t"], columns["t"] = self.time_sql(), np.empty(rows, np.int64)
        listed = ", ".join(
            f"CAST({sql} AS {'INTEGER' if columns[key].itemsize == 4 else 'BIGINT'}) AS {key}"
            for key, sql in raw.items()
        )
        self.part_rows, start = [0] * len(self.relation.scans), 0
        for piece in pieces:
            found = self.engine.masked(f"SELECT {listed} FROM {piece.scan}")
            if any(np.ma.is_masked(values) for values in found.values()):
                return None
            end = start + len(found["u"])
            for key, column in columns.items():
                column[start:end] = np.ma.getdata(found[key])
            self.part_rows[piece.part] += end - start
            start = end
        return self.coded(columns)

    def time_sql(self) -> str:
        """The times of a typed file as whole numbers."""
        assert self.plan.time is not None
        assert self.form is not None
        column = self.plan.time.columns[0].column
        if self.form.name == WHOLE_NUMBERS and column.kind == "integer":
            return column.raw
        return self.form.sql(column.sql)

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
        columns = {"u": self.plan.user.column, "i": self.plan.item.column}
        user = columns["u"].sql
        if self.plan.fallback is not None:
            words = ", ".join(quoted(word) for word in MISSING)
            other = self.plan.fallback.column.sql
            missing = f"lower(trim(coalesce({user}, ''))) IN ({words})"
            user = f"CASE WHEN {missing} THEN {other} ELSE {user} END"
        own = [
            sql if column.listed else f"coalesce({sql}, '')"
            for sql, column in zip((user, columns["i"].sql), columns.values(), strict=True)
        ]
        self.fill(own[0], own[1], conditions)
        for name, column in columns.items():
            if column.listed:
                self.engine.run(f"UPDATE log SET {name} = '' WHERE {name} IS NULL")
        return True

    def fill(self, user: str, item: str, conditions: Sequence[str]) -> None:
        """Make the table `log` of all scans, in their order."""
        engine = self.engine
        engine.run("DROP TABLE IF EXISTS log")
        noting = self.reading.drop_incomplete and self.relation.check_lines is not None
        if noting:
            assert self.relation.check_lines is not None
            self.relation.check_lines()
            for table in ("reject_errors", "reject_scans"):
                engine.run(f"DROP TABLE IF EXISTS {table}")
        self.part_rows = []
        before, after = selected(
            self.relation,
            self.plan,
            self.reading,
            self.form,
            self.kinds,
            (user, item),
            conditions,
        )
        try:
            for number, scan in enumerate(self.relation.scans):
                scan = scan.replace(STRICT, NOTING) if noting else scan
                make = "INSERT INTO log" if number else "CREATE TABLE log AS"
                engine.run(f"{make} {before}{scan}{after}")
                self.part_rows.append(
                    engine.value("SELECT count(*) FROM log") - sum(self.part_rows)
                )
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            remedy = "name the delimiter with --delimiter"
            able = self.relation.check_lines is not None  # else nothing is ever left out
            if able and not noting and self.leaves_most(user, item, conditions):
                dropped = command(self.place, self.dropping())
                remedy = f"leave such lines out: `{dropped}`; or {remedy}"
            raise unreadable(self.relation.place, error, remedy) from error
        self.rejected = count_rejected(engine) if noting else 0

    def leaves_most(self, user: str, item: str, conditions: Sequence[str]) -> bool:
        """Whether without the lines that cannot be read at least as many are left."""
        kept = self.reading, self.part_rows, self.rejected
        self.reading = self.dropping()
        try:
            self.fill(user, item, conditions)
            return self.rejected <= sum(self.part_rows)
        except InputError:
            return False
        finally:
            self.reading, self.part_rows, self.rejected = kept

    def dropping(self) -> Reading:
        return replace(self.reading, drop_incomplete=True)

    def fetch_numbers(self) -> dict[str, Any]:
        # One after the other, so that never two of them lie here beside the engine's table.
        columns: dict[str, Any] = {}
        columns["u"], columns["users"] = code_numbers(np.ma.getdata(self.fetched("u")))
        self.engine.run("ALTER TABLE log DROP COLUMN u")
        columns["i"], columns["items"] = code_numbers(np.ma.getdata(self.fetched("i")))
        return columns | {name: self.fetched(name) for name in self.names() if name not in columns}

    def fetched(self, name: str) -> NDArray[Any]:
        """A column of the table, masked where a value is missing."""
        column: NDArray[Any] = self.engine.masked(f"SELECT {name} FROM log")[name]
        return column

    def coded(self, columns: dict[str, Any]) -> dict[str, Any]:
        """The columns with codes instead of the numbers of users and items, and these."""
        users, user_ids = code_numbers(np.ma.getdata(columns.pop("u")))
        items, item_ids = code_numbers(np.ma.getdata(columns.pop("i")))
        return columns | {"u": users, "i": items, "users": user_ids, "items": item_ids}

    def fetch_texts(self) -> dict[str, Any]:
        user_ids = code_texts(self.engine, "u", self.relation.place)
        item_ids = code_texts(self.engine, "i", self.relation.place)
        self.refuse_replaced(user_ids, item_ids)
        rest = [name for name in self.names() if name not in ("u", "i")]
        columns: dict[str, Any] = {}
        if rest:
            columns |= self.engine.masked(f"SELECT {', '.join(rest)} FROM log")
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

    def refuse_replaced(self, *ids: NDArray[Any]) -> None:
        """Refuse ids in which bytes were replaced: different ones could have become the same."""
        encoding = self.relation.encoding
        if not encoding:
            return
        for name, texts in zip("ui", ids, strict=True):
            if texts.dtype.kind == "U" and any(REPLACEMENT in text for text in texts.tolist()):
                remedy = command(self.place, replace(self.reading, encoding=encoding))
                ((row, odd),) = self.engine.rows(
                    f"SELECT rowid, {name} FROM log WHERE contains({name}, '{REPLACEMENT}') "
                    "ORDER BY rowid LIMIT 1"
                )
                raise InputError(
                    f"`{self.relation.place}`, {self.place_of(row)}: the id `{shortened(odd)}` is "
                    "not UTF-8",
                    f"name the encoding, perhaps: `{remedy}`",
                )

    def part_of(self, row: int) -> tuple[int, int]:
        """The part that a row of the table is from, and its number in that."""
        part = 0
        while part < len(self.part_rows) - 1 and row >= self.part_rows[part]:
            row -= self.part_rows[part]
            part += 1
        return part, row

    def place_of(self, row: int) -> str:
        """Where a row of the table is in the file, in words."""
        if self.plan.unfolded:
            return f"row {row + 1}"
        return self.relation.place_of(*self.part_of(row))

    def names(self) -> list[str]:
        names = ["u", "i"]
        names += ["t"] if self.plan.time is not None else []
        names += ["r"] if self.plan.rating is not None else []
        names += ["w"] if self.reading.where else []
        return names

    def raw_text(self, profile: Profile, part: int, row: int) -> str | None:
        """The text of one cell, of a column without lists."""
        if self.plan.unfolded:
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

    def count(piece: slice) -> int:
        block, power = numbers[piece], 10
        most, digits = int(block.max(initial=0)), len(block)
        while power <= most:
            digits += int(np.count_nonzero(block >= power))
            power *= 10
        return digits

    return sum_over(count, len(numbers))


def is_small(column: Column) -> bool:
    """Whether the numbers of a column seem to fit 32 bits."""
    return all(len(value) < 10 or int(value) < SMALL for value in column.values)
