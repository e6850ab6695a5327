"""Users of an item in lists are read as a row each."""

import json

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of


def test_reads_the_users_of_each_item(read: ReadText) -> None:
    """Reviews under a hotel are rows; the authors of a book, without date or rating, are none."""
    reviews = [
        [{"author": f"a{(h * k) % 5}", "date": f"2021-03-{k + 1:02}"} for k in range(6)]
        for h in range(1, 9)
    ]
    text = "".join(
        json.dumps({"hotel_id": f"h{h}", "reviews": own}) + "\n" for h, own in enumerate(reviews)
    )
    log = read(text, "hotels.jsonl")
    assert log.columns["user"] == "reviews[].author"
    found = [row[:2] for row in rows_of(log)]
    assert found == [(r["author"], f"h{h}") for h, own in enumerate(reviews) for r in own]
    said = {"user": "reviews[].author", "item": "hotel_id", "time": "reviews[].date"}
    assert rows_of(read(text, "hotels.jsonl", columns=said)) == rows_of(log)
    with pytest.raises(InputError, match="which column is the user"):
        read(text.replace('"date"', '"x"').replace("2021-03-", "x"), "books.jsonl")


def test_reads_the_users_of_each_item_in_a_cell(read: ReadText) -> None:
    names = ["anna", "ben", "carla"]
    rows = "".join(f'{n},"{names[n % 3]}, {names[(n + 1) % 3]}"\n' for n in range(40))
    log = read("loan_id,lenders\n" + rows)
    pairs = [(names[(n + k) % 3], n) for n in range(40) for k in (0, 1)]
    assert rows_of(log) == pairs
    with pytest.raises(InputError):
        read("book_id,authors\n" + rows)


def test_reads_ids_of_users_in_a_cell_now_more_and_now_fewer(read: ReadText) -> None:
    """One row a product, with all who reviewed it; a name with a comma in it is one user."""
    several = [[f"A{(7 * n + k) % 11:X}{k}ZQ" for k in range(1 + n % 5)] for n in range(40)]
    rows = "".join(f'p{n},4.2,"{",".join(own)}"\n' for n, own in enumerate(several))
    log = read("product_id,rating,user_id\n" + rows)
    pairs = [(user, f"p{n}") for n, own in enumerate(several) for user in own]
    assert [row[:2] for row in rows_of(log)] == pairs
    people = ["Smith, John", "Jones, Ann, Dr.", "Wu, Li"]
    rows = "".join(f'p{n % 7},4.2,"{people[n % 3]}"\n' for n in range(40))
    assert {row[0] for row in rows_of(read("product_id,rating,user_name\n" + rows))} == {*people}


def test_lists_of_users_and_of_items_are_refused(read: ReadText) -> None:
    text = "".join(json.dumps({"users": [1, 2], "items": [n, 3]}) + "\n" for n in range(40))
    with pytest.raises(InputError, match="both `users\\[\\]` and `items\\[\\]` hold lists"):
        read(text, "a.jsonl", columns={"user": "users[]", "item": "items[]"})


def test_an_id_of_three_numbers_is_one_user(read: ReadText) -> None:
    rows = "".join(f'"{n % 20},{n % 3},{n % 7}",p{n % 9}\n' for n in range(120))
    assert len(read(f"user,item\n{rows}").rows.users) == 120


def test_cells_of_always_as_many_users_are_cut(read: ReadText) -> None:
    rows = "".join(
        f'p{n % 9},"{",".join(f"C0{(n * k + k) % 20 + 10}" for k in (1, 3, 7))}"\n'
        for n in range(120)
    )
    assert len(read(f"sku,customer_ids\n{rows}").rows.users) == 360


@pytest.mark.parametrize(
    "key", ["DE|2|u0{}", "u00{}|web1|2023", "user{};A123;1970", "shop-{}|north-1|a-77"]
)
def test_a_key_of_several_parts_is_one_user(read: ReadText, key: str) -> None:
    rows = "".join(f"{key.format(n % 20 + 10)},p{n % 9}\n" for n in range(120))
    log = read(f"customer,item\n{rows}")
    assert len(log.rows.users) == 120
    assert len(log.rows.user_ids) == 20
