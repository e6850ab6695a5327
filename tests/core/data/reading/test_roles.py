"""Which column is what: by name and content; what cannot be told is asked for."""

import re

import pytest

from seqrec_cli.core.data.reading.options import parse_columns, parse_values
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of


def test_a_hint_has_all_roles_and_works(read: ReadText) -> None:
    text = "what,who,at\nx1,y1,2024-05-01\nx2,y1,2024-05-02\nx3,y2,2024-05-03\n"
    with pytest.raises(InputError, match="cannot tell which column is the user") as caught:
        read(text)
    columns = re.search(r"--columns (\S+)`", caught.value.hint)
    assert columns is not None
    said = parse_columns(columns[1])
    assert said == {"user": "who", "item": "what", "time": "at"}
    assert len(rows_of(read(text, columns=said))[0]) == 3


def test_columns_add_to_what_is_inferred(read: ReadText) -> None:
    log = read("user,item,thing,ts\n1,a,x,1500000000\n", columns={"item": "thing"})
    assert log.columns == {"user": "user", "item": "thing", "time": "ts"}


@pytest.mark.parametrize("word", ["NA", "NULL", "nan", "NaN", "\\N", "None", "", "  "])
def test_a_word_for_a_missing_one_is_no_id(read: ReadText, word: str) -> None:
    text = f"user,item,ts\n1,a,1500000000\n{word},b,1500000001\n"
    with pytest.raises(InputError, match="line 3: the user in `user` is") as caught:
        read(text)
    assert "--drop-incomplete`" in caught.value.hint
    log = read(text, drop_incomplete=True)
    assert rows_of(log) == [(1, "a", 1500000000)]
    assert log.rows.dropped == {"no user": 1}


def test_rows_without_user_may_be_of_a_session(read: ReadText) -> None:
    text = "user,item,sid,ts\n1,a,s1,1500000000\n,b,s2,1500000001\n"
    log = read(text, columns={"session": "sid"})
    assert [row[0] for row in rows_of(log)] == ["s1", "s2"]
    log = read(text, columns={"session": "sid", "user": "user"})
    assert [row[0] for row in rows_of(log)] == ["1", "s2"]


@pytest.mark.parametrize("text", ["user", "user=", "nobody=1", "=1"])
def test_refuses_columns_of_another_form(text: str) -> None:
    with pytest.raises(InputError, match="in --columns is not one of"):
        parse_columns(text)


@pytest.mark.parametrize("text", ["view", "view=x", "=1", "view=nan", "view=1,"])
def test_refuses_values_of_another_form(text: str) -> None:
    with pytest.raises(InputError, match="is not WORD=NUMBER"):
        parse_values(text)


def test_what_each_item_has_one_of_is_no_time(read: ReadText) -> None:
    rows = "".join(
        f"{n % 7},{n * 7 % 23},2019-01-{n * 7 % 23 + 1:02},2019-02-{n % 28 + 1:02}\n"
        for n in range(90)
    )
    log = read("user,item,added,seen\n" + rows)
    assert log.columns["time"] == "seen"
    alone = read("user,item,added,seen\n" + rows.replace("2019-02", "x"))
    assert alone.rows.times is None
    assert any("`--columns time=added`" in note for note in alone.findings.notes)


def test_the_option_of_a_column_with_a_space_can_be_pasted(read: ReadText) -> None:
    rows = "".join(f"{n % 7},{n * 7 % 23},2019-01-{n * 7 % 23 + 1:02}\n" for n in range(90))
    notes = read("user,item,added on\n" + rows).findings.notes
    assert any("`--columns 'time=added on'`" in note for note in notes)


def test_a_time_of_the_record_is_before_one_of_the_item(read: ReadText) -> None:
    rows = "".join(
        f"b{n * 7 % 23},2020-01-{n % 28 + 1:02}T10:00:01Z,u{n % 7},{n % 5},2021-0{n % 8 + 1}-11\n"
        for n in range(90)
    )
    log = read(f"id,addedAt,checks.username,checks.rating,checks.date\n{rows}")
    assert log.columns["time"] == "checks.date"


def test_times_of_day_are_nobody(read: ReadText) -> None:
    rows = "".join(f"{n % 24:02}:{n % 60:02}:07\tu{n % 7}\ti{n * 7 % 23}\n" for n in range(90))
    log = read(rows)
    assert (log.columns["user"], log.columns["item"]) == ("2", "3")


def test_a_date_that_is_said_has_the_time_of_day_beside_it(read: ReadText) -> None:
    rows = [f"u{n % 3},i{n % 7},2023-01-{1 + n // 20:02},{23 - n % 20:02}:15\n" for n in range(60)]
    text = "user,item,Date,Time\n" + "".join(rows)
    said, inferred = read(text, columns={"time": "Date"}), read(text)
    assert said.rows.times is not None
    assert said.rows.times.tolist() == inferred.rows.times.tolist()
    assert said.columns["time"] == "Date + Time"


def test_two_columns_may_be_one_user_or_item(read: ReadText) -> None:
    """A name with `+` in it is a name first; what one of the columns lacks is missing."""
    rows = [(f"h{n % 5}", str(n % 3), f"a{n % 4}", f"t{n * n % 7}") for n in range(60)]
    text = "home,person,artist,a+b,time\n" + "".join(
        f"{','.join(row)},{1_600_000_000 + n}\n" for n, row in enumerate(rows)
    )
    log = read(text, columns={"user": "home+person", "item": "artist"})
    assert [row[0] for row in rows_of(log)] == [f"{home} / {person}" for home, person, _, _ in rows]
    assert log.findings.taken[0].column == "home+person"
    assert log.findings.unused == ("a+b",)
    log = read(text, columns={"user": "home", "item": "a+b"})
    assert [row[1] for row in rows_of(log)] == [title for *_, title in rows]
    lacking = text.replace("h0,0,", "h0,,")
    with pytest.raises(InputError, match=r"line 2: the user in `home\+person` is empty"):
        read(lacking, columns={"user": "home+person", "item": "artist"})
    with pytest.raises(InputError, match=r"has no column `home\+nobody` for the user"):
        read(text, columns={"user": "home+nobody", "item": "artist"})


def test_columns_put_together_are_no_time(read: ReadText) -> None:
    text = "user,item,day,clock\n" + "".join(
        f"u{n % 3},i{n % 5},2024-01-02,08:30\n" for n in range(9)
    )
    with pytest.raises(InputError, match="which only a user or an item may be"):
        read(text, columns={"time": "day+clock"})


@pytest.mark.parametrize(
    ("home", "person", "said"),
    [
        ("household_id", "person_id", True),
        ("Account", "Profile", True),
        ("user_id", "person", False),  # not of several
        ("household_id", "category", False),
    ],
)
def test_says_that_several_may_share_a_home(
    read: ReadText, home: str, person: str, said: bool
) -> None:
    text = f"{home},{person},item\n" + "".join(
        f"h{n % 23},{n * n % 3},i{n * 7 % 31}\n" for n in range(300)
    )
    columns = {"user": home, "item": "item"}
    notes = read(text, columns=columns).findings.notes
    option = f"`--columns user={home}+{person}`"
    assert any(note.endswith(option) for note in notes) == said
    if said:
        assert len(read(text, columns={"user": f"{home}+{person}"}).rows.user_ids) > 23
