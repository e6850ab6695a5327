"""What a column's values look like, held against Python's own reading of them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Column


def profile(*cells: str | None) -> Profile:
    return Profile(Column("x", "x", cells=cells), 0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_numbers_are_numbers_and_keep_their_values(numbers: list[float]) -> None:
    found = profile(*(f"{number:f}" for number in numbers))
    assert found.numeric
    assert found.numbers == [float(f"{number:f}") for number in numbers]
    assert found.whole_valued == all(float(f"{number:f}").is_integer() for number in numbers)
    assert found.is_flag == all(float(f"{number:f}") in (0, 1) for number in numbers)
    commas = profile(*(f"{number:f}".replace(".", ",") for number in numbers))
    assert not commas.numeric
    assert commas.comma_numeric
    assert commas.numbers == found.numbers


@given(st.text("abxyz -_", min_size=1))
def test_letters_are_no_numbers(text: str) -> None:
    with contextlib.suppress(ValueError):
        float(text)
        raise AssertionError("not a case of this test")
    assert not profile(text).numeric


@pytest.mark.parametrize("missing", [None, "", "  ", "NULL", "n/a", "\\N", "NaN"])
def test_a_word_for_a_missing_value_is_none(missing: str | None) -> None:
    found = profile("7", missing, "8", missing)
    assert found.values == ["7", "8"]
    assert found.filled == 0.5
    assert found.distinct == 2


@pytest.mark.parametrize(
    ("cells", "is_row_number"),
    [
        (["1", "2", "3"], True),
        (["5", "6", "7"], True),
        (["1", "2", "4"], False),
        (["3", "2", "1"], False),
        (["1", "2"], False),
        (["a", "b", "c"], False),
    ],
)
def test_row_numbers_go_up_by_one(cells: list[str], is_row_number: bool) -> None:
    assert profile(*cells).is_row_number == is_row_number


@pytest.mark.parametrize("text", ["true", "1.5", "2020-03-04", "[1, 2]"])
def test_truths_fractions_dates_and_lists_are_no_ids(text: str) -> None:
    assert not profile(text, text).may_be_id
    assert profile("a17", text[0] + "b").may_be_id
