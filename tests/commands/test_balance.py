"""Diverse lists and the next events as a set, in the commands."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from tests.shop import ALL, plain, said


def categories(*arguments: str) -> float:
    """The mean number of categories in lists of 3."""
    users = [piece for n in range(10) for piece in ("--user", f"u{n}")]
    rows = plain("recommend", "--run", "one", *users, "--topk", "3", *arguments)
    return float(np.mean([len({ALL[i["item"]]["category"] for i in r["items"]}) for r in rows]))


def test_lists_become_diverse_and_figures_say_so(shop: Path) -> None:
    by = ("--diversify-by", "category")
    assert categories("--diversify", "0.9", *by) > categories()
    plain_report = plain("evaluate", "one", "--k", "3", "--no-baselines")
    report = plain("evaluate", "one", "--k", "3", "--no-baselines", "--diversify", "0.5", *by)
    assert report["rules"]["diversify"] == 0.5
    assert report["rules"]["diversify_by"] == "category"
    assert report["figures"] != plain_report["figures"]


def test_figures_of_diverse_lists_are_those_of_the_lists(shop: Path) -> None:
    way = ("--diversify", "0.6", "--only", "price > 3")
    report = plain("evaluate", "one", "--k", "2,4", "--no-baselines", *way)
    data = SequenceDataset.load(Path("data/shop.npz"))
    (shop / "users.txt").write_text("\n".join(map(str, data.user_ids)))
    said(
        *("recommend", "--run", "one", "--users", "users.txt", "--before", "test"),
        *("--topk", "4", "--output", "o.jsonl", *way),
    )
    found: dict[str, list[str]] = {}
    for line in (shop / "o.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.setdefault(row["user"], []).append(row["item"])
    assert data.test is not None
    for k in (2, 4):
        hits = [
            data.item_ids[data.test[n][0] - 1] in found[str(user)][:k]
            for n, user in enumerate(data.user_ids)
        ]
        assert report["figures"]["one"][f"hr@{k}"]["mean"] == pytest.approx(np.mean(hits))


def test_refuses_what_makes_no_sense(shop: Path) -> None:
    user = ("recommend", "--run", "one", "--user", "u1")
    assert "has no column `colour`" in said(
        *user, "--diversify", "0.5", "--diversify-by", "colour", code=1
    )
    assert "did you mean `--diversify-by category`?" in said(
        *user, "--diversify", "0.5", "--diversify-by", "categry", code=1
    )
    assert "--diversify-by is" in said(*user, "--diversify-by", "category", code=2)
    assert "--diversify is" in said(*user, "--diversify", "0.5", "--index", "hnsw", code=2)
    assert "is not last, all or a number" in said("evaluate", "one", "--targets", "some", code=1)


def test_says_where_nobody_has_so_many_next_events(shop: Path) -> None:
    text = said("evaluate", "one", "--targets", "3", "--k", "5", "--no-baselines")
    assert "no user has more than 1 event in the test part" in text
    assert "`prepare --split time`" in text
    assert "no user has more" not in said("evaluate", "one", "--k", "5", "--no-baselines")


def test_the_next_events_are_one_set(shop: Path) -> None:
    said(
        "prepare",
        "shop.csv",
        "--name",
        "shop",
        "--split",
        "time",
        "--valid-from",
        "2023-11-28",
        "--test-from",
        "2023-12-05",
    )
    said("train", "--config", "toy.yaml", "--run", "two", "--device", "cpu")
    data = SequenceDataset.load(Path("data/shop.npz"))
    assert data.test is not None
    report = plain("evaluate", "two", "--targets", "2", "--k", "5", "--no-baselines")
    assert report["targets"] == 2
    asked = [
        n for n in range(data.num_users) if len(data.test[n]) and len(data.histories("test")[n])
    ]
    (shop / "users.txt").write_text("\n".join(str(data.user_ids[n]) for n in asked))
    said(
        *("recommend", "--run", "two", "--users", "users.txt", "--before", "test"),
        *("--topk", "5", "--output", "o.jsonl", "--unknown", "skip"),
    )
    found: dict[str, list[str]] = {}
    for line in (shop / "o.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.setdefault(row["user"], []).append(row["item"])
    recalls, gains = [], []
    for n in asked:
        wanted = {str(data.item_ids[i - 1]) for i in data.test[n][:2]}
        listed = found[str(data.user_ids[n])]
        hits = [key in wanted for key in listed]
        recalls.append(sum(hits) / len(wanted))
        ideal = sum(1 / np.log2(r + 2) for r in range(len(wanted)))
        gains.append(sum(h / np.log2(r + 2) for r, h in enumerate(hits)) / ideal)
    figures = report["figures"]["two"]
    assert figures["recall@5"]["mean"] == pytest.approx(np.mean(recalls))
    assert figures["ndcg@5"]["mean"] == pytest.approx(np.mean(gains))
    assert max(len(data.test[n]) for n in asked) > 2
