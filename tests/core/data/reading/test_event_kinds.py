"""Columns that say what kind of event a row is, and what to leave out by them."""

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
