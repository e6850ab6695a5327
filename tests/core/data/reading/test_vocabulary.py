"""What columns are called, in any spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.vocabulary import NAMES, Named, bare, compared, is_known, rank


@pytest.mark.parametrize(
    ("name", "named"),
    [
        *(("user_id", "user"), ("userId", "user"), ("USER-ID", "user"), ("user_id:token", "user")),
        *(("reviewerID", "user"), ("visitorid", "user"), ("customer.id", "user")),
        *(("movieId", "item"), ("parent_asin", "item"), ("item_id:token", "item")),
        *(("unixReviewTime", "time"), ("event_timestamp", "time"), ("t_dat", "time")),
        *(("last_watch_dt", "time"), ("overall", "rating"), ("session_id", "session")),
        *(("event_type", "event"), ("behavior", "event")),
    ],
)
def test_knows_a_name(name: str, named: Named) -> None:
    assert 0 <= rank(name, named) < 1000


@pytest.mark.parametrize(
    ("name", "named"),
    [("price", "user"), ("year_of_birth", "time"), ("duration", "time"), ("title", "item")],
)
def test_other_names_are_others(name: str, named: Named) -> None:
    assert not 0 <= rank(name, named) < 1000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("user_id:token", "user_id"),
        ("a.b", "b"),
        ("reviewer.id", "reviewer_id"),
        ("at.$date", "at"),
        ('"user"', "user"),
        ("items[].id", "items_id"),
        ("x:y", "x:y"),
    ],
)
def test_a_name_without_what_is_around_it(name: str, expected: str) -> None:
    assert bare(name) == expected


@given(st.text(max_size=30), st.sampled_from(sorted(NAMES)))
def test_any_text_has_a_rank(name: str, named: Named) -> None:
    assert rank(name, named) >= -1
    assert is_known(name) in (True, False)
    assert compared(name) == compared(name).lower()
