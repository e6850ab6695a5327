"""The columns of a year, a month and so on are found by their names and what they hold."""

import pytest

from seqrec_cli.core.data.reading.pieces import pieces_among
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Column


def profile(name: str, *values: str) -> Profile:
    return Profile(Column(name, name, cells=values), 0)


def test_pieces_are_found_by_the_last_word_of_a_name() -> None:
    columns = [profile("y_year", "2017"), profile("mois", "7"), profile("year_built", "1987")]
    found = pieces_among(columns)
    assert {piece: column.name for piece, column in found.items()} == {
        "year": "y_year",
        "month": "mois",
    }


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [("month", "12", True), ("month", "13", False), ("month", "Juli", True), ("day", "32", False)],
)
def test_what_cannot_be_a_piece_is_none(name: str, value: str, fits: bool) -> None:
    assert bool(pieces_among([profile(name, value)])) == fits
