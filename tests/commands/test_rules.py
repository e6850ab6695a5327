"""Rules: a list under rules is the list without them, filtered; exactly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from tests.shop import CATEGORIES, DAY, ITEMS, NEW, item, plain, said

SHOE = CATEGORIES[0]
ALL = {item(n)["sku"]: item(n) for n in range(ITEMS + NEW)}


def lists(*arguments: str, topk: int = 999) -> dict[str, list[tuple[str, float]]]:
    """The recommendations by user: items and scores, of the users u0 to u9."""
    users = [piece for n in range(10) for piece in ("--user", f"u{n}")]
    rows = plain("recommend", "--run", "one", *users, "--topk", str(topk), *arguments)
    return {row["user"]: [(i["item"], i["score"]) for i in row["items"]] for row in rows}


def is_shoe(row: dict[str, Any]) -> bool:
    return bool(row["category"] == SHOE)


RULES: list[tuple[list[str], Callable[[dict[str, Any]], bool]]] = [
    (["--only", f"category = '{SHOE}'"], is_shoe),
    (["--exclude", f"category = '{SHOE}'"], lambda row: not is_shoe(row)),
    (
        ["--only", f"category = '{SHOE}' and in_stock"],
        lambda r: is_shoe(r) and r["in_stock"] == "true",
    ),
    (["--only", "price between 3 and 20.5"], lambda r: 3 <= float(r["price"]) <= 20.5),
    (["--only", "'blue' in topics"], lambda r: "blue" in r["topics"]),
    (["--only", "Title like '%(190%'", "--exclude", "in_stock"], lambda r: False),
    (["--exclude", "skus.txt"], lambda r: r["sku"] not in ("item 03", "item 05")),
    (["--only", "item in ('item 03', 'item 04')"], lambda r: r["sku"] in ("item 03", "item 04")),
    (
        ["--only", "in_stock", "--only", "price < 20", "--exclude", "price < 5"],
        lambda r: r["in_stock"] == "true" and 5 <= float(r["price"]) < 20,
    ),
]
RULES[5] = (
    ["--only", "title like 'Thing 1%'", "--exclude", "in_stock"],
    lambda r: r["title"].startswith("Thing 1") and r["in_stock"] == "false",
)


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


def test_says_what_a_rule_leaves(shop: Path) -> None:
    text = said("recommend", "--run", "one", "--user", "u1", "--only", f"category = '{SHOE}'")
    shoes = sum(map(is_shoe, ALL.values()))
    assert f"--only category = '{SHOE}': {shoes} of 33 items" in text
    # What nobody has yet is left out too, as this model knows ids alone.
    new = sum(is_shoe(item(n)) for n in range(ITEMS, ITEMS + NEW))
    assert f"{shoes - new} of 33 items may be recommended" in text
    assert f"{new} items that nobody has yet are left out" in text


def test_items_that_nobody_has_are_not_recommended_by_chance(shop: Path) -> None:
    for items in lists().values():
        assert not {i for i, _ in items} & {item(n)["sku"] for n in range(ITEMS, ITEMS + NEW)}
    assert "3 items that nobody has yet are left out" in said("evaluate", "one", "--k", "3")


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        ("categry = 'shoes'", "has no column `categry`", "did you mean `category`?"),
        ("category = 'boots'", "no item fulfils", "`category` has `"),
        ("price = 'dear'", "cannot be evaluated", "`price` is a number"),
        ("topics = 'red'", "cannot be evaluated", "`list_contains(topics, 'value')` looks into it"),
        ("1 = 1", "it names no column", "--only"),
        ("(select 1)", "`subquery` has no place in it", "--only"),
        ("price > 1; drop table x", "is no condition", "--only"),
        ("price < getenv('HOME')", "the function `getenv` is not known here", "--only"),
        ("gone.txt", "cannot read `gone.txt`", "one item id a line"),
        ("price < 1 and price > 2", "no item fulfils", "`price` has"),
        ("''", "it names no column", "--only"),
    ],
)
def test_explains_a_bad_rule(shop: Path, rule: str, message: str, hint: str) -> None:
    for command in (("recommend", "--run", "one", "--user", "u1"), ("evaluate", "one")):
        text = said(*command, "--only", rule, code=1)
        assert message in text
        assert hint in text.split("hint: ")[1]


def test_rules_that_leave_nothing_together_are_a_sentence(shop: Path) -> None:
    both = ("--only", "price < 9", "--exclude", "price < 9")
    text = said("recommend", "--run", "one", "--user", "u1", *both, code=1)
    assert "no item is left of 33: `--only price < 9` and `--exclude price < 9`" in text


def test_a_user_who_has_seen_all_that_is_left_gets_a_sentence(shop: Path) -> None:
    seen = SequenceDataset.load(Path("data/shop.npz"))
    first = seen.item_ids[seen.histories()[0][0] - 1]
    user = str(seen.user_ids[0])
    text = said("recommend", "--run", "one", "--user", user, "--only", f"item = '{first}'")
    assert f"no items were left to recommend to {user}" in text


def test_ids_of_a_file_that_are_unknown_are_counted(shop: Path) -> None:
    (shop / "skus.txt").write_text("item 03\nitem 99\n")
    text = said("recommend", "--run", "one", "--user", "u1", "--only", "skus.txt")
    assert "1 of 2 ids are not in the catalogue, the first of them `item 99`" in text
    (shop / "skus.txt").write_text("item 98\nitem 99\n")
    text = said("recommend", "--run", "one", "--user", "u1", "--only", "skus.txt", code=1)
    assert "none of its 2 ids is in the catalogue" in text


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


def test_only_what_was_seen_lately_is_left_out(shop: Path) -> None:
    data = SequenceDataset.load(Path("data/shop.npz"))
    assert data.test is not None
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    end = max(int(times.max()) for times in data.timestamps.values())
    times = np.concatenate([data.timestamps[p][: s.offsets[1]] for p, s in parts.items()])  # type: ignore[index]
    user, history = str(data.user_ids[0]), data.histories()[0]
    command = ("recommend", "--run", "one", "--user", user, "--topk", "99")
    every = [i["item"] for i in plain(*command, "--seen", "include")[0]["items"]]
    for days in (0, 7, 30, 400):
        (row,) = plain(*command, "--exclude-seen", f"since={days}d")
        late = {str(data.item_ids[i - 1]) for i in history[times >= end - days * DAY]}
        assert [i["item"] for i in row["items"]] == [i for i in every if i not in late]
    text = said(*command, "--exclude-seen", "since=monday", code=1)
    assert "`monday` is not a time" in text
    text = said(*command, "--exclude-seen", "since=3d", "--seen", "include", code=2)
    assert "--exclude-seen is" in text


def test_an_evaluation_leaves_out_what_was_seen_before_each_target(shop: Path) -> None:
    none = plain("evaluate", "one", "--exclude-seen", "since=0d", "--no-baselines")
    include = plain("evaluate", "one", "--seen", "include", "--no-baselines")
    assert none["figures"] == include["figures"]
    assert none["rules"]["exclude_seen"] == "since=0d"
    all_of_it = plain("evaluate", "one", "--exclude-seen", "since=2000-01-01", "--no-baselines")
    exclude = plain("evaluate", "one", "--seen", "exclude", "--no-baselines")
    assert all_of_it["figures"] == exclude["figures"]
    some = plain("evaluate", "one", "--exclude-seen", "since=6d", "--no-baselines")
    assert some["figures"] not in (none["figures"], exclude["figures"])


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
    assert text == "note: only 3 items were left to recommend to 100\n"
    only = plain("recommend", "--run", "one", "--user", "100", "--only", "item < 1004")
    assert len(only[0]["items"]) <= 3
    text = said("evaluate", "one", "--popularity-penalty", "1", code=1)
    assert "kept no popularity" in text
