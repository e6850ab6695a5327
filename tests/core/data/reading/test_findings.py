"""What was taken for what is said."""

import shlex

import pytest

from tests.core.data.reading.conftest import ReadText


def test_names_what_was_taken_and_what_was_not(read: ReadText) -> None:
    log = read("user,item,ts,event,price\n1,a,1500000000,view,3\n1,b,1500000001,buy,4\n")
    found = log.findings
    assert [(t.role, t.column, t.example) for t in found.taken] == [
        ("user", "user", "1"),
        ("item", "item", "a"),
        ("time", "ts", "1500000000"),
    ]
    assert found.unused == ("event", "price")
    assert found.order == "by `ts`, seconds"
    (kind,) = found.kinds
    assert (kind.column, kind.counts, kind.filtered) == ("event", {"buy": 1, "view": 1}, False)
    assert shlex.split(kind.option) == ["--where", "event = 'buy'"]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("order_status", ("paid", "cancelled")),
        ("fulfillment", ("shipped", "Refunded")),
        ("zustand", ("versandt", "storniert")),
        ("état", ("payé", "annulé")),
    ],
)
def test_what_was_undone_later_is_told_with_what_leaves_it_out(
    read: ReadText, header: str, values: tuple[str, str]
) -> None:
    rows = (f"c{n % 7},p{n % 11},{values[n % 3 == 0]},{1_500_000_000 + n}\n" for n in range(60))
    text = f"customer,product,{header},time\n{''.join(rows)}"
    (kind,) = read(text).findings.kinds
    assert kind.counts == {values[0]: 40, values[1]: 20}
    log = read(text, where=(shlex.split(kind.option)[1],))
    assert len(log.rows.users) == 40


def test_a_status_is_told_whatever_it_says(read: ReadText) -> None:
    rows = (f"c{n % 7},p{n % 11},{n % 3 and 'open'},{1_500_000_000 + n}\n" for n in range(60))
    (kind,) = read(f"customer,product,order_status,time\n{''.join(rows)}").findings.kinds
    assert kind.counts == {"open": 40, "0": 20}


def test_a_column_that_says_the_same_of_all_rows_is_no_kind(read: ReadText) -> None:
    rows = (f"c{n % 7},p{n % 11},returned,{1_500_000_000 + n}\n" for n in range(60))
    assert not read(f"customer,product,fulfillment,time\n{''.join(rows)}").findings.kinds


def test_why_a_column_is_not_the_time_is_said_once(read: ReadText) -> None:
    terms = ("Fall 2012", "Spring 2013", "Fall 2013")
    rows = "".join(f"{n % 9},{n * 7 % 12},{terms[n * 7 % 12 % 3]}\n" for n in range(90))
    notes = read(f"user,item,term\n{rows}").findings.notes
    (note,) = (note for note in notes if note.startswith("`term`"))
    assert "always the same for an item" in note
