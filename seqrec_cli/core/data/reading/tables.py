"""How a delimited text file is laid out: its delimiter, its header, which column holds what."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError

Role = Literal["user", "item", "time", "rating", "title"]

DELIMITERS = ("::", "\t", ",", ";", "|")
UNFIT = ('"', "\n", "\r")  # they mean something else in delimited text
SPELLED = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
SNIFFED_LINES = 20

# Compared without case, spaces, `_` and `-`; the earlier name wins.
NAMES: dict[Role, tuple[str, ...]] = {
    "user": (
        *("user", "userid", "uid", "username", "customer", "customerid", "visitor", "visitorid"),
        *("reviewer", "reviewerid", "member", "memberid", "account", "accountid", "session"),
        *("sessionid",),
    ),
    "item": (
        *("item", "itemid", "iid", "movie", "movieid", "product", "productid", "article"),
        *("articleid", "asin", "parentasin", "book", "bookid", "isbn", "track", "trackid", "song"),
        *("songid", "artist", "artistid", "business", "businessid", "sku", "game", "gameid"),
    ),
    "time": (
        *("timestamp", "time", "datetime", "date", "ts", "unixtime", "unixreviewtime", "eventtime"),
        *("createdat", "reviewtime", "when"),
    ),
    "rating": ("rating", "rate", "score", "stars", "overall"),
    "title": (
        "title",
        "movietitle",
        "itemtitle",
        "name",
        "itemname",
        "producttitle",
        "productname",
    ),
}


@dataclass(frozen=True)
class Table:
    """The layout of a delimited file.

    Attributes:
        delimiter: `::` or one letter.
        width: values a line.
        header: the names in the first line, or ().
        columns: which column, from 0, holds what.
        quoted: whether `"` quotes, as in CSV, or is a letter like any other.
    """

    delimiter: str
    width: int
    header: tuple[str, ...]
    columns: Mapping[Role, int]
    quoted: bool = True

    def column_name(self, role: Role) -> str:
        """The name of a column where there is a header, its number from 1 where there is none."""
        column = self.columns[role]
        return self.header[column] if self.header else str(column + 1)


def parse_columns(text: str, roles: Sequence[Role]) -> dict[Role, str]:
    """Read `user=NAME,item=NAME,...`, names or numbers from 1."""
    chosen: dict[Role, str] = {}
    known = {role: role for role in roles}
    for part in text.split(","):
        role, equals, column = (piece.strip() for piece in part.partition("="))
        if role not in known or not equals or not column:
            forms = ", ".join(f"{role}=COLUMN" for role in roles)
            raise InputError(
                f"`{part}` in --columns is not one of {forms}",
                "as in `--columns user=userId,item=movieId,time=timestamp`, or numbers from 1",
            )
        chosen[known[role]] = column
    return chosen


def lay_out(
    source: TextSource,
    *,
    chosen: Mapping[Role, str] | None = None,
    delimiter: str = "",
    header: bool | None = None,
    needed: Sequence[Role] = ("user", "item"),
    optional: Sequence[Role] = ("time", "rating"),
    remedy: str = "",
) -> Table:
    """Look at the first lines of a file and say how it is laid out.

    What `chosen`, `delimiter` and `header` leave open is guessed; `remedy` is what to do where
    that fails, if it is not to choose columns.

    Raises:
        InputError: empty, a single column, no rows, or columns that cannot be guessed.
    """
    lines = [line for line in source.head() if line.strip()]
    if not lines:
        raise InputError(f"`{source}` is empty", "it must have a line for each interaction")
    delimiter = SPELLED.get(delimiter, delimiter) or guess_delimiter(lines)
    if delimiter != "::" and (len(delimiter) > 1 or delimiter in UNFIT):
        raise InputError(
            f"{delimiter!r} cannot be the delimiter, which is `::` or a single letter "
            "other than a quote or an end of line",
            f"name what is between the columns of `{source}`, as in `--delimiter ';'`",
        )
    if not delimiter or len(split(lines[0], delimiter)) < 2:
        raise InputError(
            f"`{source}`, line 1: `{shortened(lines[0])}` is a single column, "
            f"but {' and '.join(needed)} are needed",
            "if there are more, name what is between them: `--delimiter ';'`",
        )
    rows = [split(line, delimiter) for line in lines[:SNIFFED_LINES]]
    if header is None:
        header = has_header(rows, chosen or {}, (*needed, *optional))
    names = tuple(name.strip() for name in rows[0]) if header else ()
    if header and len(rows) < 2:
        raise InputError(f"`{source}` has a header but no rows", "it is an empty log")
    if chosen:
        columns = find_columns(source, chosen, names, rows[0])
    elif header:
        columns = guess_by_name(names, (*needed, *optional))
    else:
        columns = guess_by_value(rows, needed)
    if missing := [role for role in needed if role not in columns]:
        raise cannot_tell(source, names or rows[0], bool(names), missing, needed, remedy)
    return Table(delimiter, len(rows[0]), names, columns, quoted=delimiter != "::")


def guess_delimiter(lines: Sequence[str]) -> str:
    """The delimiter that cuts most of the first lines like the first one, or ""."""
    best, most = "", (0, 0)
    for delimiter in DELIMITERS:
        widths = [len(split(line, delimiter)) for line in lines[:SNIFFED_LINES]]
        score = (widths.count(widths[0]), widths[0])
        if widths[0] > 1 and score > most:
            best, most = delimiter, score
    # Spaces are in titles and dates too: only where there is nothing else.
    return best or (" " if len(lines[0].split(" ")) > 1 else "")


def split(line: str, delimiter: str) -> list[str]:
    """Cut one line for a look at it."""
    if delimiter == "::":
        return line.split("::")
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def plain_name(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).lower()


def is_number(text: str) -> bool:
    return NUMBER.fullmatch(text.strip()) is not None


def has_header(
    rows: Sequence[Sequence[str]], chosen: Mapping[Role, str], roles: Sequence[Role]
) -> bool:
    """A first line with a known or chosen name, or words above numbers, is a header."""
    first = [name.strip() for name in rows[0]]
    if any(name in first and not name.isdigit() for name in chosen.values()):
        return True
    known = len(guess_by_name(first, roles))
    if known > 1:
        return True
    if any(map(is_number, first)):
        return False
    return known > 0 or any(is_number(cell) for row in rows[1:2] for cell in row)


def find_columns(
    source: TextSource, chosen: Mapping[Role, str], names: Sequence[str], first: Sequence[str]
) -> dict[Role, int]:
    """Turn chosen names, or numbers from 1, into columns from 0."""
    columns: dict[Role, int] = {}
    for role, column in chosen.items():
        if column in names:
            columns[role] = names.index(column)
        elif column.isdecimal() and 1 <= int(column) <= len(first):
            columns[role] = int(column) - 1
        else:
            raise InputError(
                f"`{source}` has no column `{column}` for the {role}; "
                f"found {listed(names or first, bool(names))}",
                "name one of these, or give its number from 1",
            )
    holders: dict[int, Role] = {}
    for role, place in columns.items():
        other = holders.setdefault(place, role)
        if other != role:
            raise InputError(
                f"`{source}`: the column `{names[place] if names else place + 1}` cannot be both "
                f"the {other} and the {role}",
                f"name another column for the {role}",
            )
    return columns


def guess_by_name(names: Sequence[str], roles: Sequence[Role]) -> dict[Role, int]:
    columns: dict[Role, int] = {}
    plain = [plain_name(name) for name in names]
    for role in roles:
        for name in NAMES[role]:
            if name in plain:
                columns[role] = plain.index(name)
                break
    return columns


def guess_by_value(rows: Sequence[Sequence[str]], needed: Sequence[Role]) -> dict[Role, int]:
    """Without header: the needed columns first, and after them a time, or a rating and a time."""
    width, count = len(rows[0]), len(needed)
    columns = {role: place for place, role in enumerate(needed)}
    if width == count or "title" in needed:
        return columns
    if width == count + 1 and looks_like_time(rows[0][-1]):
        return columns | {"time": width - 1}
    if width == count + 2 and is_number(rows[0][-2]) and looks_like_time(rows[0][-1]):
        return columns | {"rating": width - 2, "time": width - 1}
    return {}


def looks_like_time(text: str) -> bool:
    """Seconds since 1973 or later, or something like 2024-05-31."""
    if is_number(text):
        return float(text) >= 1e8
    return re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text.strip()) is not None


def cannot_tell(
    source: TextSource,
    found: Sequence[str],
    named: bool,
    missing: Sequence[Role],
    needed: Sequence[Role],
    remedy: str = "",
) -> InputError:
    names = found if named else [str(number) for number in range(1, len(found) + 1)]
    example = ",".join(f"{role}={name}" for role, name in zip(needed, names, strict=False))
    return InputError(
        f"`{source}`: cannot tell which column is the {' and which the '.join(missing)}; "
        f"found {listed(found, named)}",
        remedy or f"say it, as in `--columns {example}`",
    )


def listed(found: Sequence[str], named: bool) -> str:
    """Columns for an error message."""
    if named:
        return ", ".join(f"`{shortened(name, 30)}`" for name in found[:30])
    return ", ".join(
        f"{number} (as in `{shortened(value, 20)}`)" for number, value in enumerate(found[:30], 1)
    )


def shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def careful_rows(
    source: TextSource, table: Table, encoding: str = "utf-8"
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, values) for each line but the header and blank ones.

    Raises:
        InputError: a line of another width, an open quote, a byte that is not UTF-8.
    """
    lines = source.lines(encoding)
    numbered: Iterator[tuple[int, list[str]]]
    if table.quoted:
        numbered = csv_rows(source, table, lines)
    else:
        cut = (line.rstrip("\n").split(table.delimiter) for line in lines)
        numbered = enumerate(cut, start=1)
    header = bool(table.header)
    for line, row in numbered:
        if not any(row) and len(row) < 2:
            continue
        if header:
            header = False
            continue
        if len(row) != table.width:
            raise InputError(
                f"`{source}`, line {line}: {len(row)} values, "
                f"where the first line has {table.width}",
                "mend the line, or name the delimiter with --delimiter",
            )
        yield line, row


def csv_rows(
    source: TextSource, table: Table, lines: Iterable[str]
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=table.delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"`{source}`, line {reader.line_num}: {error}", "mend the quotes of that line"
            ) from error
        yield reader.line_num, row
