"""Work by pieces gives what NumPy gives for the whole."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data import pieces


@settings(deadline=None, max_examples=40)
@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9))
def test_the_rows_of_a_mask(mask: list[bool], size: int) -> None:
    column, wanted = np.arange(len(mask), dtype=np.int32), np.array(mask, bool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_ROWS", size)
        got = pieces.chosen(column, wanted)
        counted = pieces.sum_over(lambda piece: np.count_nonzero(wanted[piece]), len(mask))
    np.testing.assert_array_equal(got, column[wanted])
    assert got.dtype == column.dtype
    assert counted == sum(mask)


def test_results_come_in_the_order_of_the_pieces() -> None:
    cut = pieces.row_pieces(10, 3)
    assert cut == [slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 10)]

    def slow_first(piece: slice) -> int:
        time.sleep(0.05 if piece.start == 0 else 0)
        return int(piece.start)

    assert list(pieces.on_cores(slow_first, cut)) == [0, 3, 6, 9]
    assert pieces.row_pieces(0) == []


def test_a_failure_ends_the_work() -> None:
    done = []
    lock = threading.Lock()

    def work(piece: slice) -> None:
        if piece.start == 0:
            raise ValueError("the first")
        time.sleep(0.01)
        with lock:
            done.append(piece.start)

    with pytest.raises(ValueError, match="the first"):
        pieces.each_piece(work, 1000, 1)
    assert len(done) < 900  # the rest was given up
