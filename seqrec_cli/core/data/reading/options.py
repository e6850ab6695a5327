"""The options for reading a log, and the command that sets them."""

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from seqrec_cli.core.storage.text import is_number
from seqrec_cli.errors import InputError

Role = Literal["user", "item", "time", "rating", "session"]
ROLES: tuple[Role, ...] = ("user", "item", "time", "rating", "session")
Repeats = Literal["keep", "collapse", "first"]
Format = Literal["user-item", "delimited", "movielens", "inter", "parquet", "json", "sequences"]

SPELLED = {
    **{"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "},
    **{"\\x01": "\x01", "\\x02": "\x02"},
}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a log; what is not set is inferred.

    Attributes:
        columns: which column holds a role: its name, its number from 1 or, in nested data, its
            path; they add to what is inferred.
        header: whether the first line holds names.
        encoding: of the text, where it is not UTF-8.
        time_format: of the times, as for strptime.
        where: expressions over the file's columns that a row must fulfil, all of them.
        rating_values: the rating that a word stands for.
        min_rating: rows rated lower are left out.
        repeats: of the same item several times in a row, keep all or one; or an item's first.
        drop_incomplete: leave out rows that lack the user, the item or the time, and count them.
        items: a file with the titles of the items, or with features of theirs.
        users: a file with features of the users.
        item_vectors: a file with a vector for each item.
        more: further files of the same log.
        valid, test: files that hold the valid and the test part of the log.

    Each of these files may be named by an address, as a string.
    """

    format: Format | None = None
    columns: Mapping[Role, str] = field(default_factory=dict)
    delimiter: str = ""
    header: bool | None = None
    encoding: str = ""
    time_format: str = ""
    where: tuple[str, ...] = ()
    rating_values: Mapping[str, float] = field(default_factory=dict)
    min_rating: float | None = None
    repeats: Repeats = "keep"
    drop_incomplete: bool = False
    items: Path | str | None = None
    users: Path | str | None = None
    item_vectors: Path | None = None
    more: tuple[Path | str, ...] = ()
    valid: Path | str | None = None
    test: Path | str | None = None

    def chosen(self) -> dict[str, Any]:
        """The options that change what the rows are, those that were given, for the manifest."""
        told: dict[str, Any] = {
            "columns": dict(self.columns),
            "where": list(self.where),
            "rating_values": dict(self.rating_values),
            "min_rating": self.min_rating,
            "repeats": "" if self.repeats == "keep" else self.repeats,
            "drop_incomplete": self.drop_incomplete,
            "time_format": self.time_format,
            "encoding": self.encoding,
        }
        return {
            name: value for name, value in told.items() if value not in ("", None, False, {}, [])
        }

    def with_columns(self, columns: Mapping[Role, str]) -> "Reading":
        return replace(self, columns={**self.columns, **columns})


def command(place: object, reading: Reading) -> str:
    """The command that reads `place` with these options."""
    words = ["seqrec", "prepare", shlex.quote(str(place))]
    words += [shlex.quote(str(path)) for path in reading.more]
    if reading.columns:
        columns = ",".join(f"{role}={column}" for role, column in reading.columns.items())
        words += ["--columns", shlex.quote(columns)]
    for option, value in (
        ("--format", reading.format or ""),
        ("--delimiter", {"\t": "tab", "\x01": "\\x01"}.get(reading.delimiter, reading.delimiter)),
        ("--encoding", reading.encoding),
        ("--time-format", reading.time_format),
        *(("--where", condition) for condition in reading.where),
        ("--rating-values", ",".join(f"{w}={v:g}" for w, v in reading.rating_values.items())),
        ("--min-rating", "" if reading.min_rating is None else f"{reading.min_rating:g}"),
        ("--repeats", "" if reading.repeats == "keep" else reading.repeats),
        ("--items-file", str(reading.items or "")),
        ("--users-file", str(reading.users or "")),
        ("--valid", str(reading.valid or "")),
        ("--test", str(reading.test or "")),
    ):
        if value:
            words += [option, shlex.quote(value)]
    if reading.header is not None:
        words.append("--header" if reading.header else "--no-header")
    if reading.drop_incomplete:
        words.append("--drop-incomplete")
    return " ".join(words)


def parse_columns(text: str) -> dict[Role, str]:
    """Read `user=NAME,item=NAME,...`: names, numbers from 1, or paths such as `items[].id`.

    Raises:
        InputError: a part that is not of this form, or an unknown role.
    """
    known = {str(role): role for role in ROLES}
    chosen: dict[Role, str] = {}
    for part in re.split(r",(?=\s*\w+\s*=)", text):
        role, equals, column = (piece.strip() for piece in part.partition("="))
        if role not in known or not equals or not column:
            forms = ", ".join(f"{each}=COLUMN" for each in ROLES)
            raise InputError(
                f"`{part}` in --columns is not one of {forms}",
                "as in `--columns user=userId,item=movieId,time=timestamp`, or numbers from 1",
            )
        chosen[known[role]] = column
    return chosen


def parse_values(text: str) -> dict[str, float]:
    """Read `view=1,cart=2,purchase=3`: the rating that each word stands for.

    Raises:
        InputError: a part that is not of this form.
    """
    values = {}
    for part in text.split(","):
        word, equals, number = (piece.strip() for piece in part.rpartition("="))
        if is_number(number):
            values[word] = float(number)
        else:
            equals = ""
        if not equals or not word or not math.isfinite(values[word]):
            raise InputError(
                f"`{part}` in --rating-values is not WORD=NUMBER",
                "as in `--rating-values view=1,cart=2,purchase=3`",
            )
    return values
