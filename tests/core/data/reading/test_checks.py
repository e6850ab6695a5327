"""A log that lacks what is needed is refused."""

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import GOOD, HEADER, ReadText


def test_a_missing_rating_is_told_and_refused_only_where_it_is_needed(read: ReadText) -> None:
    text = f"{HEADER}{GOOD}3,4,,1500000000\n"
    log = read(text)
    assert log.rows.ratings is None
    assert any("the ratings in `rating` are not kept" in note for note in log.findings.notes)
    for options in ({"columns": {"rating": "rating"}}, {"min_rating": 3}):
        with pytest.raises(InputError, match="line 18: the rating in `rating` is empty"):
            read(text, **options)


@pytest.mark.parametrize("history", ["a|b", "a,b", "a\x02b", "a b"])
def test_a_labelled_example_is_no_interaction(read: ReadText, history: str) -> None:
    text = "".join(f"{n % 2}\tu{n % 3}\t{'ab'[n % 2]}\tx\t{history}\n" for n in range(12))
    with pytest.raises(InputError, match="is a labelled example with a history") as caught:
        read(text, "train_data")
    assert "--task ranking" in caught.value.hint
