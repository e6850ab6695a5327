"""Rows that lack something, unreadable lines, repeats: refused with a place, or counted."""

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import GOOD, HEADER, ReadText


def test_low_ratings_are_left_out_and_counted(read: ReadText) -> None:
    rows = read(HEADER + GOOD, min_rating=4).rows
    assert rows.ratings is not None
    assert sorted(set(rows.ratings.tolist())) == [4, 5]
    assert rows.dropped == {"rating below the threshold": 16 - len(rows.ratings)}


def test_cells_left_empty_below_the_first_of_a_group_are_not_dropped_lightly(
    read: ReadText,
) -> None:
    rows = "".join(
        f"{'' if n % 3 else f'u{n % 5}'},i{n % 7},{'' if n % 3 else f'2021-03-{n % 28 + 1:02}'}\n"
        for n in range(60)
    )
    with pytest.raises(InputError, match="the user in `customer` is empty; 40 of 60") as caught:
        read("customer,product,date\n" + rows)
    assert caught.value.hint.startswith("if an empty cell means the same as the one above it")
    assert "--drop-incomplete" not in caught.value.hint


@pytest.mark.parametrize(
    ("header", "row", "role", "instead"),
    [
        ("rev_user,rev_user_text,item", "{gap},w{u},{i}", "user", "rev_user_text"),
        ("user_id,anonymous_id,item", "{gap},a{u},{i}", "user", "anonymous_id"),
        ("user,track_id,x", "{u},{gap},{v}", "item", "x"),
        ("user,item,paid_at,created_at", "{u},{i},{date},2021-03-{d}", "time", "created_at"),
    ],
)
def test_a_column_without_gaps_is_named_in_place_of_one_with(
    read: ReadText, header: str, row: str, role: str, instead: str
) -> None:
    text = header + "\n"
    for n in range(90):
        date = "" if n % 10 == 3 else f"2021-03-{n % 28 + 1:02} 10:{n % 60:02}"
        gap, v = ("", f"t{n}") if n % 10 == 3 else (n % 7, f"t{n % 7}")
        each = {"u": n % 7, "i": n * 7 % 23, "gap": gap, "v": v, "date": date}
        text += row.format(**each, d=f"{n % 28 + 1:02}") + "\n"
    with pytest.raises(InputError, match="is empty") as caught:
        read(text)
    assert f"--columns {role}={instead}`" in caught.value.hint
    assert read(text, columns={role: instead}).columns[role] == instead


def test_a_column_that_is_mostly_empty_yields_to_another(read: ReadText) -> None:
    rows = "".join(f"u{n % 7},{'' if n % 3 else n % 5},x{n * 7 % 23}\n" for n in range(60))
    with pytest.raises(InputError, match="line 3: the item in `item_id` is empty") as no:
        read("user_id,item_id,qwe\n" + rows)
    assert "40 of 60 rows lack something" in no.value.message
    assert no.value.hint is not None
    assert no.value.hint.startswith("if another column is the item: `seqrec prepare")
    assert "item=qwe" in no.value.hint
    assert "--drop-incomplete" not in no.value.hint
    assert len(read("user_id,item_id,qwe\n" + rows, drop_incomplete=True).rows.users) == 20


def test_most_columns_that_are_empty_have_no_other(read: ReadText) -> None:
    rows = "".join(f"{'' if n % 3 else n % 5},x{n * 7 % 23},1.5\n" for n in range(60))
    with pytest.raises(
        InputError, match="40 of 60 rows lack something: the column is mostly"
    ) as no:
        read("user_id,item_id,price\n" + rows)
    assert "name another column for the user, as in `--columns user=…`; found" in no.value.hint
    assert "--drop-incomplete" not in no.value.hint


def test_what_most_rows_lack_is_said(read: ReadText) -> None:
    """Here a third lacks the user, another one the item, and one row more of these."""
    rows = "".join(
        f"{'' if n % 3 == 1 or n == 2 else f'u{n % 5}'},{'' if n % 3 == 2 else f'i{n % 7}'}\n"
        for n in range(60)
    )
    with pytest.raises(
        InputError, match="line 3: the user in `user` is empty; 40 of 60 rows"
    ) as no:
        read("user,item\n" + rows)
    assert no.value.message.endswith("lack something, too many to leave out")


@pytest.mark.parametrize(
    ("header", "remedy"),
    [("paid_at,created", "time=created`"), ("paid_at,note", "--columns time=none`")],
)
def test_times_that_are_mostly_missing_yield_to_others(
    read: ReadText, header: str, remedy: str
) -> None:
    day = "2020-01-{:02}"
    rows = "".join(
        f"u{n % 7},i{n * 7 % 23},{'' if n % 3 else day.format(n % 28 + 1)},"
        f"{day.format(n % 27 + 1) if 'created' in header else 'x'}\n"
        for n in range(60)
    )
    with pytest.raises(InputError, match="the time in `paid_at` is empty; 40 of 60 rows") as no:
        read(f"user_id,item_id,{header}\n{rows}", columns={"time": "paid_at"})
    assert remedy in no.value.hint


def test_sessions_stand_for_users_that_are_mostly_missing(read: ReadText) -> None:
    rows = "".join(f"{n % 9},{'' if n % 3 else n % 5},x{n * 7 % 23}\n" for n in range(60))
    with pytest.raises(InputError, match="the user in `user_id` is empty") as no:
        read("session_id,user_id,item_id\n" + rows)
    assert no.value.hint.startswith("let sessions stand for users: `seqrec prepare")
    assert "--drop-incomplete" not in no.value.hint


@pytest.mark.parametrize("bad", [20, 200])
def test_to_leave_lines_out_is_proposed_where_most_are_left(read: ReadText, bad: int) -> None:
    text = "user,item,note\n" + "".join(f"{n % 5},{n % 7},x\n" for n in range(100))
    text += "".join(f"{n % 5},{n % 7},x,y\n" for n in range(bad))
    with pytest.raises(InputError, match="line 102: more values than the other lines") as no:
        read(text)
    assert ("--drop-incomplete" in no.value.hint) == (bad < 100)
    assert "name the delimiter with --delimiter" in no.value.hint


def test_a_time_on_the_first_line_of_an_order_alone_is_not_dropped_lightly(read: ReadText) -> None:
    rows = "".join(
        f"u{n // 2 % 7},i{n % 11},{'' if n % 2 else f'2021-03-{n % 28 + 1:02}'}\n"
        for n in range(60)
    )
    with pytest.raises(InputError, match="the time in `date` is empty; 30 rows") as caught:
        read("customer,product,date\n" + rows)
    assert caught.value.hint.startswith("if an empty cell means the same as the one above it")
