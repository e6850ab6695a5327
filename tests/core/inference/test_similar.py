"""Similar items against a computation of their own."""

import itertools
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
