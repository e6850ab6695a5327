"""Users and items are told by their names, else by what they look like."""

import json

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


def test_says_which_column_is_the_user_where_only_one_has_numbers(read: ReadText) -> None:
    notes = read(table(ITEMS, [f"a{u}" for u in USERS])).findings.notes
    assert any("`--columns user=2,item=1`" in note for note in notes)


@pytest.mark.parametrize(
    ("header", "row", "item"),
    [
        # A reference numbers the rows; an artist is of many tracks; a key is of one user.
        ("id_customer,reference,id_product", "{u},R{n},{i}", "id_product"),
        ("user_id,artist_id,media_id", "{u},{a},{i}", "media_id"),
        ("user_id,app_key,content_id", "{u},k{u},{i}", "content_id"),
        ("user_id,feedback,object_id", "{u},['x'; 'y'],{i}", "object_id"),
        ("uid,sid", "{u},{i}", "sid"),
    ],
)
def test_takes_what_says_most_for_the_item(
    read: ReadText, header: str, row: str, item: str
) -> None:
    many = [{"n": n, "u": n % 9, "i": 100 + n * 7 % 25, "a": n * 7 % 25 % 4} for n in range(90)]
    text = header + "\n" + "".join(row.format(**each) + "\n" for each in many)
    assert read(text).columns["item"] == item


def test_addresses_of_mail_are_users(read: ReadText) -> None:
    log = read(table([f"/page/{i}" for i in ITEMS], [f"a{u}@b.org" for u in USERS]))
    assert log.columns["user"] == "2"
    assert any("`--columns user=1,item=2`" in note for note in log.findings.notes)


def test_of_three_columns_of_numbers_the_middle_one_may_be_anything(read: ReadText) -> None:
    with pytest.raises(InputError, match="which column is the user and which the item"):
        read(table(USERS, ["1", "2", "3"] * 20, ITEMS))


@pytest.mark.parametrize(
    ("cells", "items"),
    [(("a1|a2", "a3"), 3), (("a1;a2;a3", "a4;a5"), 5), (("['a1']", "['a2']"), 2)],
)
def test_lists_that_can_be_nothing_else_are_cut(
    read: ReadText, cells: tuple[str, str], items: int
) -> None:
    rows = [cells[n % 4 == 3] for n in range(60)]
    log = read("user,items\n" + table(USERS, rows))
    assert len(log.rows.item_ids) == items


def test_people_are_users_rather_than_their_orders(read: ReadText) -> None:
    rows = "".join(
        f"o{n // 2},p{n // 2 % 7},{n * 7 % 23},2021-03-{n // 2 % 28 + 1:02} 10:{n // 2 % 60:02}\n"
        for n in range(120)
    )
    log = read("customer_id,customer_unique_id,product_id,purchase_date\n" + rows)
    assert (log.columns["user"], log.columns["time"]) == ("customer_unique_id", "purchase_date")
    assert any("each `customer_id` has one time" in note for note in log.findings.notes)
    # A household has several customers, whose times differ.
    rows = "".join(
        f"c{n % 14},h{n % 7},{n * 7 % 23},2021-03-{n % 28 + 1:02} {n % 24:02}:00\n"
        for n in range(120)
    )
    log = read("customer_id,household_id,product_id,purchase_date\n" + rows)
    assert log.columns["user"] == "customer_id"


def test_names_that_are_not_the_users_own_are_items(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},Film {n * 7 % 23},https://x.io/{n}\n" for n in range(60))
    assert read("member,name,uri\n" + rows).columns["item"] == "name"
    rows = "".join(f"u{n % 30},Ann {n % 30},https://x.io/{n * 7 % 23}\n" for n in range(60))
    with pytest.raises(InputError, match="cannot tell which column is the item"):
        read("member,name,page_of\n" + rows)


