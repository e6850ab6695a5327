"""Rows that lack something, unreadable lines, repeats: refused with a place, or counted."""

import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of

HEADER = "user,item,rating,time\n"
GOOD = "".join(f"{u},{i},{i % 5 + 1},{1_500_000_000 + i}\n" for u in (1, 2) for i in range(1, 9))


@pytest.mark.parametrize(
    ("line", "words", "reason"),
    [
        (",4,5,1500000000", "the user in `user` is empty", "no user"),
        ("NA,4,5,1500000000", "the user in `user` is `NA`, which stands for", "no user"),
        ("3,,5,1500000000", "the item in `item` is empty", "no item"),
        ("3,null,5,1500000000", "the item in `item` is `null`, which stands", "no item"),
        ("3,4,5,", "the time in `time` is empty", "no time that can be read"),
        (
            "3,4,5,soon",
            "the time in `time` is `soon`, which is not like",
            "no time that can be read",
        ),
        ("3,4,5", "fewer values than the other lines have: `3,4,5`", "line that cannot be read"),
        ("3,4,5,1500000000,6", "more values than the other lines", "line that cannot be read"),
    ],
)
def test_a_bad_line_is_named_or_counted(read: ReadText, line: str, words: str, reason: str) -> None:
    text = f"{HEADER}{GOOD}{line}\n{GOOD}"
    with pytest.raises(InputError) as caught:
        read(text)
    assert "log.csv`, line 18: " in caught.value.message
    assert words in caught.value.message
    assert "--drop-incomplete`" in caught.value.hint
    rows = read(text, drop_incomplete=True).rows
    assert rows.dropped == {reason: 1}
    assert (rows.rows_read, len(rows.users)) == (33, 32)


def test_the_command_in_the_hint_works(read: ReadText) -> None:
    from typer.testing import CliRunner

    from seqrec_cli.app import app

    with pytest.raises(InputError) as caught:
        read(f"{HEADER}{GOOD},4,5,1500000000\n")
    typed = shlex.split(caught.value.hint.partition("`")[2].rpartition("`")[0])
    result = CliRunner().invoke(app, [*typed[1:], "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "dropped: no user" in result.stdout


def test_a_missing_rating_is_told_and_refused_only_where_it_is_needed(read: ReadText) -> None:
    text = f"{HEADER}{GOOD}3,4,,1500000000\n"
    log = read(text)
    assert log.rows.ratings is None
    assert any("the ratings in `rating` are not kept" in note for note in log.findings.notes)
    for options in ({"columns": {"rating": "rating"}}, {"min_rating": 3}):
        with pytest.raises(InputError, match="line 18: the rating in `rating` is empty"):
            read(text, **options)


def test_low_ratings_are_left_out_and_counted(read: ReadText) -> None:
    rows = read(HEADER + GOOD, min_rating=4).rows
    assert rows.ratings is not None
    assert sorted(set(rows.ratings.tolist())) == [4, 5]
    assert rows.dropped == {"rating below the threshold": 16 - len(rows.ratings)}


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    pairs=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=3, max_size=20),
    repeats=st.sampled_from(["keep", "collapse", "first"]),
)
def test_repeats_are_those_that_a_walk_finds(
    read: ReadText, pairs: list[tuple[int, int]], repeats: str
) -> None:
    text = "user,item\n" + "".join(f"u{u},i{i}\n" for u, i in pairs)
    log = read(text, repeats=repeats, columns={"user": "user", "item": "item"})
    expected, last, seen = [], {}, set()
    for user, item in pairs:
        again = last.get(user) == item if repeats == "collapse" else (user, item) in seen
        last[user] = item
        seen.add((user, item))
        if repeats == "keep" or not again:
            expected.append((f"u{user}", f"i{item}"))
    assert rows_of(log) == expected
    assert log.rows.rows_read == len(expected) + sum(log.rows.dropped.values())
