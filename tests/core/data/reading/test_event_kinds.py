"""Columns that say what kind of event a row is, and what to leave out by them."""

import json
import shlex

import pytest

from seqrec_cli.core.data.reading.event_kinds import option_for
from tests.core.data.reading.conftest import ReadText


def log_of(header: str, values: list[str]) -> str:
    rows = [
        f"c{n % 7},p{n * 7 % 11},{values[n % len(values)]},{1_500_000_000 + n}\n" for n in range(60)
    ]
    return f"customer,product,{header},time\n{''.join(rows)}"


@pytest.mark.parametrize(
    ("header", "values", "left_out"),
    [
        ("direction", ["right", "left"], {"left"}),
        ("isPositive", ["true", "false"], {"false"}),
        ("value", ["1", "0", "-1"], {"0", "-1"}),
        ("VOT", ["1", "-1"], {"-1"}),
        ("vote", ["aye", "no"], {"no"}),
        ("response", ["yes", "no", "waitlist"], {"no"}),
        ("state", ["saved", "dismissed"], {"dismissed"}),
        ("decision", ["hired", "not_interested"], {"not_interested"}),
        ("skipped", ["FALSE", "TRUE"], {"TRUE"}),
        ("ballot", ["for", "against"], {"against"}),
        ("Transaction", ["Check Out", "Check In", "Renewal"], {"Check In"}),
        ("clicked", ["0", "0", "0", "1"], {"0"}),
        ("feedback", ["dislike", "dislike", "like"], {"dislike"}),
    ],
)
def test_answers_are_told_with_what_leaves_out_the_unwanted(
    read: ReadText, header: str, values: list[str], left_out: set[str]
) -> None:
    text = log_of(header, values)
    (kind,) = read(text).findings.kinds
    assert kind.column == header
    log = read(text, where=(shlex.split(kind.option)[1],))
    kept = sum(values[n % len(values)] not in left_out for n in range(60))
    assert len(log.rows.users) == kept


@pytest.mark.parametrize(
    ("header", "values", "option"),
    [
        ("btag", ["pv", "pv", "cart", "fav", "buy"], "btag = 'pv'"),
        ("operation", ["view", "view", "purchase"], "operation = 'view'"),
        ("type", ["0", "0", "2", "3"], "type = '0'"),  # codes say nothing
        ("is_cancelled", ["false", "false", "true"], "is_cancelled not in ('true')"),
        ("is_returned", ["0", "0", "1"], "is_returned not in ('1')"),
        ("is_bot", ["no", "yes"], "is_bot not in ('yes')"),
        ("is_weekend", ["false", "false", "true"], "is_weekend = 'false'"),
        ("has_discount", ["1", "1", "0"], "has_discount = '1'"),
    ],
)
def test_kinds_of_events_are_told(
    read: ReadText, header: str, values: list[str], option: str
) -> None:
    (kind,) = read(log_of(header, values)).findings.kinds
    assert shlex.split(kind.option) == ["--where", option]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("side", ["left", "right"]),  # of a shelf
        ("stock", ["yes", "no"]),
        ("colour", ["red", "blue", "green"]),
        ("shelf", ["hold", "north", "south"]),
        ("floor", ["0", "1", "2"]),
        ("vote", ["aye", "abstain"]),
        ("helpful_votes", ["0", "1", "2"]),
        ("response_ms", ["0", "20", "30"]),
        ("trip_direction", ["0", "1"]),
        ("genre", ["against", "pop", "rock", "folk", "soul", "jazz", "blues"]),
    ],
)
def test_other_columns_are_no_kinds(read: ReadText, header: str, values: list[str]) -> None:
    assert not read(log_of(header, values)).findings.kinds


@pytest.mark.parametrize(
    ("header", "values", "option"),
    [
        (
            "Status płatności",
            ["opłacone", "anulowana"],
            "\"Status płatności\" not in ('anulowana')",
        ),
        ("Lieferstatus", ["unterwegs", "da", "da"], "Lieferstatus = 'da'"),
        ("注文状態", ["出荷済み", "返品"], "注文状態 not in ('返品')"),
        ("ending", ["came", "Late cancel", "No-show"], "ending not in ('Late cancel', 'No-show')"),
        ("Refunded?", ["0", "0", "1"], "\"Refunded?\" not in ('1')"),
    ],
)
def test_a_status_is_told_in_any_language(
    read: ReadText, header: str, values: list[str], option: str
) -> None:
    text = log_of(header, values)
    (kind,) = read(text).findings.kinds
    assert shlex.split(kind.option) == ["--where", option]
    assert len(read(text, where=(option,)).rows.users) < 60


def test_a_status_of_the_user_or_the_item_is_no_kind(read: ReadText) -> None:
    for status in ("c{}".format, "p{}".format):
        rows = []
        for n in range(60):
            number = n % 7 if status(0) == "c0" else n * 7 % 11
            rows.append(f"c{n % 7},p{n * 7 % 11},{'sold' if number % 2 else 'on sale'},{n}\n")
        assert not read(f"customer,product,Zustand,time\n{''.join(rows)}").findings.kinds


