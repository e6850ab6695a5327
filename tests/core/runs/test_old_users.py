"""A continued run beside the one before it, on the users of both, against a plain recount."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.runs.loading import catalogue_of, load_scorer
from seqrec_cli.core.runs.old_users import measure_old_users
from seqrec_cli.core.runs.run import Run
from tests.shop import DAY, START, invoke, item, write

NOBODYS = item(31)["sku"]  # until some have it
CPU = torch.device("cpu")


@pytest.fixture
def later(shop: Path) -> SequenceDataset:
    """The shop's log, grown: a new item after each item 02, new users, and all go on."""
    lines = (shop / "shop.csv").read_text().splitlines()[1:]
    rows = []
    for user, sku, time in (line.split(",") for line in lines):
        rows.append((user, sku, int(time)))
        if sku == "item 02":
            rows.append((user, "a new one", int(time) + 1))
    rows += [(f"u{n}", item((n * 7) % 30)["sku"], START + 90 * DAY) for n in range(12)]
    rows += [(f"u{n}", "a new one", START + 91 * DAY) for n in range(12, 16)]
    rows += [(f"u{n}", item(5)["sku"], START + 92 * DAY) for n in range(12, 16)]
    rows += [(f"u{n}", NOBODYS, START + 91 * DAY) for n in range(16, 19)]
    rows += [(f"u{n}", item(5)["sku"], START + 92 * DAY) for n in range(16, 19)]
    rows += [(f"n{n}", item(n + at)["sku"], START + at) for n in range(5) for at in range(6)]
    write(shop / "later.csv", ("user", "sku", "time"), rows)
    result = invoke("prepare", "later.csv", "--like", "data/shop.json", "--name", "later")
    assert result.exit_code == 0, result.output
    return SequenceDataset.load(Path("data/later.npz"))


def recounted(run: Run, dataset: SequenceDataset, old_users: set[str]) -> dict[str, list[float]]:
    """NDCG@10 and HR@10 of each old user, one after the other, by the ids of items alone."""
    scorer, ids = load_scorer(run, CPU), catalogue_of(run).item_ids.tolist()
    new = catalogue_of(run).new
    assert new is not None
    unlearned = {ids[at] for at in np.flatnonzero(new)}
    both = set(catalogue_of(Run.open(Path("runs/one"))).item_ids.tolist()) - {NOBODYS}
    found: dict[str, list[float]] = {"ndcg@10": [], "hr@10": []}
    for user, key in enumerate(dataset.user_ids.tolist()):
        history = [dataset.item_ids[number - 1] for number in dataset.train[user]]
        target = dataset.item_ids[dataset.valid[user][0] - 1].item()
        if key not in old_users or target not in both:
            continue
        known = [ids.index(each) + 1 for each in history if each in ids]
        scores = scorer.score(Sequences.from_lists([known]))[0].tolist()[1:]
        own = scores[ids.index(target)]
        rivals = set(ids) - unlearned - set(history) - {target}
        rank = 1 + sum(scores[ids.index(rival)] >= own for rival in rivals)
        hit = rank <= 10 and target not in history
        found["ndcg@10"].append(1 / math.log2(rank + 1) if hit else 0.0)
        found["hr@10"].append(float(hit))
    return found


def test_figures_are_those_of_a_plain_recount(later: SequenceDataset) -> None:
    result = invoke("train", "--from", "one", "--data", "later", "--run", "two", "--device", "cpu")
    assert result.exit_code == 0, result.output
    kept = json.loads(Path("runs/two/old_users.json").read_text())
    old_users = set(SequenceDataset.load(Path("data/shop.npz")).user_ids.tolist())
    before = recounted(Run.open(Path("runs/one")), later, old_users)
    now = recounted(Run.open(Path("runs/two")), later, old_users)
    assert kept["users"] == len(now["hr@10"])
    # Five are new, and `once` has only now enough.
    assert kept["skipped"]["not in the dataset of the run before"] == 6
    targets = [later.item_ids[row[0] - 1] for row in later.valid if len(row)]
    newcomers = sum(target in ("a new one", NOBODYS) for target in targets)
    assert NOBODYS in targets
    assert kept["skipped"]["no target that the run before knows"] == newcomers > 0
    for metric, figures in kept["figures"].items():
        assert math.isclose(figures["before"], np.mean(before[metric]), abs_tol=1e-6), metric
        assert math.isclose(figures["now"], np.mean(now[metric]), abs_tol=1e-6), metric
        assert math.isclose(figures["difference"], figures["now"] - figures["before"], abs_tol=1e-9)
        assert figures["low"] <= figures["difference"] <= figures["high"]
    assert "what is lost on old users: " in result.stderr
    shown = [line.split() for line in result.stdout.splitlines() if line.startswith("ndcg@10")]
    figures = kept["figures"]["ndcg@10"]
    assert shown[-1][1:3] == [f"{figures['before']:.4f}", f"{figures['now']:.4f}"]


def test_one_that_has_not_changed_has_lost_nothing(later: SequenceDataset) -> None:
    arguments = ("train", "--from", "one", "--data", "later", "--device", "cpu")
    assert invoke(*arguments, "--run", "two", "--set", "training.lr=1e-30").exit_code == 0
    kept = json.loads(Path("runs/two/old_users.json").read_text())
    # What is new in the catalogue stands beside old items: a figure can only fall.
    assert all(figures["difference"] <= 0 for figures in kept["figures"].values())


def test_without_the_old_dataset_it_says_so(later: SequenceDataset) -> None:
    for ending in ("npz", "json"):
        Path(f"data/shop.{ending}").unlink()
    result = invoke("train", "--from", "one", "--data", "later", "--run", "two", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "what is lost on old users is not measured: the dataset of the run" in result.stderr
    assert not Path("runs/two/old_users.json").exists()
    run = Run.open(Path("runs/two"))
    assert isinstance(measure_old_users(run, later, Path("data"), CPU), str)
