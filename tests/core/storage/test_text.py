"""What a terminal is shown as JSON is what it says, and nothing that steers the terminal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.storage.text import to_json


def test_escapes_controls_marks_and_separators_and_no_letters() -> None:
    shown = to_json({"title": "Fi\x9b31mlm \u202egnp.exe \x7f\u2028 Amélie 東京 😀"})
    assert shown == ('{"title": "Fi\\u009b31mlm \\u202egnp.exe \\u007f\\u2028 Amélie 東京 😀"}')


@given(st.text())
def test_what_is_read_back_is_the_same(text: str) -> None:
    shown = to_json([text], indent=2)
    assert json.loads(shown) == [text]
    assert all(c.isprintable() or c == "\n" for c in shown)


def test_refuses_numbers_that_are_none() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json(float("nan"))
