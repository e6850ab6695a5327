"""The rows of a log as arrays: ids, repeats, ratings."""

from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading import delimited
from tests.core.data.reading.conftest import ReadText, rows_of


@pytest.mark.parametrize(
    ("repeats", "items"), [("keep", "aabac"), ("collapse", "abac"), ("first", "abc")]
)
def test_repeats_may_be_left_out(read: ReadText, repeats: str, items: str) -> None:
    text = "user,item,ts\n" + "".join(f"1,{i},{n}\n" for n, i in enumerate("aabac", 1500000000))
    assert "".join(row[1] for row in rows_of(read(text, repeats=repeats))) == items


def test_ids_are_numbers_only_if_all_are_spelled_so(read: ReadText) -> None:
    assert rows_of(read("user,item\n7.0,01\n2.0,2\n")) == [(7, "01"), (2, "2")]
    assert rows_of(read("user,item\n7.5,1\n2.0,2\n")) == [("7.5", 1), ("2.0", 2)]
    assert rows_of(read("user,item\n 7 ,1\n2,2\n")) == [(7, 1), (2, 2)]


ODD = ["007", "+7", "-7", "1e3", "1E2", "0x10", "7.0", "7.5", ".5", "1_0", " 7", "7 ", "-0", "00"]


@pytest.mark.parametrize("first", ODD)
@pytest.mark.parametrize("second", ["", "007", "1e3", "0x1"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_odd_numbers_in_a_large_log_are_read_as_in_a_small_one(
    read: ReadText, first: str, second: str, delimiter: str
) -> None:
    lines = [f"{n % 97}{delimiter}{first if n == 20 else n % 89}\n" for n in range(2000)]
    if second:
        lines[30] = f"5{delimiter}{second}\n"
    text = f"user{delimiter}item\n" + "".join(lines)
    plain = rows_of(read(text))
    with mock.patch.object(delimited, "WORTH_A_LOOK", 0):
        assert rows_of(read(text)) == plain


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    pairs=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=3, max_size=20),
    repeats=st.sampled_from(["keep", "collapse", "first"]),
)
def test_repeats_are_those_that_a_walk_finds(
    read: ReadText, pairs: list[tuple[int, int]], repeats: str
) -> None:
    text = "user,item\n" + "".join(f"u{u},i{i}\n" for u, i in pairs)
    log = read(text, repeats=repeats, columns={"user": "user", "item": "item"})
    expected, last, seen = [], {}, set()
    for user, item in pairs:
        again = last.get(user) == item if repeats == "collapse" else (user, item) in seen
        last[user] = item
        seen.add((user, item))
        if repeats == "keep" or not again:
            expected.append((f"u{user}", f"i{item}"))
    assert rows_of(log) == expected
    assert log.rows.rows_read == len(expected) + sum(log.rows.dropped.values())
