"""Drift against counting by hand: what is new, who is asked about what, and the figure."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.shift import jensen_shannon
from seqrec_cli.core.runs.drift import Drift, exceeded, measure_drift, parse_limit
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import ConfigError, DatasetError, InputError, RunError
from tests.shop import DAY, START, item, plain, said

LATER = START + 400 * DAY


def old_rows() -> list[tuple[str, str, int]]:
    with Path("shop.csv").open(newline="") as file:
        rows = [(row["user"], row["sku"], int(row["time"])) for row in csv.DictReader(file)]
    return [row for row in rows if row[0] != "once"]


def newer_rows() -> list[tuple[str, str, int]]:
    """A week in which known users go on, new ones come, and some items are new."""
    random = np.random.default_rng(3)
    rows = []
    for user in [f"u{n}" for n in range(0, 40, 2)] + [f"new{n}" for n in range(8)]:
        for at in range(int(random.integers(3, 7))):
            number = int(random.integers(0, 40))
            sku = item(number)["sku"] if number < 30 else f"later {number}"
            rows.append((user, sku, LATER + at * DAY + len(rows)))
    return rows


def prepared(name: str, rows: list[tuple[str, str, int]]) -> SequenceDataset:
    with Path(f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("user", "sku", "time"), *rows])
    said("prepare", f"{name}.csv", "--min-user-count", "1")
    return SequenceDataset.load(Path(f"data/{name}.npz"))


def measured(newer: SequenceDataset, name: str = "one") -> Drift:
    run, reference = Run.open(Path("runs") / name), SequenceDataset.load(Path("data/shop.npz"))
    return measure_drift(run, reference, newer, 10, torch.device("cpu"))


def value(drift: Drift, key: str) -> float:
    return next(shift.value for shift in drift.shifts if shift.key == key)


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_new_is_counted(shop: Path, whole: bool) -> None:
    """The log of now may hold the earlier events, or the new ones alone."""
    old, new = old_rows(), newer_rows()
    drift = measured(prepared("now", [*old, *new] if whole else new))
    users, items = {row[0] for row in old}, {item(n)["sku"] for n in range(33)}
    assert drift.counts["events"] == (len(old), len(new))
    assert drift.counts["users"] == (40, len({row[0] for row in new}))
    gone = {row[0] for row in new} - users
    assert value(drift, "new_users") == pytest.approx(len(gone) / len({row[0] for row in new}))
    distinct = {row[1] for row in new}
    assert value(drift, "new_items") == pytest.approx(len(distinct - items) / len(distinct))
    unknown = [row[1] not in items for row in new]
    assert value(drift, "unknown_items") == pytest.approx(np.mean(unknown))
    before = Counter(row[1] for row in old)
    after = Counter(row[1] for row in new if row[1] in items)
    keys = sorted(before.keys() | after.keys())
    pair = [np.array([count[key] for key in keys], float) for count in (before, after)]
    assert value(drift, "popularity_shift") == pytest.approx(jensen_shannon(*pair))


def by_hand(
    run: str, new: list[tuple[str, str, int]], *, last: bool
) -> tuple[list[float], list[int]]:
    """The gain of each user who is asked, by lists of `recommend`; the lengths of histories."""
    known = {item(n)["sku"] for n in range(33)}
    gains, lengths = [], []
    for user in sorted({row[0] for row in new}):
        earlier = [row[1] for row in sorted(old_rows(), key=lambda r: r[2]) if row[0] == user]
        later = [row[1] for row in new if row[0] == user]
        at = len(later) - 1 if last else 0 if earlier else 1
        history = [sku for sku in [*earlier, *later[:at]] if sku in known]
        if not history:
            continue
        words = [piece for sku in history for piece in ("--item", sku)]
        (told,) = plain("recommend", run, *words, "--topk", "10")
        listed = [row["item"] for row in told["items"]]
        rank = listed.index(later[at]) if later[at] in listed else None
        gains.append(0.0 if rank is None else 1 / np.log2(rank + 2))
        lengths.append(len(history))
    return gains, lengths


@pytest.mark.parametrize("whole", [True, False])
def test_the_figure_is_that_of_lists_made_by_hand(shop: Path, whole: bool) -> None:
    new = newer_rows()
    drift = measured(prepared("now", [*old_rows(), *new] if whole else new))
    gains, lengths = by_hand("one", new, last=True)
    assert drift.now is not None
    assert drift.own is not None
    assert drift.asked == len(gains)
    assert drift.now.mean == pytest.approx(np.mean(gains))
    assert drift.now.low <= drift.now.mean <= drift.now.high
    assert drift.lengths[1] == np.median(lengths)
    told = plain("evaluate", "one", "--k", "10", "--no-baselines")
    assert drift.own.mean == told["figures"]["one"]["ndcg@10"]["mean"]
    assert value(drift, "ndcg_drop") == pytest.approx(drift.own.mean - drift.now.mean)


def test_a_run_that_is_split_by_time_is_asked_about_the_first(shop: Path) -> None:
    moments = ("--valid-from", "2023-11-28", "--test-from", "2023-12-05")
    said(
        "prepare",
        "shop.csv",
        "--like",
        "data/shop.json",
        "--name",
        "shop",
        "--split",
        "time",
        *moments,
    )
    said("train", "--config", "toy.yaml", "--run", "two", "--device", "cpu")
    new = newer_rows()
    drift = measured(prepared("now", new), "two")
    gains, lengths = by_hand("two", new, last=False)
    assert drift.now is not None
    assert drift.own is not None
    assert drift.now.mean == pytest.approx(np.mean(gains))
    assert drift.lengths[1] == np.median(lengths)
    told = plain("evaluate", "two", "--k", "10", "--no-baselines", "--targets", "1")
    assert drift.own.mean == told["figures"]["two"]["ndcg@10"]["mean"]


def test_what_goes_on_as_before_is_within_chance(shop: Path) -> None:
    old = old_rows()
    random = np.random.default_rng(5)
    again = [(f"u{n % 40}", old[int(random.integers(len(old)))][1], LATER + n) for n in range(300)]
    drift = measured(prepared("now", [*old, *again]))
    (popularity,) = (shift for shift in drift.shifts if shift.key == "popularity_shift")
    assert popularity.chance is not None
    assert popularity.value < 1.1 * popularity.chance
    moved = [(user, item(7)["sku"], time) for user, _, time in again]
    drift = measured(prepared("moved", [*old, *moved]))
    (popularity,) = (shift for shift in drift.shifts if shift.key == "popularity_shift")
    assert popularity.chance is not None
    assert popularity.value > 2 * popularity.chance


def test_without_times_all_events_are_new(shop: Path) -> None:
    rows = [row[:2] for row in newer_rows()]
    with Path("now.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("user", "sku"), *rows])
    said("prepare", "now.csv", "--min-user-count", "1")
    drift = measured(SequenceDataset.load(Path("data/now.npz")))
    assert any("all events count as new" in note for note in drift.notes)
    assert drift.counts["events"][1] == len(rows)
    assert drift.asked


def test_what_makes_no_sense_is_told(shop: Path) -> None:
    with pytest.raises(ConfigError, match="is the dataset that the run was trained on"):
        measured(SequenceDataset.load(Path("data/shop.npz")))
    with pytest.raises(DatasetError, match="has no event after 20"):
        measured(prepared("now", old_rows()[:-1]))
    now = prepared("later", newer_rows())
    with pytest.raises(RunError, match="was trained on another dataset"):
        measure_drift(Run.open(Path("runs/one")), now, now, 10, torch.device("cpu"))


def test_limits_are_held(shop: Path) -> None:
    drift = measured(prepared("now", newer_rows()))
    unknown = value(drift, "unknown_items")
    assert exceeded(drift, [parse_limit("unknown_items=1")]) == []
    assert exceeded(drift, [parse_limit("unknown_items=0.01")]) == [
        f"unknown_items is {unknown:.4f}, above 0.01"
    ]
    with pytest.raises(InputError, match="no measure `unknown`"):
        exceeded(drift, [parse_limit("unknown=1")])
    wrong: Any
    for wrong in (
        "unknown_items",
        "=1",
        "unknown_items=x",
        "unknown_items=nan",
        "unknown_items=1_0",
    ):
        with pytest.raises(InputError, match="is not KEY=VALUE"):
            parse_limit(wrong)
