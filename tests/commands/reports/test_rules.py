"""What is printed of rules: how many items each leaves."""

from pathlib import Path

import pytest

from tests.shop import ALL, ITEMS, NEW, SHOE, is_shoe, item, said


def test_says_what_a_rule_leaves(shop: Path) -> None:
    text = said("recommend", "--run", "one", "--user", "u1", "--only", f"category = '{SHOE}'")
    shoes = sum(map(is_shoe, ALL.values()))
    assert f"--only category = '{SHOE}': {shoes} of 33 items" in text
    # What nobody has yet is left out too, as this model knows ids alone.
    new = sum(is_shoe(item(n)) for n in range(ITEMS, ITEMS + NEW))
    assert f"{shoes - new} of 33 items may be recommended" in text
    assert new == 1
    assert "1 item that nobody has yet is left out" in text


def test_speaks_of_baselines_where_there_are_any(shop: Path) -> None:
    rule = ("--diversify", "0.5")
    assert "baselines" not in said("recommend", "--run", "one", "--user", "u1", *rule)
    assert "baselines stay as they are" in said("evaluate", "one", "--k", "3", *rule)
    assert "baselines" not in said("evaluate", "one", "--k", "3", "--no-baselines", *rule)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (("price >= 0",), "`--exclude price >= 0` leaves nothing to recommend"),
        (("in_stock", "not in_stock"), "and `--exclude not in_stock` leave nothing to recommend"),
    ],
)
def test_says_which_rules_leave_nothing(shop: Path, rules: tuple[str, ...], sentence: str) -> None:
    typed = [piece for rule in rules for piece in ("--exclude", rule)]
    text = said("recommend", "--run", "one", "--user", "u1", *typed, code=1)
    assert sentence in text
    assert ("leave out one of them" in text) == (len(rules) > 1)
