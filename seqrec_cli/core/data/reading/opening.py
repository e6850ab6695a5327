"""From files to a relation: which form they have, and how the engine reads it."""

import re
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from seqrec_cli.core.data.reading import delimited, known, nested
from seqrec_cli.core.data.reading.dialects import HEAD_BYTES, Dialect, lines_of, shape, sniff
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.options import SPELLED, Reading
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.rejects import unreadable
from seqrec_cli.core.data.reading.relations import Column, Relation, sampled
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.strangers import refuse_strangers
from seqrec_cli.core.data.reading.texts import PLAIN_PATH, Facts, guess_encoding, landed_text
from seqrec_cli.errors import InputError

PARQUET = b"PAR1"
COUNTED = "each line begins with the number of its items; users are the lines, from 1"
GAP = re.compile(r"[ \t]+")


def opened(files: Files, reading: Reading, engine: Engine) -> Relation:
    """Open the files of a log, with a sample of their first rows.

    Raises:
        InputError: a form that is not read, damaged, or files that are not alike.
    """
    source = files.first
    head = source.head(HEAD_BYTES)
    refuse_strangers(source, head)
    try:
        if reading.format == "parquet" or head.startswith(PARQUET):
            relation = open_parquet(files, engine)
        else:
            relation = open_text(files, reading, engine)
        return sampled(replace(relation, place=str(files.main)), engine)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise unreadable(str(source), error) from error


def open_parquet(files: Files, engine: Engine) -> Relation:
    parts = []
    for part in files.parts:
        paths = []
        for source in part:
            path = source.path.absolute()
            if source.member or source.packing() or not PLAIN_PATH.fullmatch(str(path)):
                with engine.folder.new_file(".parquet") as copy:
                    for block in source.blocks():
                        copy.write(block)
                path = copy.path
            paths.append(path)
        parts.append(paths)
    engine.allow(path for paths in parts for path in paths)
    listed = [[str(path) for path in paths] for paths in parts]
    return nested.parquet_relation(files.first, listed, engine, hive=files.hive)


def open_text(files: Files, reading: Reading, engine: Engine) -> Relation:
    source = files.first
    facts = [[landed_text(s, engine, reading.encoding) for s in part] for part in files.parts]
    with facts[0][0].path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    relation = (
        open_json(source, facts, reading, head, engine)
        or open_blocks(source, facts, reading, head, engine)
        or open_lines(files, facts, reading, head, engine)
    )
    if any(fact.damaged for part in facts for fact in part):
        encoding = guess_encoding(source.head(HEAD_BYTES))
        note = (
            "bytes that are no UTF-8 were replaced, in columns that are not used; if that matters: "
            f"`--encoding {encoding}`, or another that fits"
        )
        relation = replace(relation, remarks=(*relation.remarks, note), encoding=encoding)
    return relation


def open_json(
    source: TextSource,
    facts: list[list[Facts]],
    reading: Reading,
    head: bytes,
    engine: Engine,
) -> Relation | None:
    form = nested.json_form(head) if reading.format in (None, "json") else ""
    if not form:
        if reading.format == "json":
            raise InputError(f"`{source}` does not begin like JSON", "leave out --format json")
        return None
    if form == "literal":
        facts = [[nested.literals_as_json(source, f, engine) for f in part] for part in facts]
        with facts[0][0].path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        form = "newline_delimited"
    engine.allow(fact.path for part in facts for fact in part)
    return nested.json_relation(source, facts, form, head)


def open_blocks(
    source: TextSource,
    facts: list[list[Facts]],
    reading: Reading,
    head: bytes,
    engine: Engine,
) -> Relation | None:
    """The form of the Netflix prize: `ITEM:`, and below it lines of user, rating, date."""
    if reading.format is not None or not delimited.looks_like_blocks(head):
        return None
    facts = [[delimited.blocks_unfolded(fact, engine) for fact in part] for part in facts]
    engine.allow(fact.path for part in facts for fact in part)
    with facts[0][0].path.open("rb") as file:
        width = file.readline().count(b",") + 1
    dialect = Dialect(",", 0, (), width, quote="")
    relation = delimited.relation(source, facts, dialect, "blocks")
    names = ("item", "user", "rating", "time")
    columns = tuple(
        replace(column, known=names[n] if n < len(names) else "")
        for n, column in enumerate(relation.columns)
    )
    return replace(relation, columns=columns, layout="blocks of an item's rows under `ITEM:`")


