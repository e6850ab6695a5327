"""Baskets of names in cells: said, and cut where the user names the column."""

import random
import re
import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.baskets import separator_of, without_amount
from tests.core.data.reading.conftest import ReadText, rows_of

THINGS = [f"{kind} {n}" for kind in ("Red Mug", "Lamp", "Old Map", "Ink") for n in range(3)]
DRAW = random.Random(4)
BASKETS = [DRAW.sample(THINGS, DRAW.choice((1, 2, 3, 3))) for _ in range(120)]


@pytest.mark.parametrize("separator", ["; ", " | ", "\n", ", ", " + ", " / "])
@pytest.mark.parametrize(
    "written", ["{}", "2 x {}", "1x {}", "{} (2)", "{} (x12)", "{} x3", "×2 {}"]
)
def test_a_basket_is_said_and_cut_where_it_is_named(
    read: ReadText, separator: str, written: str
) -> None:
    rows = [
        (f"c{n % 9}", separator.join(map(written.format, basket)), f"2023-01-{n % 28 + 1:02}")
        for n, basket in enumerate(BASKETS)
    ]
    text = "customer,products,date\n" + "".join(f'{u},"{i}",{t}\n' for u, i, t in rows)
    (note,) = [n for n in read(text).findings.notes if "cells of `products`" in n]
    if separator in (", ", " / ") and written == "{}":  # names have these too
        assert "write a row for each" in note
        assert len(read(text, columns={"item": "products"}).rows.users) == len(rows)
        return
    option, value = shlex.split(re.findall(r"`([^`]+)` makes a row of each", note)[0])
    assert (option, value) == ("--columns", "item=products")
    log = read(text, columns={"item": "products"})
    expected = [(u, i) for (u, _, _), own in zip(rows, BASKETS, strict=True) for i in own]
    assert [row[:2] for row in rows_of(log)] == expected


@pytest.mark.parametrize(
    "values",
    [
        [f"Town {n % 30}, Land {n % 5}" for n in range(60)],  # always as many
        ["Apollo 13 (2)", "Ten, Nine", "Blade; Runner"] * 20,  # whole cells come as often
        [f"Item {n}" for n in range(60)],
    ],
)
def test_other_names_are_no_baskets(values: list[str]) -> None:
    assert separator_of(values) == ""


@given(name=st.text("abcXé ", min_size=1, max_size=12).map(str.strip).filter(bool))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_name_is_left_as_it_is(name: str) -> None:
    assert without_amount(name) == name


@pytest.mark.parametrize(
    "name", ["Apollo 13", "(500) Days of Summer", "10 Things", "Xbox 360", "7x7"]
)
def test_numbers_of_a_name_are_no_amounts(name: str) -> None:
    assert without_amount(name) == name
