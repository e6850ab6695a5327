"""Users and items are told by their names, else by what they look like."""

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText


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


def test_a_user_with_one_row_each_is_none_if_another_column_fits(read: ReadText) -> None:
    rows = "".join(f"e{n:03},{n % 7},{n % 11}\n" for n in range(60))
    assert read("uuid,distinct_id,product_id\n" + rows).columns["user"] == "distinct_id"


def test_an_item_that_most_rows_lack_is_none_if_another_column_fits(read: ReadText) -> None:
    rows = "".join(f"{n % 7},{n if n % 3 == 0 else ''},{n % 11}\n" for n in range(60))
    assert read("user_id,article_id,clicked_article_id\n" + rows).columns["item"] == (
        "clicked_article_id"
    )


def test_titles_of_which_none_comes_twice_are_no_items(read: ReadText) -> None:
    rows = "".join(f"{n % 7},nice {n},h{n % 11}.html\n" for n in range(60))
    assert read("author,title,hotel_url\n" + rows).columns["item"] == "hotel_url"


@pytest.mark.parametrize(
    ("header", "row", "proposed"),
    [
        # What says no more than the user does is not proposed for the item.
        ("user,town_of_user,channel", "{u},t{u},c{i}", "user=user,item=channel"),
        # A column of one value mostly is not; what is called an id comes before what is not.
        ("user,conversion_id,campaign", "{u},-1,c{i}", "user=user,item=campaign"),
        ("id,depot,brand", "{u},d{i},b{i}", "user=id,item=depot"),
    ],
)
def test_proposes_what_may_be_right(read: ReadText, header: str, row: str, proposed: str) -> None:
    rows = "".join(row.format(u=n % 7, i=n * 5 % 11) + "\n" for n in range(60))
    with pytest.raises(InputError) as refused:
        read(header + "\n" + rows)
    assert f"--columns {proposed}`" in refused.value.hint


def test_says_which_column_is_the_user_where_only_one_has_numbers(read: ReadText) -> None:
    notes = read(table(ITEMS, [f"a{u}" for u in USERS])).findings.notes
    assert any("`--columns user=2,item=1`" in note for note in notes)
