"""Weights go on by item id into a dataset with more items, in another order."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.runs.loading import catalogue_of
from seqrec_cli.core.runs.refreshing import (
    Carried,
    carry_over,
    followed_shares,
    settings_to_go_on,
)
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.training.network import Training
from tests.shop import ITEMS, NEW, invoke, item, write

UNSEEN = {item(number)["sku"] for number in range(ITEMS, ITEMS + NEW)}


def test_new_items_start_from_what_comes_right_before_them() -> None:
    train = Sequences.from_lists([[1, 4, 2, 4], [4, 1], [3, 5, 5, 4], []])
    places = np.array([7, 8, 9, 0, 0])
    found = followed_shares(train, np.array([4, 5]), places)
    assert {item: sorted(before.tolist()) for item, before in found.items()} == {4: [7, 8], 5: [9]}


@pytest.fixture
def grown(shop: Path) -> Path:
    """The log of the shop, and a new item that always comes after item 02."""
    lines = (shop / "shop.csv").read_text().splitlines()[1:]
    rows = [tuple(line.split(",")) for line in lines]
    more = []
    for user, sku, time in rows:
        more.append((user, sku, time))
        if sku == "item 02":
            more.append((user, "a new one", str(int(time) + 1)))
    write(shop / "later.csv", ("user", "sku", "time"), more)
    result = invoke(
        *("prepare", "later.csv", "--items-file", "items.csv", "--min-user-count", "3"),
        *("--new-items", "--name", "later"),
    )
    assert result.exit_code == 0, result.output
    return shop


def test_rows_are_matched_by_id(grown: Path) -> None:
    run, data = Run.open(Path("runs/one")), SequenceDataset.load(Path("data/later.npz"))
    experiment = load_experiment(run.path / "experiment.yaml", settings_to_go_on(run, []), "later")
    training = Training(experiment, data.num_items, torch.device("cpu"))
    carried = carry_over(run, training, data.without_test())
    old = SequenceDataset.load(Path("data/shop.npz"))
    weights, _ = run.checkpoints.load_best_weights()
    table = training.model.state_dict()["items.weight"]
    rows = {key: number for number, key in enumerate(old.item_ids.tolist(), 1)}
    for number, key in enumerate(data.item_ids.tolist(), 1):
        if key in UNSEEN:  # that nobody had: what the run has of them was never learned
            assert not torch.equal(table[number], weights["items.weight"][rows[key]])
        elif key in rows:
            assert torch.equal(table[number], weights["items.weight"][rows[key]])
        else:
            assert key == "a new one"
            source = weights["items.weight"][rows["item 02"]]
            assert torch.allclose(table[number], source, atol=1e-6)
    assert not table[0].any()
    assert (carried.items, carried.new, carried.from_neighbours) == (ITEMS, 1 + NEW, 1)
    assert carried.gone == 0
    for name, tensor in training.model.state_dict().items():
        if name not in training.model.tables:
            assert torch.equal(tensor, weights[name])


def test_a_continuation_is_short_and_slow_unless_it_is_told_otherwise(shop: Path) -> None:
    run = Run.open(Path("runs/one"))
    usual = settings_to_go_on(run, [])
    assert "training.epochs=1" in usual
    assert "training.lr=0.006" in usual
    changed = settings_to_go_on(run, ["training.lr=0.5"])
    assert [each for each in changed if each.startswith("training.lr=")] == ["training.lr=0.5"]


def test_the_commands_prepare_alike_and_go_on(grown: Path) -> None:
    result = invoke("prepare", "later.csv", "--like", "data/shop.json", "--name", "again")
    assert result.exit_code == 0, result.output
    assert "--min-user-count 3" in result.stderr
    again, later = (SequenceDataset.load(Path(f"data/{n}.npz")) for n in ("again", "later"))
    assert again.sha256 == later.sha256
    result = invoke("train", "--from", "one", "--data", "again", "--run", "two", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert f"{1 + NEW} new, 1 of them from the mean" in result.stderr
    assert "training.lr=0.006" in result.stderr
    manifest = Run.open(Path("runs/two")).manifest()
    assert manifest["continued_from"]["run"] == "runs/one"
    assert manifest["continued_from"]["new_items"] == 1 + NEW
    assert invoke("train", "--from", "one", "--config", "toy.yaml").exit_code == 2
    assert invoke("train", "--from", "one").exit_code == 2


TOWERS = """\
data: shop
model: {name: two_tower, history: {hidden: 4, max_length: 6}, output: 4, feature_size: 2}
training: {loss: softmax, epochs: 1, batch_size: 16, validate_every: 1}
"""


READER = """\
data: shop
model: {hidden: 4, max_length: 6, item_features: true}
training: {loss: softmax, epochs: 1, batch_size: 16, validate_every: 1}
"""


@pytest.mark.parametrize(("config", "part"), [(TOWERS, "item_side"), (READER, "content.features")])
def test_tables_of_features_are_matched_by_value(grown: Path, config: str, part: str) -> None:
    """The new log has a new category, and others are the most frequent: all codes move."""
    Path("towers.yaml").write_text(config)
    assert invoke("train", "--config", "towers.yaml", "--run", "towers").exit_code == 0
    items = Path("items.csv").read_text().splitlines()
    gone = [line for line in items if ",shoes," not in line]
    Path("items.csv").write_text("\n".join([*gone, "a new one,New (2000),socks,1,true,red"]) + "\n")
    prepare = ("prepare", "later.csv", "--like", "data/shop.json", "--name", "other")
    assert invoke(*prepare, "--min-value-count", "1").exit_code == 0
    run, data = Run.open(Path("runs/towers")), SequenceDataset.load(Path("data/other.npz"))
    experiment = load_experiment(run.path / "experiment.yaml", settings_to_go_on(run, []), "other")
    training = Training(experiment, data.num_items, torch.device("cpu"), data.features())
    fresh = {name: t.clone() for name, t in training.model.state_dict().items()}
    carry_over(run, training, data.without_test())
    weights, _ = run.checkpoints.load_best_weights()
    old = SequenceDataset.load(Path("data/shop.npz"))
    before = {c.name: c for c in old.encoders.side("item").columns}
    now = {c.name: c for c in data.encoders.side("item").columns}
    place = [c.name for c in now.values() if c.kind == "sparse"].index("category")
    name = f"{part}.sparse.{place}.weight"
    table = training.model.state_dict()[name]
    codes = [
        {value: row for row, value in enumerate(each["category"].values.tolist(), 1)}
        for each in (before, now)
    ]
    assert codes[0].keys() & codes[1].keys()
    assert any(codes[0].get(value) != row for value, row in codes[1].items())
    for value, row in codes[1].items():
        source = weights[name][codes[0][value]] if value in codes[0] else fresh[name][row]
        assert torch.equal(table[row], source), value
    assert torch.equal(table[0], weights[name][0])


@pytest.mark.parametrize("config", [TOWERS, READER])
def test_other_columns_of_features_are_told(grown: Path, config: str) -> None:
    Path("towers.yaml").write_text(config)
    assert invoke("train", "--config", "towers.yaml", "--run", "towers").exit_code == 0
    rows = [line.rpartition(",")[0] for line in Path("items.csv").read_text().splitlines()]
    Path("items.csv").write_text("\n".join(rows) + "\n")
    prepare = ("prepare", "later.csv", "--like", "data/shop.json", "--name", "other")
    assert invoke(*prepare).exit_code == 0
    refused = invoke("train", "--from", "towers", "--data", "other", "--run", "two")
    assert refused.exit_code == 1
    assert "the run `runs/towers` reads other features than `other` has" in refused.stderr
    assert not Path("runs/two").exists()


def test_an_item_that_nobody_had_starts_as_a_new_one(shop: Path) -> None:
    """It is in the run's catalogue, and now somebody has it: always after item 02."""
    lines = (shop / "shop.csv").read_text().splitlines()[1:]
    more = []
    for user, sku, time in (tuple(line.split(",")) for line in lines):
        more.append((user, sku, time))
        if sku == "item 02":
            more.append((user, item(ITEMS)["sku"], str(int(time) + 1)))
    write(shop / "later.csv", ("user", "sku", "time"), more)
    assert invoke("prepare", "later.csv", "--like", "data/shop.json").exit_code == 0
    run, data = Run.open(Path("runs/one")), SequenceDataset.load(Path("data/later.npz"))
    experiment = load_experiment(run.path / "experiment.yaml", settings_to_go_on(run, []), "later")
    training = Training(experiment, data.num_items, torch.device("cpu"))
    carried = carry_over(run, training, data.without_test())
    weights, _ = run.checkpoints.load_best_weights()
    rows = {key: n for n, key in enumerate(catalogue_of(run).item_ids.tolist(), 1)}
    number = data.item_ids.tolist().index(item(ITEMS)["sku"]) + 1
    found = training.model.state_dict()["items.weight"][number]
    assert torch.allclose(found, weights["items.weight"][rows["item 02"]], atol=1e-6)
    assert (carried.new, carried.from_neighbours) == (NEW, 1)


@pytest.mark.parametrize(
    ("carried", "words"),
    [
        (Carried(1, 0, 0, 0), "1 item keeps its weights"),
        (Carried(9, 1, 1, 0), "9 items keep their weights; 1 new, from the mean of the items that"),
        (Carried(9, 2, 0, 0), "9 items keep their weights; 2 new, at random"),
        (Carried(9, 3, 2, 1), "3 new, 2 of them from the mean of the items that come before, the"),
        (Carried(9, 0, 0, 1), "9 items keep their weights; 1 item of the run is gone"),
    ],
)
def test_says_what_was_taken_over(carried: Carried, words: str) -> None:
    assert words in carried.in_words()
    assert ("at random" in carried.in_words()) == (carried.new > carried.from_neighbours)
