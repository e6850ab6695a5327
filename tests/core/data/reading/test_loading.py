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
    with pytest.raises(InputError, match="the user in `customer` is empty; 40 rows") as caught:
        read("customer,product,date\n" + rows)
    assert caught.value.hint.startswith("if an empty cell means the same as the one above it")


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
