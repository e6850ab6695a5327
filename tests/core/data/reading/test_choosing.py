"""Users and items are told by their names, else by what they look like."""

import pytest

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
