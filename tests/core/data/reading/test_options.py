"""What a hint says to type is read as what it was made of."""

import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.options import (
    ROLES,
    Reading,
    command,
    parse_columns,
    parse_values,
)
from seqrec_cli.errors import InputError

NAMES = st.text("aé .[]_'\"$`;|&1", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.dictionaries(st.sampled_from(ROLES), NAMES, min_size=1))
def test_columns_survive_a_shell(columns: dict[object, str]) -> None:
    typed = shlex.split(command("a b.csv", Reading(columns=columns)))  # type: ignore[arg-type]
    assert typed[:4] == ["seqrec", "prepare", "a b.csv", "--columns"]
    assert parse_columns(typed[4]) == columns


@given(
    where=st.lists(st.text(min_size=1, max_size=20), max_size=3),
    values=st.dictionaries(NAMES, st.integers(-5, 5).map(float), max_size=3),
    place=st.text(min_size=1, max_size=10).filter(lambda text: "\0" not in text),
)
def test_all_that_was_said_is_typed(where: list[str], values: dict[str, float], place: str) -> None:
    reading = Reading(where=tuple(where), rating_values=values, drop_incomplete=True)
    typed = shlex.split(command(place, reading))
    assert typed[2] == place
    said = [typed[n + 1] for n, word in enumerate(typed) if word == "--where" and n > 2]
    assert set(where) <= set(said)
    if values:
        assert parse_values(typed[typed.index("--rating-values") + 1]) == values
    assert typed[-1] == "--drop-incomplete"


def test_every_option_is_spelled() -> None:
    reading = Reading(
        format="delimited",
        columns={"user": "1", "item": "2"},
        delimiter="\t",
        header=False,
        encoding="latin-1",
        time_format="%d.%m.%Y",
        where=("a = 1",),
        rating_values={"view": 1.0},
        min_rating=3.5,
        repeats="first",
        drop_incomplete=True,
        items=Path("i.csv"),
        users=Path("u.csv"),
        more=(Path("b.csv"),),
        valid=Path("v.csv"),
        test=Path("t.csv"),
    )
    assert shlex.split(command("a.csv", reading)) == [
        *("seqrec", "prepare", "a.csv", "b.csv", "--columns", "user=1,item=2"),
        *("--format", "delimited", "--delimiter", "tab", "--encoding", "latin-1"),
        *("--time-format", "%d.%m.%Y", "--where", "a = 1", "--rating-values", "view=1"),
        *("--min-rating", "3.5", "--repeats", "first", "--items-file", "i.csv"),
        *("--users-file", "u.csv", "--valid", "v.csv", "--test", "t.csv", "--no-header"),
        "--drop-incomplete",
    ]
    assert set(reading.chosen()) == {
        *("columns", "where", "rating_values", "min_rating", "repeats", "drop_incomplete"),
        *("time_format", "encoding"),
    }
    assert Reading().chosen() == {}


@given(st.text(max_size=30))
def test_any_text_is_columns_or_refused(text: str) -> None:
    try:
        found = parse_columns(text)
    except InputError:
        return
    assert set(found) <= set(ROLES)


@given(st.text("a=1,.e-naif ", max_size=12))
def test_values_are_finite_or_refused(text: str) -> None:
    try:
        found = parse_values(text)
    except InputError:
        return
    assert all(abs(value) < float("inf") for value in found.values())
