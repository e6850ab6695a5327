"""The form of the Netflix prize."""

from tests.core.data.reading.conftest import ReadText, rows_of


def test_reads_blocks(read: ReadText) -> None:
    log = read("7:\n1,3,2005-09-06\n2,5,2005-05-13\n8:\n1,4,2005-10-19\n", "combined.txt")
    assert [row[:2] for row in rows_of(log)] == [(1, 7), (2, 7), (1, 8)]
    assert log.rows.ratings is not None
    assert log.rows.ratings.tolist() == [3, 5, 4]


def test_lines_that_end_in_a_colon_are_no_blocks_where_rows_have_their_item(read: ReadText) -> None:
    log = read("user,item,rating\n1,7,3\n2,7,5\n", "combined.txt")
    assert [row[:2] for row in rows_of(log)] == [(1, 7), (2, 7)]
