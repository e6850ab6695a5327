"""What is none of ours is said, whatever it is called."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.strangers import STRANGERS, refuse_strangers
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText


@pytest.mark.parametrize(("magic", "what"), [(m, w) for m, w, _ in STRANGERS], ids=lambda x: "")
def test_a_stranger_is_named(tmp_path: Path, magic: bytes, what: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(magic + b" 1,2\n" * 9)
    with pytest.raises(InputError) as caught:
        read_log(TextSource(path), Reading())
    assert what in caught.value.message
    assert caught.value.hint


def test_a_log_is_none() -> None:
    for head in (b"", b"user,item\n", b"PAR1", b"PK\x03\x04", b"\x1f\x8b"):
        refuse_strangers(TextSource(Path("log.csv")), head)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<votes>\n", "is an XML file"),
        (b"-[ RECORD 1 ]----\nuser_id | u1\nitem_id | i1\n", "has a line for each value"),
        (
            b"*************************** 1. row ***********\nuser: u1\n",
            "has a line for each value",
        ),
        (b"reviews = {}\nreviews[('1', 'a')] = {'user': 'a'}\n", "has assignments of Python"),
        (b'event: message\nid: [1]\ndata: {"user": "a"}\n\n', "is a stream of events"),
        (b"-- MySQL dump 10.13\n--\n", "is a dump of a database"),
        (
            b'10.0.0.7 - ann [03/Nov/2023:15:53:15 +0000] "GET /p/7 HTTP/1.1" 200 12\n',
            "is the log of a web server",
        ),
    ],
)
def test_a_text_that_is_none_is_named(head: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        refuse_strangers(TextSource(Path("log.txt")), head)


@pytest.mark.parametrize(
    "head",
    [
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE e (u INT);\n"
        "INSERT INTO e VALUES(1);\n",
        'PRAGMA foreign_keys=OFF;\nCREATE TABLE "e"(u INT);\nINSERT INTO "e" VALUES(1);\n',
        "-- MySQL dump 10.13\n--\n\n/*!40101 SET x */;\nINSERT INTO `e` VALUES (1,2),(3,4);\n",
        "-- phpMyAdmin SQL Dump\n-- version 5\n\nSET SQL_MODE = 'x';\n\n"
        "INSERT INTO `e` (`u`, `i`) VALUES\n(1, 2),\n(3, 4);\n",
        "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n\n"
        "INSERT INTO e (u, i) VALUES (1, 2);\n",
        "INSERT INTO e (u, i) VALUES (1, 2);\nINSERT INTO e (u, i) VALUES (3, 4);\n",
        "insert into e values (1, 2),\n(3, 4);\n",
        "\ufeffUSE [shop]\nGO\nINSERT [e] ([u], [i]) VALUES (1, 2)\nGO\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_statements_of_sql_are_named_with_the_table(head: str, encoding: str) -> None:
    with pytest.raises(InputError, match="rows in statements of SQL") as caught:
        refuse_strangers(TextSource(Path("log.sql")), head.encode(encoding))
    remedy = "pg_dump -t e" if "PostgreSQL" in head else "SELECT * FROM e"
    assert remedy in (caught.value.hint or "")


@pytest.mark.parametrize(
    "head",
    [
        "set,item\n1,2\n",
        "use user item\n1 2 3\n",
        "user,query\n1,x\n2,INSERT INTO e VALUES (1)\n",
        "SET x = 0;\nCOPY e (u, i) FROM stdin;\n1\tINSERT\n\\.\nINSERT INTO f VALUES (1);\n",
    ],
)
def test_no_statements_of_sql(head: str) -> None:
    refuse_strangers(TextSource(Path("log.csv")), head.encode())


@pytest.mark.parametrize(
    "line",
    [
        'time=2024-02-01T17:0{n}:00Z user=u{n} doc="A river {n}"',
        "tskv\tts={n}\tuser=u{n}\turl=/p/{n} x",
    ],
)
def test_pairs_of_names_and_values_are_refused_as_such(read: ReadText, line: str) -> None:
    with pytest.raises(InputError, match="has lines of `key=value`"):
        read("".join(line.format(n=n % 9) + "\n" for n in range(60)))


def test_the_tables_of_a_database_are_found_with_what_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "my log.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(100))
    with pytest.raises(InputError, match="is an SQLite database") as caught:
        read_log(TextSource(path), Reading())
    assert f"`sqlite3 '{path}' .tables`" in caught.value.hint
    assert f"`sqlite3 -header -csv '{path}' 'SELECT * FROM TABLE'" in caught.value.hint
