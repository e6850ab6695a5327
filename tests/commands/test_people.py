"""Whom a command is for: users, histories and items, as they are typed or piped in."""

import json
from pathlib import Path

import pytest

from tests.core.inference.test_people import by_user, rows_of
from tests.shop import invoke, said


@pytest.mark.parametrize(
    ("user", "reason", "hint"),
    [
        ("nobody", "never was in the log", "the nearest ids are"),
        ("once", "was in the log, but filters left all of it out", "--min-user-count"),
    ],
)
def test_says_whether_a_user_never_was_there_or_was_left_out(
    shop: Path, user: str, reason: str, hint: str
) -> None:
    text = said("recommend", "--run", "one", "--user", "u1", "--user", user, code=1)
    assert f"there is no user `{user}` in the dataset `shop`: that id {reason}" in text
    assert hint in text
    assert "`--unknown skip`" in text


@pytest.mark.parametrize(
    "history",
    [
        ("--history", '["item 01", "item 02"]'),
        ("--history", "item 01; item 02"),
        ("--item", "item 01", "--item", "item 02"),
        ("--item", "Thing 1 (1901)", "--item", "item 02"),
        ("--history", "-"),
    ],
)
def test_ids_with_spaces_can_be_given(shop: Path, history: tuple[str, ...]) -> None:
    command = ("recommend", "--run", "one", *history, "--json")
    result = invoke(*command, stdin="item 01\nitem 02\n")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert [i["item"] for i in row["recent"]] == ["item 01", "item 02"]


def test_a_history_that_is_no_list_is_explained(shop: Path) -> None:
    text = said("recommend", "--run", "one", "--history", '["item 01"', code=1)
    assert "is no list of ids in JSON" in text
    assert '--item "ID"' in text


def test_users_and_rules_come_from_stdin(shop: Path) -> None:
    command = ("recommend", "--run", "one", "--users", "-", "--output", "o.jsonl")
    assert invoke(*command, stdin="u1\nu2\n").exit_code == 0
    assert list(by_user(rows_of("o.jsonl"))) == ["u1", "u2"]
    command = ("recommend", "--run", "one", "--user", "u1", "--only", "-", "--json")
    (row,) = json.loads(invoke(*command, stdin="item 07\nitem 11\n").stdout)
    assert {i["item"] for i in row["items"]} <= {"item 07", "item 11"}


def test_only_one_way_of_naming_people(shop: Path) -> None:
    for given in ((), ("--user", "u1", "--item", "item 01"), ("--histories", "x.csv")):
        assert invoke("recommend", "--run", "one", *given).exit_code == 2


def test_users_missing_for_different_reasons_are_told_apart(shop: Path) -> None:
    users = ("--user", "nobody", "--user", "none", "--user", "once")
    text = said("recommend", "--run", "one", *users, code=1)
    assert "`nobody` in the dataset `shop`: that id never was in the log (and 1 more like" in text
    assert "; 1 other, the first `once`: that one was in the log, but filters left" in text


def test_people_of_stdin_are_counted(shop: Path) -> None:
    command = ("recommend", "--run", "one", "--histories", "-", "--output", "o.jsonl")
    one = "user,item,time\na,item 01,5\na,item 02,6\n"
    assert "1 person in the standard input" in invoke(*command, stdin=one).stderr
    both = invoke(*command, stdin=one + "b,item 01,5\n").stderr
    assert "2 people in the standard input" in both


def test_stdin_is_for_one_option(shop: Path) -> None:
    command = ("recommend", "--run", "one", "--users", "-", "--output", "o.jsonl", "--only", "-")
    result = invoke(*command, stdin="u1\n")
    assert result.exit_code == 1
    assert "another option has read it" in result.stderr
    assert "`-` for one option alone" in result.stderr


def test_somebody_without_a_history_is_shown_as_that(shop: Path) -> None:
    command = ("recommend", "--run", "one", "--user", "once", "--unknown", "popular")
    assert "user once: no history, so what is popular" in invoke(*command).stdout
