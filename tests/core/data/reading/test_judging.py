"""What is an id, and what is a kind, a number of something, a length of time or nobody."""

import json

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of
from tests.core.data.reading.test_choosing import table


def test_texts_and_flags_without_names_are_no_ids(read: ReadText) -> None:
    texts = [
        f"a tweet of {n} with a good many words, as people write them, and more" for n in range(60)
    ]
    with pytest.raises(InputError):
        read(table(["0", "4"] * 30, [f"q{n}" for n in range(60)], texts))


def test_how_many_visitors_there_were_is_no_user(read: ReadText) -> None:
    rows = "".join(f"2021-03-{n % 28 + 1:02},/p/{n % 9},{n % 5},{n % 7}\n" for n in range(60))
    with pytest.raises(InputError, match="cannot tell which column is the user"):
        read("date,page,visitors,pageviews\n" + rows)
    assert read("date,page,visitors,price\n" + rows).columns["user"] == "visitors"


def test_nobody_is_no_user_where_another_column_has_somebody(read: ReadText) -> None:
    rows = "".join(f"{'-' if n % 9 else 'u1'},u{n % 7},{n * 7 % 23}\n" for n in range(60))
    assert read("affected_user,user_full_name,item\n" + rows).columns["user"] == "user_full_name"


def test_what_was_played_and_how_long_is_no_item(read: ReadText) -> None:
    rows = "".join(
        f"u{n % 7},Film {n * 7 % 23},{'none yet' if n % 3 else f'00:{n % 60:02}:07'}\n"
        for n in range(60)
    )
    assert read("profile_name,title,bookmark\n" + rows).columns["item"] == "title"


