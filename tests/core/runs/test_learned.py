"""Items of which nothing was learned: a history is read as if they were not in it, and it is said.

The oracle is the history without them, typed out.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seqrec_cli as seqrec
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.runs.learned import unread
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import InputError
from tests.shop import ITEMS, NEW, START, invoke, item, plain, said, write

NOBODYS = item(ITEMS + 1)["sku"]
LATE, LATER = "a late one", "a later one"  # in somebody's valid part alone, and in the test part
PART = "of which nothing was learned"
CPU = torch.device("cpu")


def listed(*arguments: str, run: str = "one") -> list[tuple[str, float]]:
    (row,) = plain("recommend", "--run", run, *arguments)
    return [(each["item"], each["score"]) for each in row["items"]]


def alike(found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> None:
    assert [name for name, _ in found] == [name for name, _ in expected]
    scores = np.array([[score for _, score in each] for each in (found, expected)])
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)


@pytest.fixture
def late(shop: Path) -> Path:
    """The shop with items that only the held-out parts have, and runs trained on it."""
    rows = [tuple(line.split(",")) for line in (shop / "shop.csv").read_text().splitlines()[1:]]
    for user, (last, next_to_last) in {"u3": (LATER, LATE), "u4": (item(2)["sku"], LATE)}.items():
        rows += [(user, next_to_last, str(START * 2)), (user, last, str(START * 2 + 1))]
    write(shop / "late.csv", ("user", "sku", "time"), rows)
    assert invoke("prepare", "late.csv", "--min-user-count", "3").exit_code == 0
    train = ("train", "--config", "toy.yaml", "--data", "late", "--device", "cpu", "--run")
    for name, settings in (("late", ()), ("refitted", ("--set", "training.final=true"))):
        result = invoke(*train, name, *settings)
        assert result.exit_code == 0, result.output
    return shop


def unread_ids(name: str) -> set[str]:
    run = Run.open(Path("runs") / name)
    never = unread(run)
    with np.load(run.path / "catalogue.npz") as file:
        return set() if never is None else set(file["item_ids"][never[1:]].tolist())


def test_items_that_no_training_step_read(late: Path) -> None:
    assert unread_ids("one") == {item(number)["sku"] for number in range(ITEMS, ITEMS + NEW)}
    assert unread_ids("late") == {LATE, LATER}
    assert unread_ids("refitted") == {LATER}  # its last fit has learned the valid part


@pytest.mark.parametrize(
    "model",
    [
        "{name: two_tower, history: {name: gru4rec, hidden: 8}}",
        "{name: gru4rec, hidden: 8, item_features: true}",
    ],
)
def test_a_model_that_reads_features_reads_them_all(late: Path, model: str) -> None:
    prepare = ("prepare", "shop.csv", "--items-file", "items.csv", "--min-user-count", "3")
    options = ("--new-items", "--item-features", "price=dense", "--name", "told")
    assert invoke(*prepare, *options).exit_code == 0
    towers = f"data: told\nmodel: {model}"
    Path("towers.yaml").write_text(f"{towers}\ntraining: {{epochs: 1, batch_size: 16}}\n")
    result = invoke("train", "--config", "towers.yaml", "--run", "towers", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert unread_ids("towers") == set()
    typed = ("--item", "item 03", "--item", NOBODYS)
    assert PART not in said("recommend", "--run", "towers", *typed)
    first, second = (listed(*each, run="towers") for each in (typed[:2], typed))
    assert [score for _, score in first] != [score for _, score in second]


def test_a_linear_model_that_knows_what_is_alike_lists_what_nobody_has(late: Path) -> None:
    prepare = ("prepare", "shop.csv", "--items-file", "items.csv", "--min-user-count", "3")
    kinds = ("--item-features", "category=sparse,price=dense", "--min-value-count", "1")
    assert invoke(*prepare, *kinds, "--new-items", "--name", "told").exit_code == 0
    train = ("train", "--config", "linear", "--data", "told", "--set", "training.grid={}")
    new = {item(number)["sku"]: item(number)["category"] for number in range(ITEMS, ITEMS + NEW)}
    for alike_, expected in (("0", set()), ("30", {each for each in new if new[each]})):
        result = invoke(*train, "--set", f"model.alike={alike_}", "--run", f"alike-{alike_}")
        assert result.exit_code == 0, result.output
        rows = plain("recommend", "--run", f"alike-{alike_}", "--item", "item 03", "--topk", "40")
        (found,) = rows
        assert {each["item"] for each in found["items"]} & set(new) == expected
        # In a history it says nothing: no row of the weights is of it.
        assert unread_ids(f"alike-{alike_}") == set(new)
        typed = ("--item", "item 03", "--item", NOBODYS)
        alike(
            listed(*typed, run=f"alike-{alike_}"),
            listed("--item", "item 03", run=f"alike-{alike_}"),
        )


def test_features_that_nobody_knows_tell_nothing(late: Path) -> None:
    """The items that came late have no row among the items."""
    prepare = ("prepare", "late.csv", "--items-file", "items.csv", "--min-user-count", "3")
    options = ("--item-features", "category=sparse,topics=tags", "--min-value-count", "1")
    assert invoke(*prepare, *options, "--name", "told").exit_code == 0
    model = "{name: gru4rec, hidden: 8, item_features: true}"
    text = f"data: told\nmodel: {model}\ntraining: {{epochs: 1, batch_size: 16}}\n"
    Path("told.yaml").write_text(text)
    result = invoke("train", "--config", "told.yaml", "--run", "told", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert unread_ids("told") == {LATE, LATER}
    assert PART in said("recommend", "--run", "told", "--item", "item 03", "--item", LATE)


def test_a_typed_history_is_read_without_them(shop: Path) -> None:
    typed = ("--item", NOBODYS, "--item", "item 03", "--item", NOBODYS, "--item", "item 07")
    expected = listed("--item", "item 03", "--item", "item 07")
    alike(listed(*typed, "--item", NOBODYS), expected)
    text = said("recommend", "--run", "one", *typed)
    assert f"2 interactions with 1 item {PART}, the first `{NOBODYS}`, were left out" in text
    text = said("recommend", "--run", "one", "--item", NOBODYS, code=1)
    assert f"nobody has the item `{NOBODYS}` yet" in text
    assert "configs/two-tower.yaml" in text


def test_what_joins_the_network_reads_histories_without_them_too(shop: Path) -> None:
    """By its places in a history the linear model reads an item that it does not know."""
    joined = ("--set", "linear.weight=1", "--run", "two", "--device", "cpu")
    assert invoke("train", "--config", "toy.yaml", *joined).exit_code == 0
    known = ("--item", "item 03", "--item", "item 07")
    found = listed(*known[:2], "--item", NOBODYS, *known[2:], "--item", NOBODYS, run="two")
    alike(found, listed(*known, run="two"))


@pytest.mark.parametrize("model", ["linear", "transitions"])
def test_a_fitted_model_alone_reads_histories_without_them(shop: Path, model: str) -> None:
    text = f"data: shop\nmodel: {{name: {model}}}\n"
    Path("fitted.yaml").write_text(text)
    assert invoke("train", "--config", "fitted.yaml", "--run", "two").exit_code == 0
    known = ("--item", "item 03", "--item", "item 07")
    typed = (*known[:2], "--item", NOBODYS, *known[2:], "--item", NOBODYS)
    alike(listed(*typed, run="two"), listed(*known, run="two"))
    assert PART in said("recommend", "--run", "two", *typed)
    (without,) = plain("recommend", "--run", "two", *known, "--why")
    (found,) = plain("recommend", "--run", "two", *typed, "--why")
    assert [each["why"] for each in found["items"]] == [each["why"] for each in without["items"]]
    assert any(each["why"] for each in found["items"])


def test_histories_of_a_file_are_read_without_them(shop: Path) -> None:
    events = [("a", NOBODYS), ("a", "item 03"), ("a", NOBODYS), ("b", NOBODYS)]
    rows = [(*event, START + at) for at, event in enumerate(events)]
    write(shop / "new.csv", ("user", "item", "time"), rows)
    command = ("recommend", "--run", "one", "--histories", "new.csv", "--output", "o.jsonl")
    text = said(*command, code=1)
    assert "user `b` has no item of which the run has learned anything" in text
    text = said(*command, "--unknown", "skip", "--exclude-seen", "since=2d")
    assert f"3 interactions with 1 item {PART}" in text
    assert "1 user was left out: `b` has no item of which the run has learned anything" in text
    found = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    # Since two days, which is all of it.
    pairs = [(row["item"], row["score"]) for row in found]
    alike(pairs, listed("--item", "item 03"))


def test_users_are_read_without_them(late: Path) -> None:
    text = said("recommend", "--run", "late", "--user", "u3")
    assert f"2 interactions with 2 items {PART}" in text
    data = SequenceDataset.load(Path("data/late.npz"))
    whole = data.histories()[data.user_ids.tolist().index("u3")]
    ids = [data.item_ids[number - 1] for number in whole]
    assert ids[-2:] == [LATE, LATER]
    known = [piece for each in ids[:-2] for piece in ("--item", each)]
    options = ("--seen", "include", "--exclude", f"item in ('{LATE}', '{LATER}')")
    alike(listed("--user", "u3", *options, run="late"), listed(*known, *options, run="late"))
    # They were seen all the same.
    assert not {LATE, LATER} & {name for name, _ in listed("--user", "u3", "--k", "99", run="late")}


def test_a_dataset_prepared_since_is_read_without_them(shop: Path) -> None:
    rows = [tuple(line.split(",")) for line in (shop / "shop.csv").read_text().splitlines()[1:]]
    rows += [("u5", NOBODYS, str(START * 2)), ("zed", NOBODYS, "1"), ("zed", NOBODYS, "2")]
    rows += [("zed", NOBODYS, "3")]
    write(shop / "grown.csv", ("user", "sku", "time"), rows)
    assert invoke("prepare", "grown.csv", "--min-user-count", "3").exit_code == 0
    options = ("--data", "grown", "--user", "u5")
    alike(listed(*options), listed("--user", "u5"))
    assert f"1 interaction with 1 item {PART}" in said("recommend", "--run", "one", *options)
    text = said("recommend", "--run", "one", "--data", "grown", "--user", "zed", code=1)
    assert "user `zed` has no item of which the run has learned anything" in text


def test_figures_are_those_of_histories_without_them(late: Path) -> None:
    """u4's history before the test part ends with an item that the train part does not have."""
    data = SequenceDataset.load(Path("data/late.npz"))
    scorer = load_scorer(Run.open(Path("runs/late")), CPU)
    row = data.user_ids.tolist().index("u4")
    history = data.histories("test")[row]
    assert data.item_ids[history[-1] - 1] == LATE
    scores = [
        scorer.score(Sequences.from_lists([each.tolist()])) for each in (history, history[:-1])
    ]
    torch.testing.assert_close(*scores)
    # Of nothing there is nothing to say, and everything scores alike.
    assert not scorer.score(Sequences.from_lists([[int(history[-1])]])).any()
    result = invoke("evaluate", "late", "--per-user", "each.csv", "--k", "10", "--no-baselines")
    assert result.exit_code == 0, result.output
    with Path("each.csv").open() as file:
        (found,) = [line for line in csv.DictReader(file) if line["user"] == "u4"]
    own = scores[1][0].clone()
    target = int(data.targets("test")[row][0])
    own[history.astype(np.int64)] = -torch.inf
    rank = 1 + int((own[1:] >= own[target]).sum()) - 1
    assert float(found["mrr@10"]) == pytest.approx(1 / rank if rank <= 10 else 0, abs=1e-6)


