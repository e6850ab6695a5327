"""Which column is what: by name and content; what cannot be told is asked for."""

import re
import shlex

import pytest

from seqrec_cli.core.data.reading.options import parse_columns, parse_values
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        ("userId,movieId,rating,timestamp", "1,2,3.5,1500000000", "userId movieId timestamp"),
        ("t_dat,customer_id,article_id", "2018-09-20,c1,0108", "customer_id article_id t_dat"),
        ("Kunde;Artikel;Datum", "1;2;30.07.2017", "Kunde Artikel Datum"),
        ("用户ID,商品ID,时间", "1,2,2017-07-30", "用户ID 商品ID 时间"),
        ("shop.user_id,shop.sku", "1,2", "shop.user_id shop.sku"),
        ("session_id,item_id,price", "1,2,3.5", "session_id item_id"),
        ("id,uid,asin,created_at", "7,1,B1,2017-07-30", "uid asin created_at"),
    ],
)
def test_knows_columns_by_name(read: ReadText, header: str, row: str, columns: str) -> None:
    log = read(f"{header}\n{row}\n{row}\n")
    found = [log.columns[role] for role in ("user", "item", "time") if role in log.columns]
    assert found == columns.split()


def table(*columns: list[str]) -> str:
    return "".join(",".join(row) + "\n" for row in zip(*columns, strict=True))


USERS = [f"{n % 9}" for n in range(60)]
ITEMS = [f"{100 + n * 7 % 23}" for n in range(60)]
TIMES = [f"{1_500_000_000 + n * 977}" for n in range(60)]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([USERS, ITEMS], {"user": "1", "item": "2"}),
        ([USERS, TIMES, ITEMS], {"user": "1", "item": "3", "time": "2"}),
        ([[str(n) for n in range(60)], USERS, ITEMS, TIMES], {"user": "2", "item": "3"}),
        ([USERS, ITEMS, ["view", "buy", "cart"] * 20, TIMES], {"user": "1", "item": "2"}),
        ([USERS, ITEMS, ["1", "5", "3"] * 20, TIMES], {"user": "1", "item": "2", "rating": "3"}),
        ([[f"B0{i:0>8}" for i in ITEMS], [f"A{u}X" for u in USERS]], {"user": "2", "item": "1"}),
    ],
)
def test_tells_columns_without_header(
    read: ReadText, columns: list[list[str]], expected: dict[str, str]
) -> None:
    assert expected.items() <= read(table(*columns)).columns.items()


def test_names_what_was_taken_and_what_was_not(read: ReadText) -> None:
    log = read("user,item,ts,event,price\n1,a,1500000000,view,3\n1,b,1500000001,buy,4\n")
    found = log.findings
    assert [(t.role, t.column, t.example) for t in found.taken] == [
        ("user", "user", "1"),
        ("item", "item", "a"),
        ("time", "ts", "1500000000"),
    ]
    assert found.unused == ("event", "price")
    assert found.order == "by `ts`, seconds"
    (kind,) = found.kinds
    assert (kind.column, kind.counts, kind.filtered) == ("event", {"buy": 1, "view": 1}, False)
    assert shlex.split(kind.option) == ["--where", "event = 'buy'"]


def test_a_hint_has_all_roles_and_works(read: ReadText) -> None:
    text = "what,who,at\nx1,y1,2024-05-01\nx2,y1,2024-05-02\nx3,y2,2024-05-03\n"
    with pytest.raises(InputError, match="cannot tell which column is the user") as caught:
        read(text)
    columns = re.search(r"--columns (\S+)`", caught.value.hint)
    assert columns is not None
    said = parse_columns(columns[1])
    assert said == {"user": "what", "item": "who", "time": "at"}
    assert len(rows_of(read(text, columns=said))[0]) == 3


def test_columns_add_to_what_is_inferred(read: ReadText) -> None:
    log = read("user,item,thing,ts\n1,a,x,1500000000\n", columns={"item": "thing"})
    assert log.columns == {"user": "user", "item": "thing", "time": "ts"}


@pytest.mark.parametrize("word", ["NA", "NULL", "nan", "NaN", "\\N", "None", "", "  "])
def test_a_word_for_a_missing_one_is_no_id(read: ReadText, word: str) -> None:
    text = f"user,item,ts\n1,a,1500000000\n{word},b,1500000001\n"
    with pytest.raises(InputError, match="line 3: the user in `user` is") as caught:
        read(text)
    assert "--drop-incomplete`" in caught.value.hint
    log = read(text, drop_incomplete=True)
    assert rows_of(log) == [(1, "a", 1500000000)]
    assert log.rows.dropped == {"no user": 1}


def test_rows_without_user_may_be_of_a_session(read: ReadText) -> None:
    text = "user,item,sid,ts\n1,a,s1,1500000000\n,b,s2,1500000001\n"
    log = read(text, columns={"session": "sid"})
    assert [row[0] for row in rows_of(log)] == ["s1", "s2"]
    log = read(text, columns={"session": "sid", "user": "user"})
    assert [row[0] for row in rows_of(log)] == ["1", "s2"]


def test_words_and_truths_may_be_ratings(read: ReadText) -> None:
    text = "user,item,event,ok\n1,a,view,true\n1,b,buy,false\n"
    log = read(text, columns={"rating": "event"}, rating_values={"view": 1, "buy": 3})
    assert log.rows.ratings is not None
    assert log.rows.ratings.tolist() == [1, 3]
    log = read(text, columns={"rating": "ok"}, min_rating=1)
    assert [row[1] for row in rows_of(log)] == ["a"]
    with pytest.raises(InputError, match="not a number") as caught:
        read(text, columns={"rating": "event"})
    assert "--rating-values" in caught.value.hint


@pytest.mark.parametrize(
    ("repeats", "items"), [("keep", "aabac"), ("collapse", "abac"), ("first", "abc")]
)
def test_repeats_may_be_left_out(read: ReadText, repeats: str, items: str) -> None:
    text = "user,item,ts\n" + "".join(f"1,{i},{n}\n" for n, i in enumerate("aabac", 1500000000))
    assert "".join(row[1] for row in rows_of(read(text, repeats=repeats))) == items


def test_ids_are_numbers_only_if_all_are_spelled_so(read: ReadText) -> None:
    assert rows_of(read("user,item\n7.0,01\n2.0,2\n")) == [(7, "01"), (2, "2")]
    assert rows_of(read("user,item\n7.5,1\n2.0,2\n")) == [("7.5", 1), ("2.0", 2)]
    assert rows_of(read("user,item\n 7 ,1\n2,2\n")) == [(7, 1), (2, 2)]


@pytest.mark.parametrize("text", ["user", "user=", "nobody=1", "=1"])
def test_refuses_columns_of_another_form(text: str) -> None:
    with pytest.raises(InputError, match="in --columns is not one of"):
        parse_columns(text)


@pytest.mark.parametrize("text", ["view", "view=x", "=1", "view=nan", "view=1,"])
def test_refuses_values_of_another_form(text: str) -> None:
    with pytest.raises(InputError, match="is not WORD=NUMBER"):
        parse_values(text)
