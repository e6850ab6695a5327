"""The same rows in every form that logs have."""

from pathlib import Path
from typing import Any, get_args

import pytest

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.opening import FORMATS
from seqrec_cli.core.data.reading.options import Format, Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of
from tests.core.data.reading.forms import EVENTS, FORMS


@pytest.mark.parametrize("name", FORMS)
def test_reads_a_form(read: ReadText, name: str) -> None:
    assert rows_of(read(FORMS[name], name)) == EVENTS


def test_reads_clicked_impressions(read: ReadText) -> None:
    lines = "".join(
        f"{n}\tU{n % 3}\t11/{n + 11}/2019 9:05:58 AM\tN1 N2\tN{n}-1 N8-0 N9-0\n"
        for n in range(1, 9)
    )
    log = read(lines, "behaviors.tsv")
    assert [row[1] for row in rows_of(log)] == [f"N{n}" for n in range(1, 9)]


def test_every_format_that_can_be_named_is_registered() -> None:
    assert set(get_args(Format)) <= set(FORMATS)
    assert list(FORMATS)[-1] == "delimited"  # which takes any text


@pytest.mark.parametrize("named", [None, "delimited", "json"])
def test_parquet_is_parquet_whatever_it_is_said_to_be(tmp_path: Path, named: Any) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "log.bin"
    parquet.write_table(pyarrow.table({"user": [1, 2], "item": [3, 4]}), path)
    assert rows_of(read_log(TextSource(path), Reading(format=named))) == [(1, 3), (2, 4)]


def test_reads_a_table_in_a_dump_to_its_end(read: ReadText) -> None:
    rows = [(f"u{n % 5}", f"i{n % 7}", 1_600_000_000 + n) for n in range(40)]
    table = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    text = (
        "-- PostgreSQL database dump\n\nSET client_encoding = 'UTF8';\n\n"
        f"COPY public.log (user_id, item_id, ts) FROM stdin;\n{table}\\.\n\n"
        "COPY public.users (id) FROM stdin;\nu1\n\\.\n"
    )
    assert rows_of(read(text, "log.sql")) == rows


def test_reads_arff(read: ReadText) -> None:
    attributes = [f"@attribute {name}\n" for name in ("user_id string", "item_id string", "t real")]
    head = f"@relation log\n{''.join(attributes)}@data\n"
    rows = [(f"u {n % 5}", f"i{n % 7}", 1_600_000_000 + n) for n in range(40)]
    log = read(head + "".join(f"'{u}',{i},{t}\n" for u, i, t in rows), "log.arff")
    assert rows_of(log) == rows


def test_reads_a_table_of_markdown(read: ReadText) -> None:
    rows = [(f"u{n % 5}", f"i{n % 7}", 1_600_000_000 + n) for n in range(40)]
    table = "".join(f"| {u} | {i} | {t} |\n" for u, i, t in rows)
    log = read("| user_id | item_id | timestamp |\n|:---|:---|---:|\n" + table, "log.txt")
    assert rows_of(log) == rows


@pytest.mark.parametrize("padded", ["", ";;;"])
def test_reads_a_report_below_its_title(read: ReadText, padded: str) -> None:
    rows = [(f"u{n % 5}", f"i{n % 7}", 1_600_000_000 + n) for n in range(40)]
    table = "".join(f"{n};{u};{i};{t}\n" for n, (u, i, t) in enumerate(rows))
    text = f"Sales by customer{padded}\nfrom 2020 to 2021{padded}\n{padded}\n"
    log = read(f"{text}no.;user_id;item_id;timestamp\n{table}")
    assert rows_of(log) == rows
    assert "below 3 lines of title" in log.findings.layout


def test_comments_between_rows_and_below_are_no_rows(read: ReadText) -> None:
    """As Zeek closes a log, and a web server writes its header again where it began anew."""
    rows = [(f"u{n % 5}", f"#{n % 7}", 1_600_000_000 + n) for n in range(40)]
    head = "#separator \\x09\n#path\tlog\n#fields\tuser\titem\tts\n#types\tstring\tstring\ttime\n"
    lines = ["\t".join(map(str, row)) + "\n" for row in rows]
    text = head + "".join(lines[:20]) + head + "".join(lines[20:]) + "#close\t2020-09-13\n"
    log = read(text, "log.log")
    assert rows_of(log) == rows
    assert log.findings.taken[0].column == "user"


def test_a_row_that_begins_as_a_comment_does_is_read(read: ReadText) -> None:
    rows = [(f"#u{n % 5}", f"i{n % 7}", 1_600_000_000 + n) for n in range(40)]
    body = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    first, rest = body.split("\n", 1)
    log = read(f"#made by hand\n#user\titem\tts\n{first[1:]}\n{rest}", "log.tsv")
    assert rows_of(log) == [("u0", *rows[0][1:]), *rows[1:]]


def test_lines_of_a_printed_table_have_their_numbers(read: ReadText) -> None:
    rows = "".join(f" {n % 5} | {n % 7} | {1_600_000_000 + n}\n" for n in range(40))
    text = f" user | item | ts\n------+------+----\n{rows} 1 | 2\n(41 rows)\n"
    with pytest.raises(InputError, match="line 43: fewer values"):
        read(text, "log.txt")


@pytest.mark.parametrize("between", ["+------+------+----+", "+======+======+====+"])
def test_lines_between_rows_are_no_rows(read: ReadText, between: str) -> None:
    rows = [(n % 5, n % 7, 1_600_000_000 + n) for n in range(40)]
    drawn = "".join(f"| {u} | {i} | {t} |\n{between}\n" for u, i, t in rows)
    text = f"{between}\n| user | item | ts |\n+======+======+====+\n{drawn}"
    assert rows_of(read(text, "log.txt")) == rows
    boxed = text.translate(str.maketrans({"|": "│", "-": "─", "=": "═", "+": "┼"}))
    assert rows_of(read(boxed, "log.txt")) == rows


def test_what_was_typed_around_a_box_is_no_row(read: ReadText) -> None:
    rows = [(n % 5, n % 7, 1_600_000_000 + n) for n in range(40)]
    rule = "+------+------+------------+\n"
    drawn = "".join(f"|{u:6}|{i:6}|{t:12}|\n" for u, i, t in rows)
    table = f"{rule}| user | item |         ts |\n{rule}{drawn}{rule}"
    text = f"mysql> SELECT * FROM log;\n{table}40 rows in set (0.01 sec)\n\nmysql> exit\nBye\n"
    log = read(text, "log.txt")
    assert rows_of(log) == rows
    assert "below 1 line of title" in log.findings.layout
    with pytest.raises(InputError, match="line 45: rows were left out"):
        read(f"{table}only showing top 40 rows\n", "spark.txt")
