"""A served run looks up items, people and rules; what a stranger sends is quoted harmlessly."""

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec_cli.core.runs.served import RULES_KEPT, Place, Served, brief
from seqrec_cli.errors import DatasetError, InputError


def served(data: str | None = None) -> Served:
    return Served.load(Place("one", data, Path("data"), torch.device("cpu")))


def test_items_and_people_by_id_or_title(shop: Path) -> None:
    run = served()
    assert run.catalogue.item_ids[run.item("item 05") - 1] == "item 05"
    assert run.item("thing 5") == run.item("item 05")
    numbers, unknown = run.history(["item 05", "gone", "Thing 7 (1907)"])
    assert numbers == (run.item("item 05"), run.item("item 07"))
    assert unknown == ["gone"]
    assert run.people is not None
    row = run.person("u7")
    known = [
        label for label, there in zip(run.people.labels, run.people.known, strict=True) if there
    ]
    assert known[row] == "u7"
    for look_up in (run.item, run.person, lambda text: run.history([text])):
        with pytest.raises(InputError):
            look_up("gone")
    counts = run.catalogue.counts
    assert counts is not None
    found = run.titles("THING 1", 5)
    assert len(found) == 5
    assert [counts[n - 1] for n in found] == sorted((counts[n - 1] for n in found), reverse=True)
    assert run.titles("  ", 5) == []


def test_without_its_dataset_it_knows_no_people(shop: Path) -> None:
    (shop / "data/shop.npz").unlink()
    run = served()
    assert run.people is None
    assert "no users are known" in run.notes[0]
    with pytest.raises(InputError, match="send a history"):
        run.person("u1")
    with pytest.raises(DatasetError):
        served("shop")


def test_rules_are_kept_but_not_all_of_them(shop: Path) -> None:
    run = served()
    rules = run.rules(("in_stock",), (("item 02", "gone"), ("gone",)))
    assert rules is run.rules(("in_stock",), (("item 02", "gone"), ("gone",)))
    assert rules is not None
    allowed = {run.catalogue.item_ids[n - 1] for n in np.flatnonzero(rules.allowed)}
    assert "item 02" not in allowed
    for number in range(RULES_KEPT + 5):
        run.rules((), ((f"item {number % 30:02}", str(number)),))
    assert len(run.kept_rules) == RULES_KEPT


def test_long_lists_of_ids_are_not_kept(shop: Path) -> None:
    """A shop leaves out other items for each of its visitors, thousands of them."""
    run = served()
    run.rules((), (("item 02",),))
    tracemalloc.start()
    try:
        for number in range(30):
            run.rules((), (("item 02", *(f"elsewhere {number} {n}" for n in range(2_000))),))
        gc.collect()  # what is garbage is not kept
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2 << 20


def test_strange_texts_are_shortened() -> None:
    assert brief("a\n\x1b[31m") == "a??[31m"
    assert len(brief("x" * 500)) == 61