@pytest.mark.parametrize(
    ("header", "values", "option"),
    [
        ("rented", ["0", "0", "1"], "rented not in ('0')"),
        ("booking_bool", ["0", "1"], "booking_bool not in ('0')"),
        ("Finished?", ["no", "yes"], "\"Finished?\" not in ('no')"),
        ("long_view", ["false", "true"], "long_view not in ('false')"),
        ("dislike", ["0", "0", "1"], "dislike not in ('1')"),
    ],
)
def test_a_flag_of_what_was_done_is_told(
    read: ReadText, header: str, values: list[str], option: str
) -> None:
    text = log_of(header, values)
    (kind,) = read(text).findings.kinds
    assert shlex.split(kind.option) == ["--where", option]
    kept = sum(values[n % len(values)] in ("1", "yes", "true") for n in range(60))
    kept = 60 - kept if header == "dislike" else kept
    assert len(read(text, where=(option,)).rows.users) == kept


@pytest.mark.parametrize("owner", [7, 11])
def test_a_flag_of_the_user_or_the_item_is_not(read: ReadText, owner: int) -> None:
    rows = []
    for n in range(60):
        numbers = {7: n % 7, 11: n * 7 % 11}
        rows.append(f"c{numbers[7]},p{numbers[11]},{numbers[owner] % 2},{n}\n")
    assert not read(f"customer,product,featured,time\n{''.join(rows)}").findings.kinds


@pytest.mark.parametrize("header", ["promo", "weekend", "mobile"])
def test_other_flags_are_no_kinds(read: ReadText, header: str) -> None:
    assert not read(log_of(header, ["0", "1", "1"])).findings.kinds


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("aktion", ["Exposé offen", "Anfrage"]),
        ("Type d'action", ["Alerte", "Message"]),
        ("what", ["просмотр", "клик", "прочее"]),
        ("what", ["stream", "skip"]),
    ],
)
def test_what_people_do_is_told_in_any_language(
    read: ReadText, header: str, values: list[str]
) -> None:
    (kind,) = read(log_of(header, values)).findings.kinds
    assert kind.column == header


def lists_of(kind_of_row: str) -> tuple[str, str]:
    """A log whose rows hold lists of items, in two forms; `kind_of_row` is of user or row."""
    lines, records = [], []
    for n in range(60):
        items = [f"p{(n * 7 + k) % 11}" for k in range(1 + n % 3)]
        said = ["shown", "taken"][(n if kind_of_row == "row" else n % 7) % 2]
        lines.append(f"u{n % 7},{said},{'|'.join(items)},{1_600_000_000 + n}\n")
        record = {"user": f"u{n % 7}", "event": said, "ts": 1_600_000_000 + n}
        records.append(json.dumps(record | {"items": [{"id": item} for item in items]}))
    return f"user,event,item_ids,ts\n{''.join(lines)}", "\n".join(records)


@pytest.mark.parametrize("form", [0, 1])
def test_a_kind_beside_a_list_holds_for_each_of_its_items(read: ReadText, form: int) -> None:
    text, name = lists_of("row")[form], ["log.csv", "log.jsonl"][form]
    log = read(text, name)
    (kind,) = log.findings.kinds
    # Even rows were shown: 1, 3, 2 items in turn.
    assert kind.counts == {"shown": 60, "taken": 60}
    assert len(log.rows.users) == 120
    (option,) = shlex.split(kind.option)[1:]
    assert option == "event = 'shown'"
    assert len(read(text, name, where=(option,)).rows.users) == 60


@pytest.mark.parametrize("form", [0, 1])
def test_beside_a_list_what_each_user_has_one_of_is_no_kind(read: ReadText, form: int) -> None:
    text, name = lists_of("user")[form], ["log.csv", "log.jsonl"][form]
    assert not read(text, name).findings.kinds


def test_beside_the_items_before_a_target_nothing_is_a_kind(read: ReadText) -> None:
    """Of such rows one of each user is read, so that the label is of its last item alone."""
    rows = "".join(
        f"u{u},p{n},{' '.join(f'p{k}' for k in range(n))},{n % 2}\n"
        for u in range(9)
        for n in range(1, 7 + u % 2)
    )
    log = read(f"session_id,item_id,item_id_list,label\n{rows}")
    assert len(log.rows.users) == 5 * 7 + 4 * 8
    assert not log.findings.kinds


def test_where_all_is_unwanted_the_most_frequent_is_the_example() -> None:
    assert shlex.split(option_for("vote", {"against": 5, "no": 2}))[1] == "vote not in ('against')"
    assert shlex.split(option_for("vote", {"no": 5, "nein": 2}))[1] == "vote = 'no'"
    assert shlex.split(option_for("lost", {"0": 5, "1": 2, "": 1}))[1] == "lost = '0'"
    assert (
        shlex.split(option_for("refunded", {"0": 5, "1": 2, "": 1}))[1] == "refunded not in ('1')"
    )


def test_letters_are_truths_beside_their_opposites_alone() -> None:
    assert shlex.split(option_for("op_code", {"o": 5, "f": 2, "n": 1}))[1] == "op_code = 'o'"
    assert shlex.split(option_for("liked", {"f": 5, "t": 2}))[1] == "liked not in ('f')"
    assert shlex.split(option_for("skipped", {"N": 5, "Y": 2}))[1] == "skipped not in ('Y')"
