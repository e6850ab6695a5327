"""seqrec similar: under the rules of recommendations, with an index, and to a file."""

import json
from pathlib import Path

import pytest

from tests.core.inference.test_similar import cosines
from tests.shop import ITEMS, item, plain, said

BY = ("--by", "transitions", "--item", "item 05")


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
    text = said("similar", "one", "--item", "item 05", "--topk", "2", "--index", "hnsw")
    assert "hnsw: recall@2 1.0000 of the exact result, over 1 histor" in text
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


def test_says_of_which_items_nothing_followed(shop: Path) -> None:
    what = ("similar", "one", "--by", "transitions", "--item")
    assert "is popular is listed" not in said(*what, "item 05")
    text = said(*what, "item 31")
    assert "1 item, the first `item 31`, is not in the train part: what is popular is" in text


def test_a_model_without_vectors_has_another_way(shop: Path) -> None:
    said("train", "--config", "linear", "--data", "shop", "--run", "lin", "--device", "cpu")
    text = said("similar", "lin", "--item", "item 05", code=1)
    assert "hint: use `--by transitions`, or name a run of a network" in text
    assert "item 06" in {i["similar"] for i in plain("similar", "lin", *BY)[0]["items"]}
