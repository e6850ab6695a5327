"""What makes one doubt what was read is said, with what to type if the doubt is right."""

import re
import shlex
from pathlib import Path

import duckdb
import pytest

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading, parse_columns
from seqrec_cli.core.data.reading.sources import TextSource
from tests.core.data.reading.conftest import ReadText, rows_of

ROWS = [{"n": n, "u": n % 7, "i": n * 7 % 23, "t": 1_500_000_000 + n * 3607} for n in range(90)]


def notes_of(read: ReadText, header: str, row: str) -> tuple[str, ...]:
    head = f"{header}\n" if header else ""
    return read(head + "".join(row.format(**each) + "\n" for each in ROWS)).findings.notes


@pytest.mark.parametrize("number", ["{n}77", "0.{n}"])
def test_says_which_numbers_without_a_name_may_be_the_time(read: ReadText, number: str) -> None:
    rows = "".join(
        f"{n % 7},i{n % 11},{'ab'[n % 2]},{number.format(n=100 + n * 977 % 4001)}\n"
        for n in range(60)
    )
    assert any("`--columns time=4`" in note for note in read(rows).findings.notes)


def test_says_that_an_item_comes_but_once(read: ReadText) -> None:
    notes = notes_of(read, "user,item_id", "{u},{n}9")
    assert any("no value of `item_id` comes twice" in note for note in notes)


@pytest.mark.parametrize(
    ("header", "row", "typed"),
    [
        # Finer than what was taken, or of another thing: both may be meant.
        ("user,course_id,video_id", "{u},{c},{i}", "`--columns item=course_id`"),
        ("customer_id,device_id,item", "{u},d{c},{i}", "`--columns user=device_id`"),
        ("user,created_at,paid at,item", "{u},{d},{e},{i}", "`--columns 'time=paid at'`"),
    ],
)
def test_says_what_else_a_role_may_have(read: ReadText, header: str, row: str, typed: str) -> None:
    text = "".join(
        row.format(
            u=n % 7,
            i=n * 7 % 23,
            c=n * 5 % 9,
            d=f"2019-01-{n % 28 + 1:02}",
            e=f"2019-02-{n % 13 + 1:02}",
        )
        + "\n"
        for n in range(90)
    )
    assert any(typed in note for note in read(f"{header}\n{text}").findings.notes)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("user,item,item_name", "{u},{i},a{i}"),  # one to one
        ("user,item,shop_id", "{u},{i},{u}"),  # told by the user
        ("user,item,video_id", "{u},{i},v{n}"),  # numbers the rows
    ],
)
def test_what_tells_no_more_is_no_doubt(read: ReadText, header: str, row: str) -> None:
    assert not any("another column than `item`" in n for n in notes_of(read, header, row))


@pytest.mark.parametrize("nobody", ["-1", "anonymous", "0"])
def test_says_who_may_be_nobody_and_how_to_leave_it_out(read: ReadText, nobody: str) -> None:
    users = [nobody if n % 3 == 1 else str(n % 7 + 1) for n in range(90)]
    text = "user,item\n" + "".join(f"{u},{n * 7 % 23}\n" for n, u in enumerate(users))
    (note,) = (note for note in read(text).findings.notes if "stands for" in note)
    assert f"`{nobody}` is the user of 30 of the first 90 rows" in note
    condition = f"user <> '{nobody}'"
    assert condition in note
    assert len(read(text, where=(condition,)).rows.users) == 60


def test_a_dash_is_nobody_also_where_it_is_rare(read: ReadText) -> None:
    users = ["-" if n % 15 == 1 else str(n % 7 + 1) for n in range(90)]
    text = "user,item\n" + "".join(f"{u},{n * 7 % 23}\n" for n, u in enumerate(users))
    assert any("stands for" in note for note in read(text).findings.notes)


