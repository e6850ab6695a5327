"""Rows that lack something, unreadable lines, repeats: refused with a place, or counted."""

from tests.core.data.reading.conftest import GOOD, HEADER, ReadText


def test_low_ratings_are_left_out_and_counted(read: ReadText) -> None:
    rows = read(HEADER + GOOD, min_rating=4).rows
    assert rows.ratings is not None
    assert sorted(set(rows.ratings.tolist())) == [4, 5]
    assert rows.dropped == {"rating below the threshold": 16 - len(rows.ratings)}
