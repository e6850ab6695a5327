"""A line a user: the user, then the items in order."""

import re
from collections.abc import Sequence

from seqrec_cli.core.data.reading import delimited
from seqrec_cli.core.data.reading.dialects import Dialect, lines_of, shape
from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.landed import Landed
from seqrec_cli.core.data.reading.options import SPELLED, Reading
from seqrec_cli.core.data.reading.relations import Column, Relation
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import Facts

COUNTED = "each line begins with the number of its items; users are the lines, from 1"
ENDED = "-1 ends a basket and -2 a line, as in SPMF; users are the lines, from 1"
SPMF = " -1 "  # between two items
GAP = re.compile(r"[ \t]+")


def open_lines_by_user(landed: Landed) -> Relation | None:
    """Lines of a user and the items, if `--format sequences` says so or they look so; else None."""
    separator = " "
    if landed.reading.format is None:
        separator = separator_of_sequences(landed.head, landed.reading)
        if not separator:
            return None
    landed.allow(landed.facts)
    lines = [line for line in lines_of(landed.head) if line.strip()][:200]
    if separator == SPMF:
        return sequences(landed.source, landed.facts, " ", spmf=True)
    counted = is_counted([re.split("[ \t,]+", line.strip()) for line in lines])
    return sequences(landed.source, landed.facts, separator, counted=counted)


def separator_of_sequences(head: bytes, reading: Reading) -> str:
    """What is between the items where each line is a user and then their items, "" for other text.

    The lines differ in length, no user comes again, and all words look alike.
    """
    if reading.header:
        return ""
    lines = [line for line in lines_of(head) if line.strip()][:200]
    if len(lines) > 2 and all(line.rstrip().endswith(" -1 -2") for line in lines):
        return SPMF
    if len(lines) < 3 or any(mark in line for line in lines for mark in "|\"'{}[]"):
        return ""
    tabs, spaces = (any(mark in line.strip() for line in lines) for mark in "\t ")
    commas = any("," in line for line in lines)
    if tabs + spaces + commas != 1 or any(";" in line for line in lines):
        return ""
    separator = "," if commas else "\t" if tabs else " "
    if reading.delimiter and SPELLED.get(reading.delimiter, reading.delimiter) != separator:
        return ""
    rows = [(line.strip().split(",") if commas else GAP.split(line.strip())) for line in lines]
    if sum(len(row) > 2 for row in rows) < 0.5 * len(rows):
        return ""
    if len({len(row) for row in rows}) < 2 and (separator != " " or not share_values(rows)):
        return ""
    if len({row[0] for row in rows}) < len(rows) and not is_counted(rows):
        return ""
    looks = {shape(word.strip()) for row in rows for word in row[1:]}
    return separator if len(looks) == 1 and "9" in next(iter(looks)) else ""


def is_counted(rows: Sequence[Sequence[str]]) -> bool:
    """Whether each line begins with the number of its items, so that the line is the user."""
    counts = [row[0] for row in rows]
    return len(set(counts)) > 1 and counts == [str(len(row) - 1) for row in rows]


def share_values(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the columns behind the first hold the same values, and none looks like a time."""
    columns = [set(column) for column in list(zip(*rows, strict=True))[1:]]
    if len(columns) < 3 or any(len(word) > 9 for column in columns for word in column):
        return False
    together = set().union(*columns)
    return len(together) < 0.6 * sum(map(len, columns))


def sequences(
    source: TextSource,
    facts: Sequence[Sequence[Facts]],
    separator: str = " ",
    *,
    counted: bool = False,
    spmf: bool = False,
) -> Relation:
    """Lines of a user and their items as a relation with a list of items.

    Where they begin with the number of items instead, the line is the user, from 1; also in the
    files of SPMF, where -1 ends a basket and -2 a line.
    """
    line = Dialect("", 0, (), 1, quote="", escape="")
    user = "CAST(row_number() OVER () AS VARCHAR)" if counted or spmf else "rtrim(words[1], ':')"
    items = "list_filter(words, lambda x: x NOT IN ('-1', '-2'))" if spmf else "words[2:]"
    cut = "[ \\t]*,[ \\t]*" if separator == "," else "[ \\t]+"
    scans = tuple(
        f"(SELECT {user} AS user, {items} AS items FROM "
        f"(SELECT regexp_split_to_array(trim(c1, chr(9) || ' '), {quoted(cut)}) AS words FROM "
        f"{delimited.scan([fact.path for fact in part], line, quotes=False)}))"
        for part in facts
    )
    columns = (
        Column("1", "user", known="user"),
        Column("2", "items", listed=True, parent="2", known="item"),
    )
    return Relation(
        str(source),
        "sequences",
        scans,
        columns,
        named=False,
        layout="a line a user, items in order",
        remarks=(COUNTED,) if counted else (ENDED,) if spmf else (),
    )
