"""Conditions choose rows and nothing else."""

import operator
import shlex
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.where import FUNCTIONS
from seqrec_cli.core.data.reading.wording import without_options
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of

LOG = (
    "user,item,event,price,bought,when\n"
    "1,a,view,1.5,true,2024-05-01\n"
    "1,b,cart,10,false,2024-05-02\n"
    "2,a,purchase,,true,2024-05-03\n"
)


@pytest.mark.parametrize(
    ("condition", "items"),
    [
        ("event in ('cart', 'purchase')", ["b", "a"]),
        ("event = 'view' or price > 9", ["a", "b"]),
        ("price >= 10", ["b"]),
        ("price is null", ["a"]),
        ("bought", ["a", "a"]),
        ("bought = 'false'", ["b"]),
        ("\"when\" >= '2024-05-02'", ["b", "a"]),
        ("not contains(event, 'a')", ["a"]),
        ("event like '%a%' and item = 'b' -- so it is", ["b"]),
    ],
)
def test_chooses_rows(read: ReadText, condition: str, items: list[str]) -> None:
    log = read(LOG, where=(condition,))
    assert [row[1] for row in rows_of(log)] == items
    assert log.rows.dropped == {"not chosen by --where": 3 - len(items)}
    assert log.rows.rows_read == 3


@pytest.mark.parametrize("column", ["État", "Состояние", "like", "Order", "group", "by", "a b"])
def test_an_option_that_is_shown_works_as_typed(read: ReadText, column: str) -> None:
    (option,) = shlex.split(without_options(column, ["view"]))[1:]
    log = read(LOG.replace("event", column), where=(option,))
    assert [row[1] for row in rows_of(log)] == ["b", "a"]


@pytest.mark.parametrize("condition", ["État = 'x' or État = 'y'", "ITEM = 'a' and item <> 'b'"])
def test_letters_may_be_large_or_small(read: ReadText, condition: str) -> None:
    log = read("user,item,État\n1,a,x\n2,b,z\n3,a,y\n", where=(condition,))
    assert [row[1] for row in rows_of(log)] == ["a", "a"]


