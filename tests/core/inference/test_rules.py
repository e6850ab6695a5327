"""Rules: a list under rules is the list without them, filtered; exactly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.inference.rules import Rules, with_prior
from tests.shop import ALL, SHOE, invoke, is_shoe, lists, plain, said

RULES: list[tuple[list[str], Callable[[dict[str, Any]], bool]]] = [
    (["--only", f"category = '{SHOE}'"], is_shoe),
    (["--exclude", f"category = '{SHOE}'"], lambda row: not is_shoe(row)),
    (
        ["--only", f"category = '{SHOE}' and in_stock"],
        lambda r: is_shoe(r) and r["in_stock"] == "true",
    ),
    (["--only", "price between 3 and 20.5"], lambda r: 3 <= float(r["price"]) <= 20.5),
    (["--only", "'blue' in topics"], lambda r: "blue" in r["topics"]),
    (
        ["--only", "title like 'Thing 1%'", "--exclude", "in_stock"],
        lambda r: r["title"].startswith("Thing 1") and r["in_stock"] == "false",
    ),
    (["--exclude", "skus.txt"], lambda r: r["sku"] not in ("item 03", "item 05")),
    (["--only", "item in ('item 03', 'item 04')"], lambda r: r["sku"] in ("item 03", "item 04")),
    (
        ["--only", "in_stock", "--only", "price < 20", "--exclude", "price < 5"],
        lambda r: r["in_stock"] == "true" and 5 <= float(r["price"]) < 20,
    ),
]


@pytest.mark.parametrize("how", [(), ("--index", "hnsw"), ("--seen", "include")])
@pytest.mark.parametrize(("rule", "kept"), RULES)
def test_a_list_under_rules_is_the_list_without_them_filtered(
    shop: Path, rule: list[str], kept: Callable[[dict[str, Any]], bool], how: tuple[str, ...]
) -> None:
    if "hnsw" in how:
        pytest.importorskip("usearch")
    (shop / "skus.txt").write_text("item 03\nitem 05\n\n")
    every = lists(*(how if "hnsw" not in how else ()))
    for k in (999, 3):
        under = lists(*rule, *how, topk=k)
        for user, items in every.items():
            expected = [pair for pair in items if kept(ALL[pair[0]])][:k]
            assert [i for i, _ in under[user]] == [i for i, _ in expected]
            scores = [score for _, score in under[user]]
            assert scores == pytest.approx([score for _, score in expected], abs=1e-5)


def test_a_penalty_is_subtracted_from_each_score(shop: Path) -> None:
    data = SequenceDataset.load(Path("data/shop.npz"))
    counts = dict(zip(map(str, data.item_ids), data.item_counts().tolist(), strict=True))
    every = lists()
    for user, items in lists("--popularity-penalty", "0.5").items():
        expected = [(i, s - 0.5 * np.log(1 + counts[i])) for i, s in every[user]]
        expected.sort(key=lambda pair: -pair[1])
        assert [i for i, _ in items] == [i for i, _ in expected]
        assert [s for _, s in items] == pytest.approx([s for _, s in expected], abs=1e-5)
    low = plain("evaluate", "one", "--k", "3", "--popularity-penalty", "5")["figures"]["one"]
    high = plain("evaluate", "one", "--k", "3")["figures"]["one"]
    assert low["popularity rank@3"]["mean"] > high["popularity rank@3"]["mean"]
    text = said("evaluate", "one", "--popularity-penalty", "1", "--index", "hnsw", code=2)
    assert "--popularity-penalty is" in text


def test_a_prior_is_added_to_what_rules_subtract() -> None:
    rules = Rules.of(np.array([True, False, True]), np.array([1.0, 2, 3]))
    scores = torch.zeros(1, 4)
    with_prior(rules, np.array([0, 3, 7]), 2).apply(scores)
    expected = [-np.inf, -1, -np.inf, 2 * np.log(8) - 3]
    np.testing.assert_allclose(scores[0].numpy(), expected, rtol=1e-6)


def test_figures_with_a_prior_are_a_track_of_their_own(shop: Path) -> None:
    quick = ("evaluate", "one", "--k", "3", "--no-baselines", "--prior", "popularity")
    found = plain(*quick)
    name = "one (popularity prior)"
    assert list(found["figures"]) == [name]
    weight = found["rules"]["prior_weights"][name]
    text = said(*quick)
    assert f"{name}: scores plus {weight:g} log(1 + the item's train count)" in text
    listed = invoke("leaderboard", "--metric", "ndcg@3", "--format", "markdown").stdout
    assert name in listed
    sampled = plain(*quick, "--protocol", "sampled")
    assert list(sampled["rules"]["prior_weights"]) == [name]
    text = said(*quick, "--popularity-penalty", "1", code=2)
    assert "--prior is the opposite of a penalty" in text
