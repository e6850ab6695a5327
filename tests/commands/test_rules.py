"""Evaluations and lists under rules agree, whatever finds the items."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from tests.shop import ALL, SHOE, is_shoe, plain, said


def test_a_user_who_has_seen_all_that_is_left_gets_a_sentence(shop: Path) -> None:
    seen = SequenceDataset.load(Path("data/shop.npz"))
    first = seen.item_ids[seen.histories()[0][0] - 1]
    user = str(seen.user_ids[0])
    text = said("recommend", "--run", "one", "--user", user, "--only", f"item = '{first}'")
    assert f"no items were left to recommend to {user}" in text


def test_an_evaluation_under_rules_is_that_of_the_lists(shop: Path) -> None:
    rule = ("--only", f"category = '{SHOE}'")
    report = plain("evaluate", "one", "--k", "3", *rule)
    assert report["rules"]["only"] == [{"rule": rule[1], "items": sum(map(is_shoe, ALL.values()))}]
    assert report["rules"]["items"] == 33
    data = SequenceDataset.load(Path("data/shop.npz"))
    assert data.test is not None
    (shop / "users.txt").write_text("\n".join(map(str, data.user_ids)))
    said(
        *("recommend", "--run", "one", "--users", "users.txt", "--before", "test", "--topk", "3"),
        *("--output", "out.jsonl", *rule),
    )
    found: dict[str, list[str]] = {}
    for line in (shop / "out.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.setdefault(row["user"], []).append(row["item"])
    hits = [
        data.item_ids[data.test[n][0] - 1] in found.get(str(user), ())
        for n, user in enumerate(data.user_ids)
    ]
    assert report["figures"]["one"]["hr@3"]["mean"] == pytest.approx(np.mean(hits))
    left_out = sum(not is_shoe(ALL[str(data.item_ids[t[0] - 1])]) for t in data.test)
    assert report["targets_left_out"] == left_out
    assert 0 < left_out < 40
    without = plain("evaluate", "one", "--k", "3")
    assert "rules" not in without
    # The rule holds for the baselines too.
    assert all(report["figures"][name] != f for name, f in without["figures"].items())


def test_with_an_index_the_figures_are_those_of_the_exact_search(shop: Path) -> None:
    pytest.importorskip("usearch")
    rule = ("--exclude", "price < 6", "--k", "2", "--no-baselines")
    exact = plain("evaluate", "one", *rule)
    assert plain("evaluate", "one", *rule, "--index", "hnsw")["figures"] == exact["figures"]
