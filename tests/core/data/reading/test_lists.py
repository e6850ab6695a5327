"""Lists in cells: what Python cuts, the engine cuts alike."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.lists import cut_sql, cut_values, list_form, looks_nested


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["[8, 9]", "[7]"], ["8", "9"]),
        (["{8,9}", "{7}"], ["8", "9"]),
        (["['a' 'b']", "['c']"], ["a", "b"]),
        (["['a', 'b']", "['c']"], ["a", "b"]),
        (['["a", "b"]', '["c"]'], ["a", "b"]),
        (["(8, 9)", "(7, 6)"], ["8", "9"]),
        (["8|9", "7|6|5"], ["8", "9"]),
        (["8;9", "7;6;5"], ["8", "9"]),
        (["8,9", "7,6,5"], ["8", "9"]),
        (["8 9", "7 6 5"], ["8", "9"]),
        (["N8-1 N9-1 N3-0", "N1-0 N2-1"], ["N8", "N9"]),
    ],
)
def test_knows_a_form(cells: list[str], values: list[str]) -> None:
    form = list_form(cells)
    assert form is not None
    separator, cut = form
    assert cut_values(cells[0], separator) == values
    assert duckdb.sql(f"SELECT {cut(quoted(cells[0]))}").fetchall() == [(values,)]


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["1", "2"],
        ["Toy Story", "The Net"],
        ["1,5", "2,5"],  # decimal commas
        ["2024-05-31 12:00", "2024-05-31 13:00"],
        ['{"a": 1}', '{"a": 2}'],
        ["Smith, John", "Doe, Jane"],
    ],
)
def test_other_cells_are_no_lists(cells: list[str]) -> None:
    assert list_form(cells) is None


def test_nested_is_what_has_brackets_all_around() -> None:
    assert looks_nested(["[1]", " {2}".strip()])
    assert not looks_nested(["[1] and more"])
    assert not looks_nested(["1"])


PIECES = st.text("ab1é '\"\n", max_size=4)


@settings(deadline=None)
@given(pieces=st.lists(PIECES, max_size=5), separator=st.sampled_from("|;,# "))
def test_the_engine_cuts_as_python_does(pieces: list[str], separator: str) -> None:
    cell = separator.join(pieces)
    (found,) = duckdb.sql(f"SELECT {cut_sql(quoted(cell), separator)}").fetchall()[0]
    assert found == cut_values(cell, separator)


def test_numbers_in_groups_are_no_lists() -> None:
    grouped = [f"00 {n:02} {n * 7 % 900:03}" for n in range(10, 40)]
    assert list_form(grouped) is None
    assert list_form([f"{n} {n * 7 % 90} {n * 3 % 400}" for n in range(10, 40)]) is not None
