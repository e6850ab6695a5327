"""From files to a relation: the registry of formats, and how the engine reads each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import duckdb

from seqrec_cli.core.data.reading import aligned, delimited, known
from seqrec_cli.core.data.reading.blocks import open_blocks
from seqrec_cli.core.data.reading.dialects import Dialect, lines_of, quoting, sniff
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.folders import with_names_of_files
from seqrec_cli.core.data.reading.key_values import open_key_values
from seqrec_cli.core.data.reading.landed import Landed
from seqrec_cli.core.data.reading.lines_by_user import open_lines_by_user
from seqrec_cli.core.data.reading.nested import open_json
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.parquet import open_parquet
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.rejects import unreadable
from seqrec_cli.core.data.reading.relations import Relation, sampled
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.strangers import refuse_strangers
from seqrec_cli.core.data.reading.texts import Facts, guess_encoding
from seqrec_cli.errors import InputError

COMMENT = re.compile(rb"^[#%][^\n]*", re.MULTILINE)
# What was typed around a box, or is said below it: a line without a sign before it.
BESIDE_A_BOX = re.compile(rb"^(?![ \t]*(?:\||\xe2\x94[\x82\x83]|\xe2\x95\x91))[^\n]+", re.MULTILINE)
END_OF_TABLE = re.compile(rb"^\\\.[ \r]*$", re.MULTILINE)  # in a dump of PostgreSQL
# Below a table and between its rows: how many these are, and lines, also of `─` to `╿` in UTF-8.
UNDER_A_TABLE = (
    rb"^(?:\([0-9]+ rows?\)|[+|][-+=]+|(?:\xe2[\x94\x95][\x80-\xbf])+"
    rb"|[0-9]+ rows? in set[^\n]*)[ \r]*$"
)


def open_delimited(landed: Landed) -> Relation:
    """Delimited text: of a known file by its documented columns, of any other by its look."""
    source, facts, head, reading = landed.source, landed.facts, landed.head, landed.reading
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
    if (placed := dialect.placed) is not None:
        facts = [
            [aligned.cut_lines(source, f, landed.engine, placed) for f in part] for part in facts
        ]
    if dialect.comments:
        facts = [[without_comments(f, landed.engine, dialect) for f in part] for part in facts]
    if dialect.loose:
        facts = [[delimited.tightened(f, landed.engine) for f in part] for part in facts]
        dialect = replace(dialect, delimiter="\t", quote="", escape="")
    if dialect.ruled:
        facts = [[ruled_rows(f, landed.engine, dialect) for f in part] for part in facts]
    landed.allow(facts)
    relation = delimited.relation(source, facts, dialect)
    if names:
        columns = tuple(
            replace(column, known=label)
            for column, label in zip(relation.columns, names, strict=True)
        )
        relation = replace(relation, columns=columns)
    return relation


def open_workbook(landed: Landed) -> Relation | None:
    """The sheets of workbooks, as the texts that they are made; None of other files."""
    if not landed.is_workbook:
        return None
    relation = open_delimited(landed)
    notes = dict.fromkeys(fact.note for part in landed.facts for fact in part if fact.note)
    layout = f"a spreadsheet, {relation.layout.partition(', ')[2]}"
    return replace(relation, form="spreadsheet", layout=layout, remarks=tuple(notes))


def open_pairs(landed: Landed) -> Relation:
    """SASRec's text: a user and an item a line, with spaces or a tab between them."""
    dialect = Dialect("\t", 0, (), 2, quote="", escape="")
    facts = [[delimited.tightened(f, landed.engine) for f in part] for part in landed.facts]
    landed.allow(facts)
    relation = delimited.relation(landed.source, facts, dialect)
    user, item = relation.columns
    columns = (replace(user, known="user"), replace(item, known="item"))
    return replace(relation, columns=columns)


def quotes_of(head: bytes, delimiter: str) -> tuple[str, str]:
    return quoting([line for line in lines_of(head) if line.strip()][:100], delimiter)


def check_atomic(source: TextSource, dialect: Dialect) -> None:
    """Refuse an `.inter` without the typed header of RecBole."""
    if not dialect.header or not all(":" in label for label in dialect.header):
        raise InputError(
            f"`{source}`, line 1: not the header of a RecBole file, as in `user_id:token`",
            "for any other delimited text, add `--format delimited`",
        )


