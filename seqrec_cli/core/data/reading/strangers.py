"""Files that are no logs of ours, by their first bytes, and what to do with them."""

import codecs
import re
import shlex

from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError

SQLITE = (
    "see its tables, `sqlite3 {0} .tables`, and write one as CSV: "
    "`sqlite3 -header -csv {0} 'SELECT * FROM TABLE' > TABLE.csv`"
)
# What is none of ours, by its first bytes, and what it is.
STRANGERS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file", "export it as CSV"),
    (b"MATLAB", "a MATLAB file", "export its table as CSV"),
    (b"<!DOCTYPE", "a web page", "fetch the file itself"),
    (b"<html", "a web page", "fetch the file itself"),
    (b"<?xml", "an XML file", "export it as CSV or JSON lines"),
    (b"\x89HDF", "an HDF5 file", "export its table as CSV or Parquet"),
    (b"ARROW1", "an Arrow or Feather file", "export it as Parquet"),
    (b"ORC", "an ORC file", "export it as Parquet"),
    (b"Obj\x01", "an Avro file", "export it as Parquet or JSON lines"),
    (b"SQLite format 3", "an SQLite database", SQLITE),
    (b"\x93NUMPY", "a NumPy array", "export it as CSV"),
    (b"%PDF", "a PDF document", "name the file with the interactions"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and name the file"),
    (b"Rar!", "a RAR archive", "unpack it and name the file"),
    (b"\x1f\x9d", "packed by `compress`", "unpack it, as with `gunzip`, and name the file"),
    (b"\x04\x22\x4d\x18", "packed by LZ4", "unpack it with `lz4 -d`, and name the file"),
    (b"\x89LZO", "packed by LZO", "unpack it with `lzop -d`, and name the file"),
    (b"\x80\x04\x95", "a Python pickle, which could run code", "export it as CSV or Parquet"),
    (b"\x80\x03", "a Python pickle, which could run code", "export it as CSV or Parquet"),
)
# Text that is laid out otherwise than in rows or records.
TEXTS = (
    (rb"(?:\w++=(?:\"[^\"\n]*+\"|[^\s\"]*+) ++)++\w++=[^\n]*+\n", "has lines of `key=value`"),
    (rb"(?:tskv\t)?(?:\w++=[^\t\n]*+\t)++\w++=[^\n]*+\n", "has lines of `key=value`"),
    (rb"(?:(?:event|id): [^\n]*+\n)*+data: \{", "is a stream of events as a server sends them"),
    (rb"\([^\n()]++\),? *+\r?\n\(", "has lines in brackets, as Python prints them"),
    (rb"(?:\w++ = \{\}\s++)?\w++\[[^\n\]]++\] = \{", "has assignments of Python"),
    (rb"[^\s,]++ [^\s,]++ [^\s,]++ \[[0-9]{2}/\w{3}/[0-9]{4}:", "is the log of a web server"),
    (rb"-\[ RECORD 1 \]|\*{9,} 1\. row \*", "has a line for each value, as a database prints rows"),
)
# Statements of SQL: what begins such a text, and a table's rows in it. `COPY` has them as text.
STATEMENTS = re.compile(
    rb"(?i)(?:\s++|--[^\n]*+\n|/\*(?:[^*]|\*(?!/))*+\*/;?)*+"
    rb"(?:PRAGMA|BEGIN|START|SET|USE|LOCK|DROP|CREATE|ALTER|DELETE|TRUNCATE|INSERT|REPLACE)\b[^,\n]"
)
ROWS = re.compile(
    rb"(?im)^(?:INSERT|REPLACE) (?:\w+ )*?(?:INTO )?([\w.`\"\[\]]+)\s*(?:\([^()]*\)\s*)?VALUES\s*\("
)
DUMP = re.compile(rb"-- M\w++ dump ")


def refuse_strangers(source: TextSource, head: bytes) -> None:
    """Say what a file is that is no log, by its first bytes."""
    for magic, what, remedy in STRANGERS:
        if head.removeprefix(codecs.BOM_UTF8).startswith(magic):
            place = shlex.quote(str(source.path))
            raise InputError(f"`{source}` is {what}, which is not read", remedy.format(place))
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode()
    refuse_statements(source, head.removeprefix(codecs.BOM_UTF8))
    for pattern, what in TEXTS:
        if re.match(pattern, head):
            raise InputError(
                f"`{source}` {what}, which is not read", "write it as CSV or JSON lines"
            )


def refuse_statements(source: TextSource, head: bytes) -> None:
    """Refuse a dump of a database that has its rows in statements of SQL."""
    copied = re.search(rb"(?m)^COPY .* FROM stdin;", head)
    rows = ROWS.search(head) if STATEMENTS.match(head) and not copied else None
    if rows is None and not DUMP.match(head):
        return
    table = re.sub(r"[`\"\[\]]", "", rows[1].decode("utf-8", "replace")) if rows else "TABLE"
    remedy = f"load it into its database, and export `SELECT * FROM {table}` as CSV"
    if head.startswith((b"PRAGMA ", b"BEGIN TRANSACTION")):  # by SQLite
        read = shlex.quote(f'.read "{source}"')
        remedy = f"`sqlite3 -header -csv :memory: {read} 'SELECT * FROM {table}' > {table}.csv`"
        remedy = f"write the table as CSV: {remedy}"
    elif b"PostgreSQL" in head[:200]:
        remedy = f"dump it without --inserts, `pg_dump -t {table} DATABASE`: such dumps are read"
    raise InputError(
        f"`{source}` is a dump of a database, with its rows in statements of SQL, which are not "
        "read",
        remedy,
    )
