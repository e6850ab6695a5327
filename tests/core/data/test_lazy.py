"""Arrays that are read by parts give what arrays in memory give."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqrec_cli.core.data import lazy
from seqrec_cli.core.data.lazy import Chained, Interleaved, Shifted, chained, is_lazy
from seqrec_cli.errors import DatasetError

PIECES = st.lists(st.lists(st.integers(-9, 9), max_size=5), min_size=2, max_size=5)


def arrays(lists: list[list[int]]) -> list[NDArray[Any]]:
    return [np.array(each, np.int32) for each in lists]


def check(found: Any, whole: NDArray[Any], data: st.DataObject) -> None:
    """`found` acts as `whole`."""
    assert (len(found), found.dtype, found.shape) == (len(whole), whole.dtype, whole.shape)
    np.testing.assert_array_equal(np.asarray(found), whole)
    start, stop = (data.draw(st.integers(-len(whole) - 1, len(whole) + 1)) for _ in range(2))
    np.testing.assert_array_equal(found[start:stop], whole[start:stop])
    np.testing.assert_array_equal(found[::-2], whole[::-2])
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole))))
    np.testing.assert_array_equal(found[mask.astype(bool)], whole[mask.astype(bool)])
    if len(whole):
        places = np.array(data.draw(st.lists(st.integers(-len(whole), len(whole) - 1))), np.int64)
        np.testing.assert_array_equal(found[places], whole[places])
        np.testing.assert_array_equal(found[places[:, None]], whole[places[:, None]])
        assert found[-1] == whole[-1]
        assert (found.min(), found.max()) == (whole.min(), whole.max())
    assert found.max(initial=3) == whole.max(initial=3)
    np.testing.assert_array_equal(found * 2 == whole, whole * 2 == whole)
    np.testing.assert_array_equal(found.astype(np.int64), whole)
    assert found.tobytes() == whole.tobytes()
    assert list(found) == whole.tolist()


@given(PIECES, st.data())
def test_pieces_are_one_array(lists: list[list[int]], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy, "BLOCK", 3)
        check(Chained(arrays(lists)), np.concatenate(arrays(lists)), data)


@given(PIECES, st.data())
def test_runs_are_where_they_lie(lists: list[list[int]], data: st.DataObject) -> None:
    pieces = arrays(lists)
    order = data.draw(st.permutations(range(len(pieces))))
    begin = np.cumsum([0, *map(len, pieces)])
    offsets = np.cumsum([0, *(len(pieces[run]) for run in order)])
    shifts = begin[list(order)] - offsets[:-1]
    whole = np.concatenate([pieces[run] for run in order])
    check(Shifted(np.concatenate(pieces), offsets, shifts), whole, data)


@given(PIECES, st.data())
def test_two_arrays_interleave_user_by_user(lists: list[list[int]], data: st.DataObject) -> None:
    own = arrays(lists)
    later = [piece[: data.draw(st.integers(0, len(piece)))] for piece in own]
    offsets = [np.cumsum([0, *map(len, pieces)]) for pieces in (own, later)]
    found = Interleaved(np.concatenate(own), np.concatenate(later), *offsets)
    pairs = zip(own, later, strict=True)
    check(found, np.concatenate([piece for pair in pairs for piece in pair]), data)


def test_one_piece_is_itself() -> None:
    piece = np.arange(3)
    assert chained([piece]) is piece
    assert is_lazy(piece, chained([piece, piece]))


def test_texts_are_as_wide_as_the_widest() -> None:
    found = Chained([np.array(["a"]), np.array(["bcd"])])
    assert found[[1, 0]].tolist() == ["bcd", "a"]
    assert found[:1].dtype == "U3"


def test_a_place_outside_is_refused() -> None:
    found = Chained([np.arange(2), np.arange(2)])
    for places in ([4], [-5]):
        with pytest.raises(IndexError):
            found[np.array(places)]
    with pytest.raises(IndexError):
        found[np.array([True])]


def test_refuses_to_take_what_memory_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Chained([np.arange(100), np.arange(100)])
    monkeypatch.setattr(lazy, "total_memory", lambda: 2000)
    assert found[:10].sum() == 45
    for whole in (lambda: np.asarray(found), lambda: found + 1, lambda: found.tobytes()):
        with pytest.raises(DatasetError, match="in memory at once"):
            whole()