@pytest.mark.parametrize("form", ["records", "lists", "cells", "baskets"])
def test_a_session_a_row_with_all_its_items_is_the_user(read: ReadText, form: str) -> None:
    sessions = {1000 + 7 * n: [f"i{(n + k) % 9}" for k in range(2 + n % 3)] for n in range(60)}
    if form == "records":
        rows = [
            {"session": s, "events": [{"aid": i, "type": "click"} for i in own]}
            for s, own in sessions.items()
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
    elif form == "lists":
        text = "".join(json.dumps({"visit_id": s, "items": i}) + "\n" for s, i in sessions.items())
    elif form == "cells":
        text = "session_id,items\n" + "".join(f'{s},"{own}"\n' for s, own in sessions.items())
    else:
        text = "basket_id,items\n" + "".join(f"{s},{'|'.join(i)}\n" for s, i in sessions.items())
    assert rows_of(read(text)) == [(s, i) for s, own in sessions.items() for i in own]


def test_titles_and_numbers_of_playlists_are_not_whose_they_are(read: ReadText) -> None:
    rows = [
        {
            "name": f"mix {n % 31}",
            "pid": 1000 + 7 * n,
            "num_tracks": n % 40,
            "tracks": [{"track_uri": f"t:{(n + k) % 9}", "pos": k} for k in range(2 + n % 3)],
        }
        for n in range(60)
    ]
    log = read(json.dumps({"info": {"slice": "0-59"}, "playlists": rows}), name="log.json")
    assert (log.columns["user"], len(log.rows.user_ids)) == ("pid", 60)


@pytest.mark.parametrize("columns", ["session,item,tags", "order_id,qwe,items"])
def test_a_session_a_row_is_no_user_where_it_has_one_item_or_another_column_may_be(
    read: ReadText, columns: str
) -> None:
    text = f"{columns}\n" + "".join(f"{n},i{n * 7 % 31},a1|b2\n" for n in range(60))
    with pytest.raises(InputError, match="cannot tell which column is the user"):
        read(text)


def test_amounts_with_a_decimal_comma_are_no_ids(read: ReadText) -> None:
    rows = "".join(f"Brod {n * 7 % 23};{n % 9},5{n % 7};RO{n % 8}\n" for n in range(90))
    log = read("Produs;Pret;Card fidelitate\n" + rows)
    assert log.columns["user"] == "Card fidelitate"
    rows = "".join(f"u{n % 7};13,0{n * 7 % 23 + 10}\n" for n in range(90))
    assert read("customer_id;product_id\n" + rows).columns["item"] == "product_id"


def test_a_kind_of_device_is_no_user(read: ReadText) -> None:
    rows = "".join(f"{n * n % 17},{n % 5},{2 if n % 3 else n % 7},{n % 4}\n" for n in range(90))
    with pytest.raises(InputError, match="which column is the user"):
        read("ip,app,device,os\n" + rows)
    rows = "".join(f"{n % 5},{n % 23}\n" for n in range(90))
    assert read("app,device\n" + rows).columns["user"] == "device"


def test_who_wrote_the_titles_does_not_borrow_them(read: ReadText) -> None:
    rows = "".join(f"a{n % 11 % 4},title {n % 11},p{n % 7}\n" for n in range(60))
    assert read("Author,Title,Patron Barcode\n" + rows).columns["user"] == "Patron Barcode"
    rows = "".join(f"a{n % 8},title {n % 11},p{n % 7}\n" for n in range(60))
    assert read("Author,Title,Account\n" + rows).columns["user"] == "Account"
    assert read("Author,Title,Moderator\n" + rows).columns["user"] == "Author"


def test_how_many_pages_there_were_is_no_item(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},{n % 5 + 1},doc {n % 11}\n" for n in range(60))
    log = read("User,Pages,Document Name\n" + rows)
    assert log.columns["item"] == "Document Name"
    assert not any("Pages" in note for note in log.findings.notes)


def test_numbers_with_commas_are_a_list_and_groups_of_digits_are_not(read: ReadText) -> None:
    rows = "".join(
        f"{n % 7}\t{','.join(str(1000 + (n + k) % 23) for k in range(1 + n % 4))}\n"
        for n in range(60)
    )
    assert len(read("user_id\titems\n" + rows).rows.users) == sum(1 + n % 4 for n in range(60))
    rows = "".join(f"{n % 7}\t{13_000 + n % 23:,}\n" for n in range(60))
    assert len(read("user_id\titem_id\n" + rows).rows.users) == 60


def test_a_number_of_a_part_is_no_item(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},{n % 40 + 1},t{n * 7 % 23}\n" for n in range(90))
    assert read("user_id,post_number,topic_id\n" + rows).columns["item"] == "topic_id"
    rows = "".join(f"u{n % 7},{9000 + n % 40},t{n * 7 % 23}\n" for n in range(90))
    assert read("user_id,question_number,topic_id\n" + rows).columns["item"] == "question_number"


def test_an_item_that_never_comes_again_is_none_if_another_does(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},e{n}x,https://x.example/{n * 7 % 23}\n" for n in range(120))
    log = read("user_Id,itemId,url\n" + rows)
    assert log.columns["item"] == "url"
    assert any("`--columns item=itemId`" in note for note in log.findings.notes)
    # An artist is not the item because no track has come again so far.
    rows = "".join(f"u{n % 7},t{n}x,a{n * 7 % 23}\n" for n in range(120))
    assert read("user_id,track_id,artist_id\n" + rows).columns["item"] == "track_id"


@pytest.mark.parametrize("comma", [",", ", "])
def test_ids_with_commas_are_a_list_where_they_repeat_more_than_cells_do(
    read: ReadText, comma: str
) -> None:
    """One order a line, several of each user; titles and names with commas in them stay whole."""
    baskets = [[f"sku{n * (k + 3) % 13}" for k in range(1 + n % 5)] for n in range(80)]
    users = [f"c{n % 9}" for n in range(80)]
    times = [f"2023-11-{1 + n // 24:02} {n % 24:02}:00:00" for n in range(80)]
    rows = [
        f'{u},{t},"{comma.join(own)}"\n' for u, t, own in zip(users, times, baskets, strict=True)
    ]
    log = read("customer,when,skus\n" + "".join(rows))
    pairs = [(u, item) for u, own in zip(users, baskets, strict=True) for item in own]
    assert [row[:2] for row in rows_of(log)] == pairs
    named = [
        f'{u},{t},"Smith{comma}John {n % 7}"\n'
        for n, (u, t) in enumerate(zip(users, times, strict=True))
    ]
    found = rows_of(read("customer,when,item\n" + "".join(named)))
    assert len(found) == 80