def test_dates_of_another_name_are_said_where_there_is_no_time(read: ReadText) -> None:
    notes = notes_of(read, "user,item,date_of_expiry", "{u},{i},2019-01-1{u}")
    assert any("`--columns time=date_of_expiry`" in note for note in notes)


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP"])
def test_so_are_columns_of_the_type_of_dates(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "log.parquet"
    day = f"CAST(DATE '2019-01-01' + CAST(i % 7 AS INTEGER) AS {kind})"
    duckdb.sql(
        f"COPY (SELECT i % 7 AS user, i * 7 % 23 AS item, {day} AS date_of_expiry "
        f"FROM range(90) rows(i)) TO '{path}' (FORMAT parquet)"
    )
    notes = read_log(TextSource(path), Reading()).findings.notes
    assert any("`--columns time=date_of_expiry`" in note for note in notes)


def test_a_user_0_whose_rows_follow_each_other_is_one(read: ReadText) -> None:
    text = "user,item\n" + "".join(f"{n // 30},{n * 7 % 23}\n" for n in range(90))
    assert not any("stands for" in note for note in read(text).findings.notes)


def test_what_else_may_be_the_item_of_columns_without_names_is_said(read: ReadText) -> None:
    rows = "".join(f"{n % 9},{n % 100 // 2},s{n % 100 // 4}\n" for n in range(400))
    notes = read(rows).findings.notes
    assert any("may be another than 2: `--columns item=3`" in note for note in notes)


def test_a_user_of_most_rows_is_told(read: ReadText) -> None:
    rows = "".join(f"{'a99f' if n % 3 else f'd{n}'},{n % 7}\n" for n in range(90))
    notes = read("device_id,app_id\n" + rows).findings.notes
    assert any("`a99f` is the user of 60 of the first 90 rows" in note for note in notes)


def test_few_items_may_be_kinds(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},{'abc'[n % 3]},t{n * 7 % 23},{n % 5}\n" for n in range(90))
    (note,) = read("author,subreddit,thread,score\n" + rows).findings.notes
    assert "`subreddit` has but 3 values in the first 90 rows" in note
    assert note.endswith("`--columns item=thread`")
    rows = "".join(f"u{n % 7},r{n * 7 % 23},t{n % 3}\n" for n in range(90))
    assert not read("author,subreddit,flair\n" + rows).findings.notes


@pytest.mark.parametrize("name", ["qty", "Quantity", "order_quantity", "Menge"])
def test_says_that_amounts_are_below_nothing(read: ReadText, name: str) -> None:
    header = f"customer,product,{name},time\n"
    rows = [
        f"c{n % 7},p{n % 11},{-1 if n % 9 == 0 else 2},{1_500_000_000 + n}\n" for n in range(60)
    ]
    (note,) = (n for n in read(header + "".join(rows)).findings.notes if "below 0" in n)
    assert f"`{name}` is below 0 in 7 of the first 60 rows" in note
    option = shlex.split(note.partition("`--where")[2].partition("`")[0])[0]
    log = read(header + "".join(rows), where=(option,))
    assert len(log.rows.users) == 53
    assert not any("below 0" in note for note in log.findings.notes)


@pytest.mark.parametrize(("name", "low"), [("qty", 1), ("temperature", -1)])
def test_says_nothing_of_other_numbers(read: ReadText, name: str, low: int) -> None:
    rows = (
        f"c{n % 7},p{n % 11},{low if n % 9 == 0 else 2},{1_500_000_000 + n}\n" for n in range(60)
    )
    assert not any(
        "below 0" in note
        for note in read(f"customer,product,{name},time\n{''.join(rows)}").findings.notes
    )


@pytest.mark.parametrize("name", ["seq_no", "position", "pos", "line_no", "rank in session"])
def test_numbers_of_rows_in_another_order_are_named(read: ReadText, name: str) -> None:
    rows = [(f"u{n % 7}", f"i{n * 5 % 11}", n // 7 + 1) for n in range(70)]
    rows = sorted(rows, key=lambda row: row[2] * 37 % 11)
    text = f"user,item,{name}\n" + "".join(f"{u},{i},{n}\n" for u, i, n in rows)
    (note,) = [note for note in read(text).findings.notes if "numbers the rows" in note]
    match = re.search("--columns ([^`]+)`", note)
    assert match
    (option,) = shlex.split(match[1])
    times = [time for _, _, time in rows_of(read(text, columns=parse_columns(option)))]
    assert times == [n for _, _, n in rows]
    ordered = sorted(rows, key=lambda row: row[2])
    text = f"user,item,{name}\n" + "".join(f"{u},{i},{n}\n" for u, i, n in ordered)
    assert not any("numbers the rows" in note for note in read(text).findings.notes)


def test_numbers_of_rows_with_the_same_time_are_named(read: ReadText) -> None:
    rows = [(n // 5 % 7, n * 5 % 11, n // 5 * 1000, 5 - n % 5) for n in range(150)]
    text = "user,item,timestamp,line_no\n" + "".join(
        f"u{u},i{i},{1_600_000_000 + time},{line}\n" for u, i, time, line in rows
    )
    assert any("`line_no` numbers the rows" in note for note in read(text).findings.notes)


@pytest.mark.parametrize(("name", "text"), [("time", "{}:{:02}:09"), ("hour", "{}")])
def test_times_of_day_without_a_date_are_named(read: ReadText, name: str, text: str) -> None:
    rows = "".join(f"u{n % 7},i{n % 11},{text.format(n * 7 % 24, n % 60)}\n" for n in range(90))
    notes = read(f"user,item,{name}\n{rows}").findings.notes
    assert any(f"`{name}` holds times of day without a date" in note for note in notes)


@pytest.mark.parametrize(
    ("separator", "names"),
    [
        ("; ", ("Tasse 3", "Teller", "Gabel 7", "Messer")),
        ("\n", ("tea pot", "cup", "big spoon", "jar")),
        (", ", ("Mug 3 × 2", "Plate × 1", "Fork × 4", "Knife × 1")),
    ],
)
def test_says_that_a_cell_may_be_a_basket(
    read: ReadText, separator: str, names: tuple[str, ...]
) -> None:
    rows = "".join(
        f'c{n % 9},"{separator.join(names[(n + k * n) % 4] for k in range(1 + n % 3))}",{n}\n'
        for n in range(1, 91)
    )
    notes = read("customer,products,time\n" + rows).findings.notes
    assert sum("several values with" in note for note in notes) == 1


@pytest.mark.parametrize("item", ["Town {i}, Land {c}", "Smith {i}, John", "Me, Myself and {i}"])
def test_a_name_in_parts_is_no_basket(read: ReadText, item: str) -> None:
    rows = "".join(
        f'c{n % 9},"{item.format(i=n * 7 % 23, c=n * 7 % 23 % 3)}",{n}\n' for n in range(1, 91)
    )
    notes = read("customer,product,time\n" + rows).findings.notes
    assert not any("several values with" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "of", "said"),
    [
        ("catalog_id", 3, True),
        ("title", 3, True),
        ("seller_id", 3, False),  # has several things, of which none is a copy
        ("artist", 3, False),
        ("category_id", 3, False),
        ("catalog_id", 1, False),  # one each: another name of the same
        ("shelf", 3, False),
    ],
)
def test_says_that_several_items_may_be_of_one(
    read: ReadText, name: str, of: int, said: bool
) -> None:
    items = [n * n * 7 % 211 for n in range(400)]
    rows = "".join(f"u{n % 37},v{i},{i // of + 500}x\n" for n, i in enumerate(items))
    notes = read(f"user_id,sku,{name}\n{rows}").findings.notes
    assert any(f"several `sku` are of one `{name}`" in note for note in notes) == said


def test_what_comes_again_is_named_where_an_item_does_not(read: ReadText) -> None:
    rows = "".join(f"u{n % 37},{n + 2000},{n * n % 97 + 90},{n % 9}\n" for n in range(90))
    (note,) = [
        note
        for note in read(f"user_id,item_id,release_id,shelf_id\n{rows}").findings.notes
        if "numbers the rows" in note
    ]
    assert note.endswith("if another column is the item: `--columns item=release_id`")
