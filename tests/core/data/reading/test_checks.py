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


def test_ids_of_which_none_comes_twice_are_refused(read: ReadText) -> None:
    rows = "".join(f"{n % 7},https://a/{n},p{n % 9}\n" for n in range(60))
    with pytest.raises(InputError, match="`url`, which would be the item, comes twice in 60") as no:
        read("user_id,url,x\n" + rows)
    assert "item=url" not in no.value.hint
    log = read("user_id,url,x\n" + rows, columns={"item": "url"})
    assert len(log.rows.item_ids) == 60


def test_a_column_an_item_is_said_to_be_one(read: ReadText) -> None:
    names = ",".join(f"Movie{n}" for n in range(1, 31))
    rows = "".join(f"A{u},{','.join(str((u * n) % 5 + 1) for n in range(30))}\n" for u in range(60))
    with pytest.raises(InputError, match="a column for each of 30 items, `Movie1`, `Movie2`"):
        read(f"user_id,{names}\n" + rows)
