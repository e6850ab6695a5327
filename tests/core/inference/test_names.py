"""Ids and titles are found as users type them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqrec_cli.core.inference.names import Names, find_history, find_users, read_ids
from seqrec_cli.errors import InputError


def test_ids_that_look_like_options_or_odd_digits_are_unknown_not_a_crash() -> None:
    for text in ("--5", "²", "-", str(10**30)):
        with pytest.raises(InputError, match="there is no user"):
            find_users(INTEGERS, [text], "toy")


def test_a_title_with_a_semicolon_can_be_given_alone() -> None:
    assert find_history(INTEGERS, "Up; Down (2009)")[0].tolist() == [3]


INTEGERS = Names(
    np.array([30, 10, 20]), np.array(["Heat (1995)", "heat (1972)", "Up; Down (2009)"])
)


STRINGS = Names(np.array(["u1", "u3", "alice"]))


def test_ids_are_found_as_they_were_in_the_source() -> None:
    assert [INTEGERS.find_id(text) for text in ("30", "10", "20")] == [0, 1, 2]
    assert [INTEGERS.find_id(text) for text in ("5", "x", str(2**70), "")] == [None] * 4
    assert [STRINGS.find_id(text) for text in ("u1", "u3", "alice", "u2")] == [0, 1, 2, None]


def test_an_unknown_user_is_told_with_the_nearest() -> None:
    assert find_users(STRINGS, ["u3", "u1"], "toy").tolist() == [1, 0]
    with pytest.raises(InputError, match="no user `alicia` in the dataset `toy`") as caught:
        find_users(STRINGS, ["alicia"], "toy")
    assert "alice" in caught.value.hint
    with pytest.raises(InputError) as caught:
        find_users(INTEGERS, ["19"], "toy")
    assert caught.value.hint.startswith("the nearest ids are 20")


def test_a_history_is_ids_or_titles() -> None:
    assert find_history(INTEGERS, "10 30,20")[0].tolist() == [2, 1, 3]
    assert find_history(INTEGERS, "HEAT (1995)")[0].tolist() == [1]
    assert find_history(INTEGERS, "heat (1972); 20")[0].tolist() == [2, 3]
    items, unknown = find_history(INTEGERS, "10 11 12")
    assert (items.tolist(), unknown) == ([2], ["11", "12"])
    with pytest.raises(InputError, match="`heat` is the title of several items") as caught:
        find_history(INTEGERS, "heat; 20")
    assert "Heat (1995) [30]" in caught.value.hint
    with pytest.raises(InputError, match="no item of the history is known: `7`, `8`"):
        find_history(INTEGERS, "7 8")
    with pytest.raises(InputError, match="the history is empty"):
        find_history(INTEGERS, " ; ")


TEXTS = st.text("0123u\0 +-", max_size=4)
# Of the source: an array holds no zeros at the end of a text.
IDS = st.lists(TEXTS.map(lambda text: text.rstrip("\0")), unique=True).map(
    lambda ids: np.array(ids, np.str_)
)
NUMBERS = st.lists(st.integers(-30, 30), unique=True).map(lambda ids: np.array(ids, np.int64))


@given(IDS | NUMBERS, st.lists(TEXTS))
def test_many_ids_are_found_as_each_alone(ids: NDArray[Any], asked: list[str]) -> None:
    names = Names(ids)
    known = [str(each) for each in ids.tolist()]
    texts = [*known, *asked, str(2**63), "9" * 30]
    found = names.find_ids(texts).tolist()
    assert found[: len(known)] == list(range(len(known)))
    assert found == [-1 if (at := names.find_id(text)) is None else at for text in texts]


def test_ids_are_read_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    path.write_bytes(b"\xef\xbb\xbf1\r\n 2 \r\n\r\n3")
    assert read_ids(path) == ["1", "2", "3"]
    path.write_text("\n\n")
    with pytest.raises(InputError, match="has no ids"):
        read_ids(path)
    with pytest.raises(InputError, match="No such file"):
        read_ids(tmp_path / "none.txt")
    path.write_bytes(b"1\n\xff\n")
    with pytest.raises(InputError, match="not UTF-8 text, byte 2"):
        read_ids(path)


def test_an_unknown_item_is_told_with_the_nearest_ids_and_titles() -> None:
    names = Names(np.array(["tent-2", "mat"]), np.array(["Shelter (red)", "Sleeping mat"]))
    assert names.nearest("tnt-2", 1) == ["tent-2"]
    assert names.nearest("sleping mat", 1) == ["Sleeping mat"]
    with pytest.raises(InputError) as caught:
        find_history(names, "tnt-2")
    assert "tent-2" in caught.value.hint
