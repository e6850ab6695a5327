"""Which items a rule names, and what is said of one that names none."""

from pathlib import Path

import pytest

from tests.shop import said


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        ("categry = 'shoes'", "has no column `categry`", "did you mean `category`?"),
        ("category = 'boots'", "no item fulfils", "`category` has `"),
        ("price = 'dear'", "cannot be evaluated", "`price` is a number"),
        ("topics = 'red'", "cannot be evaluated", "`list_contains(topics, 'value')` looks into it"),
        ("1 = 1", "it names no column", "--only"),
        ("(select 1)", "`subquery` has no place in it", "--only"),
        ("price > 1; drop table x", "is no condition", "--only"),
        ("price < getenv('HOME')", "the function `getenv` is not known here", "--only"),
        ("gone.txt", "cannot read `gone.txt`", "one item id a line"),
        ("price < 1 and price > 2", "no item fulfils", "`price` has"),
        ("''", "it names no column", "--only"),
    ],
)
def test_explains_a_bad_rule(shop: Path, rule: str, message: str, hint: str) -> None:
    for command in (("recommend", "--run", "one", "--user", "u1"), ("evaluate", "one")):
        text = said(*command, "--only", rule, code=1)
        assert message in text
        assert hint in text.split("hint: ")[1]


def test_ids_of_a_file_that_are_unknown_are_counted(shop: Path) -> None:
    (shop / "skus.txt").write_text("item 03\nitem 99\n")
    text = said("recommend", "--run", "one", "--user", "u1", "--only", "skus.txt")
    assert "1 of 2 ids are not in the catalogue, the first of them `item 99`" in text
    (shop / "skus.txt").write_text("item 98\nitem 99\n")
    text = said("recommend", "--run", "one", "--user", "u1", "--only", "skus.txt", code=1)
    assert "none of its 2 ids is in the catalogue" in text