def open_lines(
    files: Files,
    facts: list[list[Facts]],
    reading: Reading,
    head: bytes,
    engine: Engine,
) -> Relation:
    """Delimited text, or a line a user with all the items."""
    source = files.first
    between = separator_of_sequences(head, reading) if reading.format is None else ""
    if reading.format == "sequences" or between:
        engine.allow(fact.path for part in facts for fact in part)
        lines = [line for line in lines_of(head) if line.strip()][:200]
        counted = is_counted([re.split("[ \t,]+", line.strip()) for line in lines])
        return sequences(source, facts, between, counted=counted)
    if reading.format == "user-item":
        return open_pairs(source, facts, engine)
    layout = known.layout_of(source, head) if not reading.delimiter else None
    if layout is not None and reading.header is None:
        width = len(layout.names)
        dialect = Dialect(layout.delimiter, 0, (), width, *quotes_of(head, layout.delimiter))
        names: tuple[str, ...] = layout.names
    else:
        dialect = sniff(source, head, reading)
        if source.filename.endswith(".inter"):
            check_atomic(source, dialect)
        names = () if dialect.header else known.named_by_file(source, dialect.width)
    if dialect.loose:
        facts = [[delimited.tightened(f, engine) for f in part] for part in facts]
        dialect = replace(dialect, delimiter="\t", loose=False, quote="", escape="")
    if dialect.ruled:
        facts = [[ruled_rows(f, engine, dialect) for f in part] for part in facts]
        dialect = replace(dialect, skip=0)
    engine.allow(fact.path for part in facts for fact in part)
    relation = delimited.relation(source, facts, dialect)
    if names:
        columns = tuple(
            replace(column, known=label)
            for column, label in zip(relation.columns, names, strict=True)
        )
        relation = replace(relation, columns=columns)
    return relation


def open_pairs(source: TextSource, facts: list[list[Facts]], engine: Engine) -> Relation:
    """SASRec's text: a user and an item a line, with spaces or a tab between them."""
    dialect = Dialect("\t", 0, (), 2, quote="", escape="")
    facts = [[delimited.tightened(f, engine) for f in part] for part in facts]
    engine.allow(fact.path for part in facts for fact in part)
    relation = delimited.relation(source, facts, dialect)
    user, item = relation.columns
    columns = (replace(user, known="user"), replace(item, known="item"))
    return replace(relation, columns=columns)


def quotes_of(head: bytes, delimiter: str) -> tuple[str, str]:
    from seqrec_cli.core.data.reading.dialects import quoting

    return quoting([line for line in lines_of(head) if line.strip()][:100], delimiter)


def check_atomic(source: TextSource, dialect: Dialect) -> None:
    """Refuse an `.inter` without the typed header of RecBole."""
    if not dialect.header or not all(":" in label for label in dialect.header):
        raise InputError(
            f"`{source}`, line 1: not the header of a RecBole file, as in `user_id:token`",
            "for any other delimited text, add `--format delimited`",
        )


def separator_of_sequences(head: bytes, reading: Reading) -> str:
    """What is between the items where each line is a user and then their items, "" for other text.

    The lines differ in length, no user comes again, and all words look alike.
    """
    if reading.header:
        return ""
    lines = [line for line in lines_of(head) if line.strip()][:200]
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
) -> Relation:
    """Lines of a user and their items as a relation with a list of items.

    Where they begin with the number of items instead, the line is the user, from 1.
    """
    line = Dialect("", 0, (), 1, quote="", escape="")
    user = "CAST(row_number() OVER () AS VARCHAR)" if counted else "rtrim(words[1], ':')"
    cut = "[ \\t]*,[ \\t]*" if separator == "," else "[ \\t]+"
    scans = tuple(
        f"(SELECT {user} AS user, words[2:] AS items FROM "
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
        remarks=(COUNTED,) if counted else (),
    )


def ruled_rows(facts: Facts, engine: Engine, dialect: Dialect) -> Facts:
    """A copy of a table as psql prints it without header, ruler and the count of rows below."""
    with facts.path.open("rb") as file, engine.folder.new_file(".txt") as copy:
        for _ in range(dialect.skip):
            file.readline()
        for block in delimited.whole_lines(file):
            block = re.sub(rb"^\([0-9]+ rows?\)\s*$", b"", block, flags=re.MULTILINE)
            copy.write(block)
    return Facts(copy.path, facts.quotes, facts.damaged, copy.size)
