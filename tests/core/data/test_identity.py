"""Marks say whether an id was there, whatever else was."""

import numpy as np

from seqrec_cli.core.data.identity import is_marked, marks_of


def test_texts_that_were_there_are_marked_and_others_are_not() -> None:
    texts = [f"user {n}" for n in range(2000)] + ["", "é", "a" * 90, "ab", "ba"]
    marks = marks_of(np.array(texts))
    assert len(np.unique(marks)) == len(texts)
    assert all(is_marked(text, marks, numbers=False) for text in texts)
    for text in ("user 2000", "user", "aa", "b" * 90, "user 1 "):
        assert not is_marked(text, marks, numbers=False)


def test_numbers_are_their_own_marks() -> None:
    marks = marks_of(np.array([7, -3, 10**17]))
    assert marks.tolist() == [-3, 7, 10**17]
    assert is_marked("-3", marks, numbers=True)
    for text in ("3", "7.0", "seven", "", "9" * 30):
        assert not is_marked(text, marks, numbers=True)
    assert not is_marked("7", marks_of(np.array([], np.int64)), numbers=True)
    assert not is_marked("7", marks_of(np.array([], np.str_)), numbers=False)