def test_an_address_in_a_part_of_a_record_is_no_item_beside_a_title(read: ReadText) -> None:
    def log(part: str) -> str:
        return read(
            "".join(
                f'{{"account": "a{n % 7}", "title": "t{n * 7 % 23}", '
                f'"{part}": [{{"name": "c", "url": "/{n % 5}"}}]}}\n'
                for n in range(60)
            ),
            name="log.json",
        ).columns["item"]

    assert (log("subtitles"), log("pages")) == ("title", "pages[].url")


@pytest.mark.parametrize(
    ("user", "item"),
    [
        ("Tessera", "Articolo"),
        ("N° carte fidélité", "Libellé article"),
        ("Дисконтная карта", "Товар"),
        ("CPF do consumidor", "Cód. produto"),
        ("loyalty_no", "Lineitem sku"),
        ("Patron Barcode", "Item Barcode"),
        ("Interessent", "Barcode"),
    ],
)
def test_cards_of_customers_are_users_and_barcodes_items(
    read: ReadText, user: str, item: str
) -> None:
    rows = "".join(f"{n // 2},k{n % 7},b{n * 7 % 23}\n" for n in range(60))
    columns = read(f"Nr,{user},{item}\n{rows}").columns
    assert (columns["user"], columns["item"]) == (user, item)


def test_what_each_has_one_user_is_an_order_and_no_item(read: ReadText) -> None:
    rows = "".join(f"u{n // 3 % 7},{n * 7 % 23},{900 + n // 3}\n" for n in range(90))
    assert read("email,lineitem sku,id\n" + rows).columns["item"] == "lineitem sku"


def test_a_place_is_no_item_beside_one(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},{'Game' if n % 3 else 'Shop'},{n % 11}\n" for n in range(60))
    assert read("Buyer User Id,Location,Asset Id\n" + rows).columns["item"] == "Asset Id"
    assert read("Buyer User Id,Location,Amount\n" + rows).columns["item"] == "Location"


@pytest.mark.parametrize("contact", ["(11) 9{:04}-1{:03}", "m{}.{}@mail.example"])
def test_a_name_that_several_have_is_not_who_they_are(read: ReadText, contact: str) -> None:
    names = ["Ann Lee", "Bo Silva", "Cem Kaya", "Ann"]
    people = [(names[n % 4], contact.format(n, n)) for n in range(30)]
    rows = [(*people[n * 7 % 30], f"p{n % 11}") for n in range(120)]
    text = "Cliente,Telefone,Produto\n" + "".join(",".join(row) + "\n" for row in rows)
    log = read(text)
    assert log.columns["user"] == "Telefone"
    assert any("`--columns user=Cliente`" in note for note in log.findings.notes)
    # Where each has a name of its own, the name is as good.
    text = "Cliente,Telefone,Produto\n" + "".join(
        f"{name} {'I' * people.index((name, number))},{number},{item}\n"
        for name, number, item in rows
    )
    assert read(text).columns["user"] == "Cliente"


def test_an_address_of_somebody_else_is_not_who_they_are(read: ReadText) -> None:
    rows = "".join(f"Ann {'I' * (n % 13 + 1)},dr{n % 5}@x.example,p{n % 11}\n" for n in range(120))
    assert read("Patient,Doctor,Drug\n" + rows).columns["user"] == "Patient"


def test_a_description_is_the_item_where_nothing_else_is(read: ReadText) -> None:
    rows = "".join(f"{n % 7},whole milk {n % 11}\n" for n in range(60))
    assert read("Member_number,itemDescription\n" + rows).columns["item"] == "itemDescription"


def test_an_item_is_rather_called_so(read: ReadText) -> None:
    kinds = ("cd", "lp", "mp3", "tape", "shirt")
    rows = "".join(
        f"m{n % 7}@x.example,{kinds[n % 5]},https://x.example/{n % 11}\n" for n in range(60)
    )
    assert read("buyer email,package,item url\n" + rows).columns["item"] == "item url"
    assert read("buyer email,package,remark\n" + rows).columns["item"] == "package"


def test_browsers_as_google_knows_them_are_users(read: ReadText) -> None:
    rows = "".join(
        f"{1_219_971_611 + n % 7}.{1_625_056_300 + n % 7},v{n % 11}\n" for n in range(60)
    )
    assert read("ga_client,video\n" + rows).columns["user"] == "ga_client"


