"""A log that lacks what is needed is refused."""

import random

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import GOOD, HEADER, ReadText


def test_a_missing_rating_is_told_and_refused_only_where_it_is_needed(read: ReadText) -> None:
    text = f"{HEADER}{GOOD}3,4,,1500000000\n"
    log = read(text)
    assert log.rows.ratings is None
    assert any("the ratings in `rating` are not kept" in note for note in log.findings.notes)
    for options in ({"columns": {"rating": "rating"}}, {"min_rating": 3}):
        with pytest.raises(InputError, match="line 18: the rating in `rating` is empty"):
            read(text, **options)


@pytest.mark.parametrize("history", ["a|b", "a,b", "a\x02b", "a b"])
def test_a_labelled_example_is_no_interaction(read: ReadText, history: str) -> None:
    text = "".join(f"{n % 2}\tu{n % 3}\t{'ab'[n % 2]}\tx\t{history}\n" for n in range(12))
    with pytest.raises(InputError, match="is a labelled example with a history") as caught:
        read(text, "train_data")
    assert "--task ranking" in caught.value.hint


def test_ids_of_which_none_comes_twice_are_refused(read: ReadText) -> None:
    rows = "".join(f"{n % 7},https://a/{n},p{n % 9}\n" for n in range(60))
    with pytest.raises(InputError, match="`url`, which would be the item, comes twice in 60") as no:
        read("user_id,url,x\n" + rows)
    assert "item=url" not in no.value.hint
    log = read("user_id,url,x\n" + rows, columns={"item": "url"})
    assert len(log.rows.item_ids) == 60


def test_a_column_an_item_is_said_to_be_one(read: ReadText) -> None:
    names = ",".join(f"Movie{n}" for n in range(1, 31))
    rows = "".join(f"A{u},{','.join(str((u * n) % 5 + 1) for n in range(30))}\n" for u in range(60))
    with pytest.raises(InputError, match="a column for each of 30 items, `Movie1`, `Movie2`"):
        read(f"user_id,{names}\n" + rows)


@pytest.mark.parametrize("share", [0, 1, 2])
def test_a_column_an_item_is_said_to_be_one_where_cells_are_empty(
    read: ReadText, share: int
) -> None:
    names = ["Last Station", *(f"The {word} Kingdom" for word in "abcdefghi")]
    draw = random.Random(1)
    marks = ["" if draw.random() * 3 < share else str(draw.randint(1, 5)) for _ in range(600)]
    rows = "".join(f"P{u};{';'.join(marks[10 * u : 10 * u + 10])}\n" for u in range(60))
    with pytest.raises(InputError, match="a column for each of 10 items, `Last Station`") as no:
        read(f"Member;{';'.join(names)}\n{rows}")
    assert ("to read one of them alone" in no.value.hint) == (share < 2)


def test_a_user_of_all_rows_is_none_where_another_column_fits(read: ReadText) -> None:
    rows = "".join(f"1,d{n % 7},{n * 7 % 23}\n" for n in range(60))
    with pytest.raises(InputError, match="`user_id`, which would be the user, has but one") as no:
        read("user_id,device_id,item_id\n" + rows)
    assert "user=device_id,item=item_id" in no.value.hint
    assert read("user_id,x,item_id\n" + rows).columns["user"] == "user_id"  # of one person
    assert len(
        read("user_id,device_id,item_id\n" + rows, columns={"user": "user_id"}).rows.user_ids
    )


def test_an_item_of_all_rows_is_none(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},premium,pl{n * 7 % 23}\n" for n in range(60))
    with pytest.raises(InputError, match="`product`, which would be the item, has but one") as no:
        read("user_id,product,plan_code\n" + rows)
    assert "user=user_id,item=plan_code" in no.value.hint
    with pytest.raises(InputError, match="has but one") as no:
        read("user_id,product\n" + "".join(f"u{n % 7},premium\n" for n in range(60)))
    assert "`--columns user=…,item=…`" in no.value.hint


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("author,content,date", "u{u},text number {n} of all,2019-01-02"),  # posts
        ("Title,Author,ISBN,Added", "Book {n},A{u},{n}00,2019-01-02"),  # a library
    ],
)
def test_texts_and_catalogues_are_no_logs(read: ReadText, header: str, row: str) -> None:
    rows = "".join(row.format(u=n % 7, n=n) + "\n" for n in range(60))
    with pytest.raises(InputError, match="which would be the item, comes twice"):
        read(f"{header}\n{rows}")