def test_a_typed_file_has_columns_of_the_names_that_a_condition_has(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    duckdb.sql(
        "COPY (SELECT i % 7 AS user, i * 7 % 23 AS item, i % 3 = 0 AS share, i AS price "
        f"FROM range(90) rows(i)) TO '{path}' (FORMAT parquet)"
    )
    for condition, rows in (("share not in ('false')", 30), ("price < 40 and not share", 26)):
        log = read_log(TextSource(path), Reading(where=(condition,)))
        assert len(log.rows.users) == rows


def test_what_cannot_be_run_on_a_typed_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    duckdb.sql(
        f"COPY (SELECT i % 7 AS user, i * 7 % 23 AS item FROM range(90) rows(i)) TO '{path}' "
        "(FORMAT parquet)"
    )
    with pytest.raises(InputError, match="cannot read"):
        read_log(TextSource(path), Reading(where=("item = 'many'",)))


def test_all_of_several_must_hold(read: ReadText) -> None:
    log = read(LOG, where=("bought", "event <> 'view'"))
    assert [row[:2] for row in rows_of(log)] == [(2, "a")]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("evnt = 'view'", "has no column `evnt`"),
        ("event = ", "is no condition"),
        ("", "it is empty"),
        ("(select count(*) from read_text('/etc/passwd')) > 0", "has no place in it"),
        ("event in (select 'view')", "has no place in it"),
        ("exists (from glob('*'))", "has no place in it"),
        ("1) from read_csv('x.csv') --", "is no condition"),
        ("1\n) from (select 1", "more than one expression|is no condition"),
        ("true); drop table log; select (true", "is no condition|more than one expression"),
        ("read_text('/etc/passwd') = 'x'", "the function `read_text` is not known"),
        ("getenv('HOME') = 'x'", "the function `getenv` is not known"),
        ("price > (from read_csv('/etc/passwd'))", "has no place in it|is no condition"),
        ("read_csv('/etc/passwd') is null", "the function `read_csv` is not known"),
        ("current_setting('allowed_paths') = ''", "the function `current_setting` is not known"),
        ("length(repeat('x', 1000000000)) > 1", "the function `repeat` is not known"),
        ("copy log to 'x.csv'", "is no condition"),
        ("attach 'x.db'", "is no condition"),
        ("install httpfs", "is no condition"),
        ("load httpfs", "is no condition"),
        ("set memory_limit = '100GB'", "is no condition"),
        ("pragma database_list", "is no condition"),
        ("true; copy log to 'x.csv'", "is no condition|more than one expression"),
        ("true) ; install httpfs; select (true", "is no condition|more than one expression"),
        ("price > $1", "has no place in it|is no condition"),
        ("price > ?", "has no place in it|is no condition"),
        ("list_filter([1], lambda x: x > 0) is null", "has no place in it|is not known"),
        ("sum(price) > 1", "the function `sum` is not known"),
        ("log.item = 'a'", "has no column `log.item`"),
        ("(" * 3000 + "bought" + ")" * 3000, "is no condition"),
        ("bought" + " or bought" * 2000, "is no condition|it is too long"),
        ("row_number() over () = 1", "has no place in it"),
        ("columns(*) = 'x'", "has no place in it|is no condition"),
    ],
)
def test_refuses_anything_else(read: ReadText, condition: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(LOG, where=(condition,))
    assert caught.value.hint


def test_suggests_a_name(read: ReadText) -> None:
    with pytest.raises(InputError) as caught:
        read(LOG, where=("evnt = 'view'",))
    assert caught.value.hint == "did you mean `event`?"


SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "<>": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
WORDS = [
    "event",
    "price",
    "bought",
    "when",
    "item",
    "user",
    "and",
    "or",
    "not",
    "in",
    "(",
    ")",
    "'",
    '"',
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "=",
    "<>",
    "<",
    ">",
    "+",
    "-",
    "*",
    "/",
    "%",
    "|",
    "::",
    "null",
    "is",
    "like",
    "between",
    "select",
    "from",
    "where",
    "union",
    "read_csv",
    "getenv",
    "copy",
    "to",
    "set",
    "attach",
    "'view'",
    "1",
    "1.5",
    "case",
    "then",
    "else",
    "end",
    "cast",
    "as",
    "date",
    "[",
    "]",
    "{",
    "}",
    "lambda",
    ":",
    "?",
    "$1",
    "@",
    "~",
    "^",
    ".",
    "x'00'",
    "\\",
]


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([*WORDS, "\n"]), max_size=9).map(" ".join) | st.text(max_size=30))
def test_any_text_is_a_condition_or_refused(read: ReadText, text: str) -> None:
    try:
        log = read(LOG, where=(text,))
    except InputError:
        pass
    else:
        assert log.rows.rows_read == 3
        assert 3 - len(log.rows.users) == log.rows.dropped.get("not chosen by --where", 0)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    prices=st.lists(st.integers(-50, 50), min_size=2, max_size=20),
    bound=st.integers(-60, 60),
    sign=st.sampled_from(sorted(SIGNS)),
    both=st.booleans(),
)
def test_chooses_the_rows_that_python_chooses(
    read: ReadText, prices: list[int], bound: int, sign: str, both: bool
) -> None:
    text = "user,item,price\n" + "".join(f"1,{n},{price}\n" for n, price in enumerate(prices))
    log = read(
        text,
        columns={"user": "user", "item": "item", "time": "none"},
        where=(f"price {sign} {bound} {'and' if both else 'or'} item % 2 = 0",),
    )
    join = all if both else any
    expected = [
        n for n, price in enumerate(prices) if join((SIGNS[sign](price, bound), n % 2 == 0))
    ]
    assert [row[1] for row in rows_of(log)] == expected


def test_no_function_that_looks_outside_is_known() -> None:
    rows = duckdb.sql("SELECT DISTINCT function_name, function_type FROM duckdb_functions()")
    words = ("read_", "getenv", "setting", "glob", "secret", "write", "query", "duckdb_", "pragma")
    outside = {
        name
        for name, kind in rows.fetchall()
        if kind in ("table", "pragma", "table_macro") or any(word in name for word in words)
    }
    assert len(outside) > 50
    assert not outside & FUNCTIONS