def test_what_is_said_is_taken_whatever_else_looks_likelier(read: ReadText) -> None:
    rows = [
        {
            "account": f"mum{n % 7}",
            "title": f"Watched Video {n * 7 % 23}",
            "subtitles": [{"name": f"Channel {n % 11}", "url": f"https://x.example/c{n % 11}"}],
            "id": n % 13,
            "time": 1_500_000_000 + n,
        }
        for n in range(60)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    for said in ("subtitles[].url", "subtitles[].name", "title", "id"):
        log = read(text, columns={"item": said}, name="log.jsonl")
        assert log.columns["item"] == said
        assert log.columns["user"] == "account"
    with pytest.raises(InputError, match="cannot tell which column is the user"):
        read("id,name\n" + "".join(f"{n % 7},{n % 5}\n" for n in range(60)), columns={"item": "id"})


SELLERS = ["Ana", "Ben", "Eva"]


@pytest.mark.parametrize(
    ("few", "many"),
    [
        ("User", "Customer"),
        ("Usuario", "Nº Socio"),
        ("client.id", "listener.id"),
        ("user", "patient_id"),
    ],
)
def test_those_who_serve_many_are_not_the_users(read: ReadText, few: str, many: str) -> None:
    rows = [f"{SELLERS[n * n % 3]},p{n * 7 % 31},i{n * 11 % 23}\n" for n in range(200)]
    log = read(f"{few},{many},item\n" + "".join(rows))
    assert log.columns["user"] == many
    assert any(f"`{few}` has but 2 values" in note for note in log.findings.notes)
    assert (
        read(f"{few},{many},item\n" + "".join(rows), columns={"user": few}).columns["user"] == few
    )
    # Sorted by the few, they are whose rows lie together.
    rows = [f"{SELLERS[n // 70]},p{n * 7 % 31},i{n * 11 % 23}\n" for n in range(200)]
    assert read(f"{few},{many},item\n" + "".join(rows)).columns["user"] == few


@pytest.mark.parametrize("other", ["device", "ip_address", "card", "profile"])
def test_few_may_be_the_users_beside_what_else_they_have(read: ReadText, other: str) -> None:
    """A device or a card is nobody; of an account's profiles each has one account."""
    rows = [f"{'abc'[n % 31 % 3]},p{n % 31},i{n * 11 % 23}\n" for n in range(200)]
    log = read(f"user,{other},item\n" + "".join(rows))
    assert log.columns["user"] == "user"
    assert any("the users in `user` are but 3 in the first 200" in n for n in log.findings.notes)


@pytest.mark.parametrize("name", ["guid", "uri"])
def test_what_has_an_address_is_an_item_unless_each_row_has_its_own(
    read: ReadText, name: str
) -> None:
    rows = [f"pr{n % 9},svc:track:{n * 7 % 23},Band {n % 4},Intro {n % 3}\n" for n in range(90)]
    log = read(f"profile,{name},artist,title\n" + "".join(rows))
    assert (log.columns["user"], log.columns["item"]) == ("profile", name)
    rows = [f"pr{n % 9},row:{n},Intro {n * 7 % 23}\n" for n in range(120)]
    log = read(f"profile,{name},title\n" + "".join(rows))
    assert (log.columns["user"], log.columns["item"]) == ("profile", "title")


def test_a_score_of_the_item_or_of_all_rows_is_no_rating(read: ReadText) -> None:
    rows = [f"u{n % 9},i{n * 7 % 23},{n * 7 % 23 % 5},1\n" for n in range(90)]
    log = read("user,item,score,_score\n" + "".join(rows))
    assert "rating" not in log.columns
    assert any("`score` is always the same for an item" in note for note in log.findings.notes)
    said = read("user,item,score,_score\n" + "".join(rows), columns={"rating": "score"})
    assert said.columns["rating"] == "score"
    rows = [f"u{n % 9},i{n * 7 % 23},{n % 5}\n" for n in range(90)]
    assert read("user,item,score\n" + "".join(rows)).columns["rating"] == "score"


@pytest.mark.parametrize(
    ("users", "others", "items"),
    [
        ("user", "author", "book"),
        ("user_id", "actor", "movie"),
        ("user", "contact_email", "item"),
        ("user", "player", "game"),
        ("user_id", "visitor_id", "item"),
    ],
)
def test_who_made_the_items_or_came_once_is_not_served(
    read: ReadText, users: str, others: str, items: str
) -> None:
    """Of each book there is one author; a player or visitor is nobody whom a user serves."""
    rows = []
    for n in range(300):
        item = n * 7 % 41
        other = f"a{item % 23}@x.org" if "email" in others else f"a{item % 23}"
        rows.append(f"{SELLERS[n * n % 7 % 3]},{item},{other}\n")
    assert read(f"{users},{items},{others}\n" + "".join(rows)).columns["user"] == users


@pytest.mark.parametrize("rating", ["rating", "stars", "overall"])
def test_a_rating_may_be_the_same_in_all_first_rows(read: ReadText, rating: str) -> None:
    rows = [f"u{n % 9},i{n * 7 % 23},{5 - n // 1_500}\n" for n in range(3_000)]
    assert read(f"user,item,{rating}\n" + "".join(rows)).columns["rating"] == rating
    rows = [f"u{n % 9},i{n * 7 % 23},1,{n % 5}\n" for n in range(90)]
    log = read(f"user,item,{rating},bookrating\n" + "".join(rows))
    assert log.columns["rating"] == "bookrating"  # of two that which differs


def test_one_odd_rating_of_an_item_that_comes_once_says_nothing(read: ReadText) -> None:
    rows = [f"u{n % 9},i{n * 7 % 17},5\n" for n in range(60)] + ["u1,once,4\n"]
    assert read("user,item,rating\n" + "".join(rows)).columns["rating"] == "rating"


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ("patron_id,item_record_id,bib_record_id,title", "bib_record_id"),
        ("patron_id,item_barcode,shelf,title", "title"),
        ("patron_id,sku,shelf,title", "sku"),  # a shop's are no copies
        ("patron_id,item_id,shelf,room", "item_id"),
    ],
)
def test_several_copies_are_one_book(read: ReadText, names: str, taken: str) -> None:
    rows = "".join(
        f"p{n % 11},{copy},b{copy // 3 + 90},The Book {copy // 3}\n"
        for n in range(80)
        for copy in [n * n % 24]
    )
    log = read(f"{names}\n{rows}")
    assert log.columns["item"] == taken
    copy = names.split(",")[1]
    said = [note for note in log.findings.notes if f"item={copy}" in note]
    assert [f"several `{copy}` are of one `{taken}`" in note for note in said] == [True] * (
        taken != copy
    )


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ("recipient,customer_name", "customer_name"),
        ("Recipient,Buyer phone", "Buyer phone"),
        ("recipient,category", "recipient"),
    ],
)
def test_who_buys_is_the_user_and_not_who_gets_it(read: ReadText, names: str, taken: str) -> None:
    rows = "".join(f"r{n * 5 % 31},{6_000 + n * 3 % 29},s{n * n % 17}\n" for n in range(80))
    log = read(f"{names},sku\n{rows}")
    assert log.columns["user"] == taken
    first = names.split(",")[0]
    said = [note for note in log.findings.notes if f"user={first}" in note]
    assert bool(said) == (taken != first)


@pytest.mark.parametrize(("name", "alike"), [("title", 1), ("shop_id", 3), ("artist", 3)])
def test_barcodes_of_a_shop_are_no_copies(read: ReadText, name: str, alike: int) -> None:
    """One pair of them has one title; a shop or an artist has several items."""
    rows = "".join(
        f"p{n % 11},4{code:05},{'T' if alike > 1 else 'Thing '}{max(1, code // alike)}\n"
        for n in range(80)
        for code in [n * 7 % 24]
    )
    log = read(f"customer_id,barcode,{name}\n{rows}")
    assert log.columns["item"] == "barcode"