def test_rows_are_scored_without_them(shop: Path) -> None:
    rows = [
        ("item 03", "item 09"),
        (f"{NOBODYS};item 03;{NOBODYS}", "item 09"),
        (NOBODYS, "item 09"),
    ]
    write(shop / "rows.csv", ("history", "item"), rows)
    command = ("score", "one", "--input", "rows.csv", "--output", "s.csv", "--unknown", "empty")
    text = said(*command)
    assert f"3 items of histories, {PART}, were left out" in text
    assert "1 row without a score: history without an item that anything is learned of" in text
    with Path("s.csv").open() as file:
        first, second, third = (line["logit"] for line in csv.DictReader(file))
    assert float(first) == pytest.approx(float(second), abs=1e-5)
    assert third == ""


def test_users_of_rows_are_read_without_them(late: Path) -> None:
    write(late / "rows.csv", ("user", "item"), [("u3", "item 09")])
    text = said("score", "late", "--input", "rows.csv", "--output", "s.csv")
    assert f"{PART}, the first" in text


def test_python_reads_histories_without_them(shop: Path) -> None:
    first, second = seqrec.recommend("one", histories=[["item 03", NOBODYS], ["item 03"]], k=5)
    alike([(r.item, r.score) for r in first], [(r.item, r.score) for r in second])
    with pytest.raises(InputError, match="nobody has the item"):
        seqrec.recommend("one", histories=[["item 03"], [NOBODYS]])


def test_similar_items_are_not_of_a_vector_by_chance(late: Path) -> None:
    assert f"nobody has the item `{LATE}` yet" in said("similar", "late", "--item", LATE, code=1)
    said("similar", "late", "--output", "s.csv")
    with Path("s.csv").open() as file:
        assert not {LATE, LATER} & {line["item"] for line in csv.DictReader(file)}


@pytest.mark.slow
def test_an_exported_file_reads_histories_without_them(shop: Path) -> None:
    runtime: Any = pytest.importorskip("onnxruntime")
    said("export", "one", "--output", "model", "--k", "5")
    ids = json.loads(Path("model/items.json").read_text())
    session = runtime.InferenceSession("model/model.onnx")
    new, some, other = (ids.index(each) for each in (NOBODYS, "item 03", "item 07"))
    rows = np.array([[some, other, 0, 0], [new, some, new, other], [new, 0, 0, 0]])
    items, scores = session.run(None, {"history": rows})
    assert items[0].tolist() == items[1].tolist()
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
    assert not scores[2].any()
    assert f"{NEW} items {PART} may be in `history`" in Path("model/README.md").read_text()
