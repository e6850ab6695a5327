"""What was taken for what is said."""

import shlex

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


def test_says_which_numbers_without_a_name_may_be_the_time(read: ReadText) -> None:
    rows = "".join(f"{n % 7},i{n % 11},{'ab'[n % 2]},{n * 977 % 4001}\n" for n in range(60))
    assert any("`--columns time=4`" in note for note in read(rows).findings.notes)


def test_says_that_an_item_comes_but_once(read: ReadText) -> None:
    rows = "".join(f"{n % 7},{n * 977 % 4001}\n" for n in range(60))
    notes = read("user,item_id\n" + rows).findings.notes
    assert any("no value of `item_id` comes twice" in note for note in notes)