def test_one_of_several_columns_of_items_is_not_all_of_them(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},i{n % 11},i{n % 5},i{n % 3}\n" for n in range(60))
    with pytest.raises(InputError, match="a column for each of 3 items, `item1`, `item2`"):
        read("customer,item1,item2,item3\n" + rows)
    alone = read("customer,item1,item2,item3\n" + rows, columns={"item": "item1"})
    assert len(alone.rows.item_ids) == 11


def test_a_hint_in_an_encoding_has_the_columns_too(read: ReadText) -> None:
    text = "Závazek;Čtenář;Zápůjčka\n" + "".join(
        f"k{n % 7};č{n * 7 % 23};{n % 28 + 1}.1.2019\n" for n in range(60)
    )
    with pytest.raises(InputError, match="is not UTF-8") as no:
        read(text.encode("cp1250"))
    assert "--columns" in no.value.hint
    assert "--encoding" in no.value.hint
    assert "cannot tell" not in no.value.hint


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r"])
def test_a_hint_in_an_encoding_is_a_sentence_where_no_column_is_told(
    read: ReadText, encoding: str
) -> None:
    text = "Дата;Касса;Вес;Номенклатура;Сумма\n" + "".join(
        f"{n % 28 + 1:02}.01.2023;{n % 9},5;{n % 5},5;сметана;{n % 7},00\n" for n in range(60)
    )
    with pytest.raises(InputError, match="is not UTF-8") as no:
        read(text.encode(encoding))
    assert no.value.hint is not None
    assert no.value.hint.startswith(
        f"name its encoding, perhaps `--encoding {encoding}`, with which the columns are "
        "`Дата`, `Касса`, `Вес`, `Номенклатура`, `Сумма`; name them, as in `--columns user=…,"
    )


def test_a_proposal_without_known_times_says_that_the_order_is_the_files(read: ReadText) -> None:
    rows = "".join(f"c{n % 7},{n % 9} 10:{n % 60:02}:26,m{n * 7 % 23}\n" for n in range(60))
    with pytest.raises(InputError, match="cannot tell which column is the item") as no:
        read("customer_id,tr_datetime,mcc\n" + rows)
    assert "the order is the file's: `seqrec prepare" in no.value.hint
    assert "item=mcc,time=none" in no.value.hint


def test_a_uuid_that_no_row_shares_is_no_user(read: ReadText) -> None:
    rows = "".join(
        f"2021-05-01 10:{n:02},{n:08x}-1f2e-4c3b,{n % 7:x}ff09{n % 7:x},ep{n % 5}\n"
        for n in range(60)
    )
    with pytest.raises(InputError) as caught:
        read("time,uuid,hashedIpAddress,episodeId\n" + rows)
    assert "no value of `uuid`, which would be the user, comes twice" in caught.value.message
    assert "--columns user=hashedIpAddress,item=episodeId,time=time" in caught.value.hint


def test_a_user_of_one_row_each_is_none_where_another_column_fits(read: ReadText) -> None:
    rows = "".join(f"C{n}x,10.0.0.{n % 7},/p/{n * n % 9}\n" for n in range(60))
    with pytest.raises(InputError, match="`uid`, which would be the user, comes twice in 60") as no:
        read("uid,client_ip,uri\n" + rows)
    assert "--columns user=client_ip,item=uri" in no.value.hint
    alone = "".join(f"C{n}x,/p/{n * n % 9}\n" for n in range(60))
    assert len(read("uid,uri\n" + alone).rows.user_ids) == 60  # histories of one, said elsewhere
