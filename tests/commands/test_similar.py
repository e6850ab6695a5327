"""Similar items against a computation of their own, under the same rules and with an index."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.inference.similar import SMOOTHING
from tests.shop import ITEMS, NEW, item, plain, said


def vectors() -> dict[str, np.ndarray]:
    said("embed", "one", "--items", "--output", "items.npz")
    with np.load("items.npz") as file:
        return dict(zip(map(str, file["ids"]), file["vectors"].astype(np.float64), strict=True))


def cosines(sku: str) -> list[tuple[str, float]]:
    """All items that somebody has by their cosine with one, best first."""
    table = vectors()
    own = table[sku] / np.linalg.norm(table[sku])
    new = {item(n)["sku"] for n in range(ITEMS, ITEMS + NEW)}
    pairs = [
        (k, float(v @ own / np.linalg.norm(v)))
        for k, v in table.items()
        if k != sku and k not in new
    ]
    return sorted(pairs, key=lambda pair: -pair[1])


@pytest.mark.parametrize("name", ["item 05", "Thing 5 (1905)", "thing 5"])
def test_similar_items_are_those_of_the_largest_cosine(shop: Path, name: str) -> None:
    (row,) = plain("similar", "one", "--item", name, "--topk", "7")
    assert row["item"] == "item 05"
    assert [i["similar"] for i in row["items"]] == [k for k, _ in cosines("item 05")[:7]]
    scores = [i["score"] for i in row["items"]]
    assert scores == pytest.approx([c for _, c in cosines("item 05")[:7]], abs=1e-5)


def test_rules_hold_and_an_index_finds_the_same(shop: Path) -> None:
    pytest.importorskip("usearch")
    rule = ("--only", "in_stock", "--exclude", "price < 8")
    kept = {
        item(n)["sku"]
        for n in range(33)
        if item(n)["in_stock"] == "true" and float(item(n)["price"]) >= 8
    }
    expected = [k for k, _ in cosines("item 05") if k in kept]
    for how in ((), ("--index", "hnsw")):
        (row,) = plain("similar", "one", "--item", "item 05", "--topk", "99", *rule, *how)
        assert [i["similar"] for i in row["items"]] == expected
    (row,) = plain("similar", "one", "--item", "item 05", "--topk", "2", "--index", "hnsw")
    assert [i["similar"] for i in row["items"]] == [k for k, _ in cosines("item 05")[:2]]
    assert (shop / "runs/one/similar.usearch").exists()
    # The index of recommendations is another one.
    assert "indexed" in said("recommend", "--run", "one", "--user", "u1", "--index", "hnsw")


def test_all_items_go_to_a_file(shop: Path) -> None:
    text = said("similar", "one", "--output", "s.jsonl", "--topk", "3")
    assert "90 similar items of 30 in `s.jsonl`" in text
    rows = [json.loads(line) for line in (shop / "s.jsonl").read_text().splitlines()]
    assert len({row["item"] for row in rows}) == ITEMS
    assert all(row["item"] != row["similar"] for row in rows)
    assert [r["similar"] for r in rows if r["item"] == "item 09"] == [
        key for key, _ in cosines("item 09")[:3]
    ]
    said("similar", "one", "--output", "s.csv", "--topk", "1")
    assert (shop / "s.csv").read_text().startswith("item,rank,similar,title,score")


def test_by_transitions_is_what_came_right_after(shop: Path) -> None:
    data = SequenceDataset.load(Path("data/shop.npz"))
    own = int(np.flatnonzero(data.item_ids == "item 05")[0]) + 1
    after = [b for h in data.train for a, b in itertools.pairwise(h) if a == own]
    counts = np.bincount(after, minlength=data.num_items + 1)[1:]
    share = (data.item_counts() + 1) / (data.item_counts() + 1).sum()
    expected = np.log((counts + SMOOTHING * share) / (len(after) + SMOOTHING))
    (row,) = plain("similar", "one", "--item", "item 05", "--by", "transitions", "--topk", "99")
    found = {i["similar"]: i["score"] for i in row["items"]}
    for key, score in found.items():
        assert score == pytest.approx(expected[list(data.item_ids).index(key)], abs=1e-5)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert "item 05" not in found


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("--item", "Thing 55"), "there is no item `Thing 55`", "did you mean `Thing 5 (1905)`"),
        (("--item", "item 31"), "nobody has the item `item 31` yet", "two-tower"),
        (("--item", "item 05", "--only", "colour = 1"), "has no column `colour`", "it has"),
    ],
)
def test_explains_what_it_cannot_do(
    shop: Path, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    text = said("similar", "one", *arguments, code=1)
    assert message in text
    assert hint in text.split("hint: ")[1]


def test_needs_an_item_or_a_file(shop: Path) -> None:
    assert "--item" in said("similar", "one", code=2)
    assert "--by vectors" in said(
        *("similar", "one", "--item", "item 05", "--by", "transitions", "--index", "hnsw"), code=2
    )