def without_comments(facts: Facts, engine: Engine, dialect: Dialect) -> Facts:
    """A text without the comments between its rows and below: it itself where there are none.

    A line is one that begins as those above the table do, if it has other values than a row or is
    of a kind that is there too, as `#Fields:` where a web server began anew.
    """
    if facts.quotes and dialect.quote:
        return facts  # then a line may be within quotes
    with facts.path.open("rb") as file:
        above = [file.readline() for _ in range(dialect.skip)]
        below = file.tell()
        kinds = {line.split()[0] for line in above if line.strip()}
        between = dialect.delimiter.encode()

        def without(match: re.Match[bytes]) -> bytes:
            line = match[0]
            other = dialect.loose or line.count(between) != dialect.width - 1
            return b"" if other or line.split()[0] in kinds else line

        if not any(map(COMMENT.search, delimited.whole_lines(file))):
            return facts
        file.seek(below)
        with engine.folder.new_file(".txt") as copy:
            copy.write(b"".join(above))
            for block in delimited.whole_lines(file):
                copy.write(COMMENT.sub(without, block))
    return Facts(copy.path, facts.quotes, facts.damaged, copy.size)


def ruled_rows(facts: Facts, engine: Engine, dialect: Dialect) -> Facts:
    """A copy of a table as psql prints it without the count of rows below and lines between them.

    A table in a dump ends in `\\.`; a box has a sign before each row.
    """
    boxed = not dialect.header[0]
    with facts.path.open("rb") as file, engine.folder.new_file(".txt") as copy:
        for _ in range(dialect.skip):
            copy.write(file.readline())
        for block in delimited.whole_lines(file):
            rows, *below = END_OF_TABLE.split(block, maxsplit=1)
            rows = re.sub(UNDER_A_TABLE, b"", rows, flags=re.MULTILINE)
            copy.write(BESIDE_A_BOX.sub(b"", rows) if boxed else rows)
            if below:
                break
    return Facts(copy.path, facts.quotes, facts.damaged, copy.size)


@dataclass(frozen=True)
class FileFormat:
    """A format of logs.

    Attributes:
        open: gives the relation; None for files of another format, if nobody named the format.
        inferred: whether it is tried where `--format` is not given.
    """

    open: Callable[[Landed], Relation | None]
    inferred: bool = True


# To add a format, write its function in a file of this folder and add its line here, before the
# formats that would take its files for theirs. Its name is then one of `Format` in options.py too.
FORMATS: Mapping[str, FileFormat] = {
    "parquet": FileFormat(open_parquet),
    "spreadsheet": FileFormat(open_workbook),
    "json": FileFormat(open_json),
    "blocks": FileFormat(open_blocks),
    "key-values": FileFormat(open_key_values),
    "sequences": FileFormat(open_lines_by_user),
    "user-item": FileFormat(open_pairs, inferred=False),
    "movielens": FileFormat(open_delimited, inferred=False),
    "inter": FileFormat(open_delimited, inferred=False),
    "delimited": FileFormat(open_delimited),
}


def open_relation(files: Files, reading: Reading, engine: Engine) -> Relation:
    """Open the files of a log, with a sample of their first rows.

    Raises:
        InputError: a form that is not read, damaged, or files that are not alike.
    """
    landed = Landed(files, reading, engine)
    if not landed.is_workbook:
        refuse_strangers(landed.source, landed.raw_head)
    try:
        relation = replace(opened_by_format(landed), place=str(files.main))
        relation = with_names_of_files(relation, files)
        return sampled(relation, engine)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise unreadable(str(landed.source), error) from error


def opened_by_format(landed: Landed) -> Relation:
    """The relation by the format that the user named, or by the first that the files have."""
    formats = [each for each in FORMATS.values() if each.inferred]
    if landed.reading.format is not None:  # text by that name; Parquet is Parquet, whatever it says
        formats = [FORMATS[name] for name in ("parquet", "spreadsheet", landed.reading.format)]
    relation = next(made for each in formats if (made := each.open(landed)) is not None)
    if not landed.damaged:
        return relation
    encoding = guess_encoding(landed.raw_head)
    note = (
        "bytes that are not UTF-8 were replaced, in columns that are not used; if that matters: "
        f"`--encoding {encoding}`, or another that fits"
    )
    return replace(relation, remarks=(*relation.remarks, note), encoding=encoding)
