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
