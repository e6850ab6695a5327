"""What columns are called, in any spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.dates import unaccented
from seqrec_cli.core.data.reading.vocabulary import NAMES, Named, bare, compared, is_known, rank


@pytest.mark.parametrize(
    ("name", "named"),
    [
        *(("user_id", "user"), ("userId", "user"), ("USER-ID", "user"), ("user_id:token", "user")),
        *(("reviewerID", "user"), ("visitorid", "user"), ("customer.id", "user")),
        *(("movieId", "item"), ("parent_asin", "item"), ("item_id:token", "item")),
        *(("unixReviewTime", "time"), ("event_timestamp", "time"), ("t_dat", "time")),
        *(("last_watch_dt", "time"), ("overall", "rating"), ("session_id", "session")),
        *(("event_type", "event"), ("behavior", "event")),
    ],
)
def test_knows_a_name(name: str, named: Named) -> None:
    assert 0 <= rank(name, named) < 1000


@pytest.mark.parametrize(
    ("name", "named"),
    [
        *(("Kundennummer", "user"), ("Kunden-Nr.", "user"), ("N° client", "user")),
        *(("id_klienta", "user"), ("kullanici_id", "user"), ("ID клиента", "user")),
        *(("客户编号", "user"), ("会員番号", "user"), ("고객번호", "user"), ("Users ID", "user")),
        *(("Artikel-Nr.", "item"), ("Référence produit", "item"), ("Codice Articolo", "item")),
        *(
            ("ID товара", "item"),
            ("商品番号", "item"),
            ("상품번호", "item"),
            ("Product2Id", "item"),
        ),
        *(("hotel_url", "item"), ("MATERIAL_NUMBER", "item"), ("repo.id", "item")),
        *(("Item Purchased", "item"), ("Lånernr", "user")),
        *(("Besteldatum", "time"), ("data_zakupu", "time"), ("購入日時", "time")),
        *(("Číslo zákazníka", "user"), ("Asiakasnumero", "user"), ("Mã khách hàng", "user")),
        *(
            ("會員編號", "user"),
            ("viewer_uid", "user"),
            ("userToken", "user"),
            ("CUST_CODE", "user"),
        ),
        *(
            ("critic_name", "user"),
            ("Mã sản phẩm", "item"),
            ("商品編號", "item"),
            ("PROD_CODE", "item"),
        ),
        *(
            ("media_id", "item"),
            ("objectIDs[]", "item"),
            ("podcast_id", "item"),
            ("dishNo", "item"),
        ),
        *(("Order Lines/Product", "item"), ("Tilauspäivä", "time"), ("訂購時間", "time")),
        *(
            ("itemnumber", "item"),
            ("CUSTNO", "user"),
            ("Lesernummer", "user"),
            ("Medlemsnr", "user"),
        ),
        *(("stargazer_login", "user"), ("उत्पाद आईडी", "item"), ("ग्राहक आईडी", "user")),
        *(("Дата покупки", "time"), ("下单时间", "time"), ("구매일시", "time")),
    ],
)
def test_knows_a_name_by_its_parts(name: str, named: Named) -> None:
    assert rank(name, named) >= 1000
    others: tuple[Named, ...] = ("user", "item", "time")
    assert [other for other in others if rank(name, other) >= 0] == [named]


@pytest.mark.parametrize(
    "name", ["user_answer", "user_agent", "userRegion", "customer_segment", "item_count", "paid"]
)
def test_what_belongs_to_a_user_or_item_is_neither(name: str) -> None:
    assert rank(name, "user") == rank(name, "item") == -1


@pytest.mark.parametrize("name", ["Number of books per reader", "total_of_items_id", "NumOfUsers"])
def test_how_many_there_are_is_neither(name: str) -> None:
    assert rank(name, "user") == rank(name, "item") == -1
    assert rank("reader number", "user") >= 0


def test_a_key_is_no_rating_and_a_deadline_no_time() -> None:
    assert rank("rating_key", "rating") == -1
    assert rank("due_date", "time") == rank("valid_until", "time") == -1


def test_a_number_of_items_is_better_than_their_name() -> None:
    assert 0 <= rank("Product SKU", "item") < rank("Product Name", "item")


@pytest.mark.parametrize(
    ("name", "named"),
    [("price", "user"), ("year_of_birth", "time"), ("duration", "time"), ("title", "item")],
)
def test_other_names_are_others(name: str, named: Named) -> None:
    assert not 0 <= rank(name, named) < 1000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("user_id:token", "user_id"),
        ("a.b", "b"),
        ("reviewer.id", "reviewer_id"),
        ("at.$date", "at"),
        ('"user"', "user"),
        ("items[].id", "items_id"),
        ("x:y", "x:y"),
    ],
)
def test_a_name_without_what_is_around_it(name: str, expected: str) -> None:
    assert bare(name) == expected


@given(st.text(max_size=30), st.sampled_from(sorted(NAMES)))
def test_any_text_has_a_rank(name: str, named: Named) -> None:
    assert rank(name, named) >= -1
    assert is_known(name) in (True, False)
    assert compared(name) == unaccented(compared(name))
