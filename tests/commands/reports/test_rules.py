"""What is printed of rules: how many items each leaves."""

from pathlib import Path

from tests.shop import ALL, ITEMS, NEW, SHOE, is_shoe, item, said


def test_says_what_a_rule_leaves(shop: Path) -> None:
    text = said("recommend", "--run", "one", "--user", "u1", "--only", f"category = '{SHOE}'")
    shoes = sum(map(is_shoe, ALL.values()))
    assert f"--only category = '{SHOE}': {shoes} of 33 items" in text
    # What nobody has yet is left out too, as this model knows ids alone.
    new = sum(is_shoe(item(n)) for n in range(ITEMS, ITEMS + NEW))
    assert f"{shoes - new} of 33 items may be recommended" in text
    assert f"{new} items that nobody has yet are left out" in text
