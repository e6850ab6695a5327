"""Columns that say when and are not read are named, with an option that works."""

import shlex

import pytest

from tests.core.data.reading.conftest import ReadText
from tests.core.data.reading.test_dated_numbers import log_of


def unread(read: ReadText, header: str, cells: list[str]) -> list[str]:
    notes = read(log_of(header, cells)).findings.notes
    return [note for note in notes if "may say when, and is not read" in note]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Period", [f"P{n % 12 + 1}/FY{n % 3 + 21}" for n in range(60)]),
        ("Booked on", [f"day {n} of the fair" for n in range(60)]),
        ("Read", [str(45291 - n * 11) for n in range(60)]),
        (
            "التوقيت",
            [f"١٤٤٤/٠{n % 9 + 1}/١{n % 10} ١٠:٢٠" for n in range(60)],
        ),  # of a year of Islam
        ("moment", [f"1444-0{n % 9 + 1}-1{n % 10}" for n in range(60)]),
    ],
)
def test_what_may_say_when_is_named(read: ReadText, header: str, cells: list[str]) -> None:
    (note,) = unread(read, header, cells)
    assert note.startswith(f"`{header}` may say when")
    option, value = shlex.split(note.rpartition(": `")[2].removesuffix("`"))
    assert option == "--columns"
    role, _, name = value.partition("=")
    log = read(log_of(header, cells), columns={role: name})
    assert (log.rows.times is None) == (name == "none")
    assert not any("may say when" in note for note in log.findings.notes)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("price", [str(n) for n in range(60)]),
        ("read", [str(n % 2) for n in range(60)]),
        ("sold", [str(n % 9) for n in range(60)]),
        ("Quarter", ["1"] * 60),
        ("title", [f"Fall {n}" for n in range(60)]),
        ("release_month", [str(n % 12) for n in range(60)]),
        ("period_price", [str(n % 12) for n in range(60)]),
        ("search_term", [f"iphone {n % 9 + 6} case" for n in range(60)]),
        ("search_term", [f"calendar {n % 9 + 2016}" for n in range(60)]),
        ("loan_term", [str(n % 3 * 12 + 36) for n in range(60)]),
        ("term", [f"{n % 3 * 12 + 36} months" for n in range(60)]),
        ("period", [str(n % 12 + 1) for n in range(60)]),
        ("quarter", [str(n % 4 + 1) for n in range(60)]),
        ("semester", [f"{n % 6 + 1}. Sem." for n in range(60)]),
        ("paid", [f"${n % 9}.00" for n in range(60)]),
        ("viewed", [f"{n % 90}%" for n in range(60)]),
        ("streamed", [str(38_000 + n * 37 % 150 * 40) for n in range(60)]),
    ],
)
def test_what_says_nothing_of_when_is_not(read: ReadText, header: str, cells: list[str]) -> None:
    assert not unread(read, header, cells)


def test_beside_a_time_nothing_is_said(read: ReadText) -> None:
    cells = [f"{n % 4 + 1},2023-12-{n % 9 + 10}" for n in range(60)]
    assert not unread(read, "Quarter,date", cells)
