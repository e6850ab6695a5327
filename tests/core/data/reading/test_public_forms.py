"""Invented events in the exact forms of public data sets and exports: the histories that come out.

A form is a header, a row, and how the row spells user and item. Rows with times are shuffled.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from seqrec_cli.core.data.reading.log import Log
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText
from tests.core.data.reading.samples import sequences

Spelled = Callable[[int], str]


class Event(NamedTuple):
    """One event: row `n` of the file, at a time in seconds and in words."""

    n: int
    u: int
    i: int
    t: int

    def at(self, form: str) -> str:
        return datetime.fromtimestamp(self.t, UTC).strftime(form)

    def one_of(self, *values: str) -> str:
        return values[self.n * 7 % len(values)]


def invented() -> list[Event]:
    draw = random.Random(5)
    moments = sorted(draw.sample(range(1_500_000_000, 1_508_000_000, 3600), 120))
    pairs = [(draw.randrange(12), min(24, int(draw.expovariate(0.12))), t) for t in moments]
    draw.shuffle(pairs)
    return [Event(n, *pair) for n, pair in enumerate(pairs)]


EVENTS = invented()
ORDERED = sorted(EVENTS, key=lambda event: event.t)


def number(n: int) -> str:
    return str(17 + n * 7919 % 100_000)


def hexed(n: int) -> str:
    return f"{(n + 3) * 0x9E3779B97F4A7C15 % 2**64:016x}"


def isbn(n: int) -> str:
    digits = [n % 2, *(int(digit) for digit in f"{n * 7_654_321 % 10**8:08d}")]
    check = (
        -sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=True)) % 11
    )
    return "".join(map(str, digits)) + ("X" if check == 10 else str(check))


class Form(NamedTuple):
    header: str
    row: Callable[[Event], str]
    user: Spelled = number
    item: Spelled = number


FORMS: dict[str, Form] = {
    "UserBehavior renamed.csv": Form(
        "",
        lambda e: (
            f"{number(e.u)},{number(e.i)},{e.i % 7 + 4000},{e.one_of('pv', 'pv', 'buy')},{e.t}"
        ),
    ),
    "tianchi_mobile_recommend_train_user.csv": Form(
        "user_id,item_id,behavior_type,user_geohash,item_category,time",
        lambda e: (
            f"{number(e.u)},{number(e.i)},{e.one_of('1', '3')},,{e.i % 7},{e.at('%Y-%m-%d %H')}"
        ),
    ),
    "ratings_Books 2018.csv": Form(
        "",
        lambda e: f"{isbn(e.i)},A{hexed(e.u).upper()},4.0,{e.t}",
        lambda u: f"A{hexed(u).upper()}",
        isbn,
    ),
    "ratings_Books 2014.csv": Form(
        "",
        lambda e: f"A{hexed(e.u).upper()},{isbn(e.i)},4.0,{e.t}",
        lambda u: f"A{hexed(u).upper()}",
        isbn,
    ),
    "nyc.tsv": Form(
        "",
        lambda e: (
            f"{e.u}\t{hexed(e.i)}\t{hexed(e.i % 5 + 99)}\tArts & Crafts\t40.{e.i}\t-74.5\t-240\t"
            f"{e.at('%a %b %d %H:%M:%S +0000 %Y')}"
        ),
        str,
        hexed,
    ),
    "browsing_train.csv": Form(
        "session_id_hash,event_type,product_action,product_sku_hash,server_timestamp_epoch_ms",
        lambda e: f"{hexed(e.u)},event_product,{e.one_of('detail', 'add')},{hexed(e.i)},{e.t}000",
        hexed,
        hexed,
    ),
    "credit.csv": Form(
        "transaction_id,card_id,merchant_id,amount,transaction_date",
        lambda e: f"{e.n + 55},C{e.u},M{e.i},9.5,{e.at('%Y-%m-%d %H:%M:%S')}",
        lambda u: f"C{u}",
        lambda i: f"M{i}",
    ),
    "woocommerce.csv": Form(
        "Order Number,Order Date,Last Name (Billing),Email (Billing),SKU,Item #,Item Name",
        lambda e: f'{9000 + e.n},{e.at("%Y-%m-%d %H:%M")},B,u{e.u}@x.com,W-{e.i},1,"Cap, {e.i}"',
        lambda u: f"u{u}@x.com",
        lambda i: f"W-{i}",
    ),
    "mixpanel.jsonl": Form(
        "",
        lambda e: (
            f'{{"event": "View", "properties": {{"time": {e.t}, "distinct_id": "{hexed(e.u)}", '
            f'"$insert_id": "{e.n:016x}", "product_id": "{number(e.i)}"}}}}'
        ),
        hexed,
    ),
    "beer_reviews.csv": Form(
        "brewery_id,brewery_name,review_time,review_overall,review_profilename,beer_style,beer_beerid",
        lambda e: f"{e.i % 5},Vecchio,{e.t},1.5,u{e.u},Hefeweizen,{number(e.i)}",
        lambda u: f"u{u}",
    ),
    "ViewingActivity.csv": Form(
        "Profile Name,Start Time,Duration,Title,Device Type",
        lambda e: (
            f"P{e.u},{e.at('%Y-%m-%d %H:%M:%S')},00:20:{e.n % 60:02d},Show {e.i}: Season 1,TV"
        ),
        lambda u: f"P{u}",
        lambda i: f"Show {i}: Season 1",
    ),
    "avazu.csv": Form(
        "user_id,item_id,hour", lambda e: f"{number(e.u)},{number(e.i)},{e.at('%y%m%d%H')}"
    ),
}
WRITTEN = {
    "Oracle": lambda e: e.at("%d-%b-%y %I.%M.%S.000000000 %p").upper(),
    "SQL Server": lambda e: (
        f"{e.at('%b')} {int(e.at('%d')):2d} {e.at('%Y')} {int(e.at('%I')):2d}{e.at(':%M%p')}"
    ),
    "Apache": lambda e: e.at("[%d/%b/%Y:%H:%M:%S +0000]"),
    "log4j": lambda e: e.at('"%Y-%m-%d %H:%M:%S,250"'),
    "Steam": lambda e: e.at('"Posted %B %d, %Y."'),
    "hour": lambda e: e.at("%Y-%m-%d %H"),
}


def histories(log: Log) -> dict[str, list[str]]:
    return {user: [item for _, item in own] for user, own in sequences(log.rows).items()}


def expected(form: Form, events: list[Event]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for event in events:
        found[form.user(event.u)].append(form.item(event.i))
    return dict(found)


def written(header: str, row: Callable[[Event], str], events: list[Event] = EVENTS) -> str:
    return "".join(f"{line}\n" for line in [header, *map(row, events)] if line)


@pytest.mark.parametrize("name", FORMS)
def test_reads_a_public_form(read: ReadText, name: str) -> None:
    form = FORMS[name]
    assert histories(read(written(form.header, form.row), name)) == expected(form, ORDERED)


@pytest.mark.parametrize("name", WRITTEN)
def test_reads_times_as_others_write_them(read: ReadText, name: str) -> None:
    log = read(written("user;item;created_at", lambda e: f"{e.u};{e.i};{WRITTEN[name](e)}"))
    assert log.rows.times is not None
    step = {"Steam": 86_400, "SQL Server": 60, "hour": 3600}.get(name, 1)
    unit = 1000 if name == "log4j" else 1
    assert (log.rows.times // unit).tolist() == [e.t // step * step for e in EVENTS]


def test_orders_by_the_time_within_a_session_too(read: ReadText) -> None:
    """Diginetica has the day, and milliseconds since the session began."""
    rows = [(u, f"i{n}", n * 100_000) for u in range(5) for n in range(8)]
    random.Random(0).shuffle(rows)
    text = "sessionId;userId;itemId;timeframe;eventdate\n"
    text += "".join(f"{u};NA;{item};{t};2016-05-09\n" for u, item, t in rows)
    log = read(text, "train-item-views.csv")
    assert histories(log) == {str(u): [f"i{n}" for n in range(8)] for u in range(5)}


def test_lines_may_begin_with_the_number_of_their_items(read: ReadText) -> None:
    log = read("3 7 8 9\n2 8 4\n4 1 2 7 8\n2 9 7\n", "users.dat")
    assert histories(log) == {
        "1": ["7", "8", "9"],
        "2": ["8", "4"],
        "3": ["1", "2", "7", "8"],
        "4": ["9", "7"],
    }
    assert any("users are the lines" in note for note in log.findings.notes)


def test_lists_side_by_side_are_items_and_their_times(read: ReadText) -> None:
    lines = "".join(
        f'{{"id": "U{u}", "name": "", "course_order": ["C{u}", "C9", "C8"], "enroll_time": '
        f'["2017-05-0{u} 10:00:00", "2016-05-01 10:00:00", "2018-01-01 10:00:00"]}}\n'
        for u in range(1, 6)
    )
    log = read(lines, "user.json")
    assert histories(log)["U1"] == ["C9", "C1", "C8"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("user=1 item=2 ts=1500000000\n" * 3, "lines of `key=value`"),
        ("(1, 2, 1500000000)\n(1, 3, 1500000001)\n", "lines in brackets"),
    ],
)
def test_refuses_text_that_is_no_table(read: ReadText, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(text, "log.txt")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            "timestamp,solving_id,question_id,elapsed",
            lambda e: f"{e.t},{e.n % 9},q{e.i},{e.n % 50}",
        ),
        ("uts,artist,track,track_mbid", lambda e: f"{e.t},A{e.i % 5},Song {e.i},{hexed(e.i)}"),
        ("prev_items,next_item,locale", lambda e: f"\"['B1{e.i}' 'B2{e.n}']\",B{e.u},DE"),
    ],
)
def test_does_not_take_whatever_is_left_for_the_user(
    read: ReadText, header: str, row: Callable[[Event], str]
) -> None:
    with pytest.raises(InputError, match="cannot tell which column is the user") as caught:
        read(written(header, row))
    assert "user=next_item" not in caught.value.hint


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("order_id,sku", lambda e: f"{e.n // 3},K{e.i}", "each `order_id` is taken for one"),
        ("user,item,ts", lambda e: f"{e.u},{e.i},1.50E+09", "all rows have the same time"),
        ("user,item", lambda e: f"{1e12 + e.u * 1e9:.5E},{e.i}", "rounded by a spreadsheet"),
        (
            "user,item,action",
            lambda e: (
                f"{e.u},{'Paris' if e.n % 3 else e.i + 100},{'search' if e.n % 3 else 'click'}"
            ),
            "where `action` is `search`, `item` holds words",
        ),
    ],
)
def test_says_what_makes_one_doubt(
    read: ReadText, header: str, row: Callable[[Event], str], words: str
) -> None:
    assert any(words in note for note in read(written(header, row)).findings.notes)


def test_says_which_file_knows_the_users_of_orders(read: ReadText, tmp_path: Any) -> None:
    (tmp_path / "orders.csv").write_text("order_id,user_id\n1,7\n2,8\n")
    notes = read("order_id,product_id\n1,5\n1,6\n2,5\n", "products.csv").findings.notes
    assert any("orders.csv` says which `user_id` each `order_id` is of" in note for note in notes)


def test_rows_without_user_may_be_dropped_or_be_sessions(read: ReadText) -> None:
    text = "session_id;user_id;item_id\n1;7;5\n1;NA;6\n2;NA;5\n2;8;6\n"
    with pytest.raises(InputError, match="which stands for a missing one") as caught:
        read(text)
    assert "--columns session=session_id`" in caught.value.hint
    assert "--drop-incomplete`" in caught.value.hint


def test_refuses_lists_as_sessions(read: ReadText) -> None:
    with pytest.raises(InputError, match="cannot be the session"):
        read('{"id": 1, "items": [1, 2]}\n', "a.json", columns={"session": "items[]"})


def test_blocks_may_be_in_many_files(read: ReadText, tmp_path: Any) -> None:
    folder = tmp_path / "training_set"
    folder.mkdir()
    for item in range(1, 4):
        (folder / f"mv_000000{item}.txt").write_text(
            f"{item}:\n5,3,2005-09-0{item}\n6,4,2005-08-0{item}\n"
        )
    from seqrec_cli.core.data.reading.log import read_log
    from seqrec_cli.core.data.reading.options import Reading
    from seqrec_cli.core.data.reading.sources import TextSource

    log = read_log(TextSource(folder), Reading())
    assert histories(log) == {"5": ["1", "2", "3"], "6": ["1", "2", "3"]}
