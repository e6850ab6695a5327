"""The rules of a run: over the items that it keeps, and those that it learned."""

from pathlib import Path

import numpy as np

from tests.shop import ITEMS, NEW, item, lists, plain, said


def test_items_that_nobody_has_are_not_recommended_by_chance(shop: Path) -> None:
    for items in lists().values():
        assert not {i for i, _ in items} & {item(n)["sku"] for n in range(ITEMS, ITEMS + NEW)}
    assert "3 items that nobody has yet are left out" in said("evaluate", "one", "--k", "3")


def test_rules_that_leave_nothing_together_are_a_sentence(shop: Path) -> None:
    both = ("--only", "price < 9", "--exclude", "price < 9")
    text = said("recommend", "--run", "one", "--user", "u1", *both, code=1)
    assert "no item is left of 33: `--only price < 9` and `--exclude price < 9`" in text


def test_a_run_that_keeps_no_table_says_what_to_do(place: Path) -> None:
    text = said("recommend", "--run", "one", "--user", "100", "--only", "price < 3", code=1)
    assert "has no column `price`" in text
    assert "prepare it with `--items-file FILE` and train again" in text
    catalogue = place / "runs" / "one" / "catalogue.npz"
    with np.load(catalogue) as file:
        old = {name: file[name] for name in ("item_ids", "item_titles")}
    np.savez(catalogue, **old)
    text = said("recommend", "--run", "one", "--user", "100", "--only", "price < 3", code=1)
    assert "it is of an earlier version" in text
    text = said("recommend", "--run", "one", "--user", "100")
    assert text.splitlines()[0] == "note: only 3 items were left to recommend to 100"
    only = plain("recommend", "--run", "one", "--user", "100", "--only", "item < 1004")
    assert len(only[0]["items"]) <= 3
    text = said("evaluate", "one", "--popularity-penalty", "1", code=1)
    assert "kept no popularity" in text
