"""Conditions choose rows and nothing else."""

import pytest

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
