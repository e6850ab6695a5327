"""What is kept, in which order and which part, held against a slow partitioner."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data import ordering
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Interactions, Origin, read_interactions
from seqrec_cli.core.data.ordering import stable_order
from seqrec_cli.core.data.preparation import (
    DOUBLE_WRITE,
    RARE_ITEM,
    RARE_USER,
    Preparation,
    prepare,
)
from seqrec_cli.core.data.reading.findings import Findings
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.sequences import PARTS
from seqrec_cli.core.data.shuffling import repeats, shuffled
from seqrec_cli.errors import InputError

Row = tuple[int, int, int]


@pytest.fixture
def datasets() -> Path:
    folder = os.environ.get("SEQREC_DATASETS")
    if not folder:
        pytest.skip("SEQREC_DATASETS is not set")
    return Path(folder)


def make_log(rows: list[Row], *, timed: bool = True, unit: str = "seconds") -> Interactions:
    """A log of (user, item, time)."""
    users, items, times = (np.array([row[n] for row in rows], np.int64) for n in range(3))
    user_ids, user_codes = np.unique(users, return_inverse=True)
    item_ids, item_codes = np.unique(items, return_inverse=True)
    return Interactions(
        users=user_codes.astype(np.int32),
        items=item_codes.astype(np.int32),
        user_ids=user_ids,
        item_ids=item_ids,
        origin=Origin("log.csv", "0" * 64, "delimited", len(rows), time_unit=unit if timed else ""),
        timestamps=times if timed else None,
        ratings=np.arange(len(rows), dtype=np.float32),
        item_titles=np.array([f"T{item}" for item in item_ids]),
    )


def histories(dataset: SequenceDataset) -> dict[int, list[list[tuple[int, float]]]]:
    """For each user id, for each part, (item id, rating): the rating tells which row it was."""
    found: dict[int, list[list[tuple[int, float]]]] = {int(u): [] for u in dataset.user_ids}
    for part, sequences in zip(PARTS, (dataset.train, dataset.valid, dataset.test), strict=True):
        assert sequences is not None
        ratings = np.split(dataset.ratings[part], sequences.offsets[1:-1])
        for user, items, rated in zip(dataset.user_ids, sequences, ratings, strict=True):
            ids = dataset.item_ids[items - 1].tolist()
            found[int(user)].append(list(zip(ids, rated.tolist(), strict=True)))
    return found


def slow_rows(rows: list[Row], timed: bool, options: Preparation) -> tuple[dict[int, Any], Counter]:
    """Each user's (item, row, time) in order after filters, and what was dropped."""
    dropped: Counter = Counter()
    kept: dict[int, list[tuple[int, int, int]]] = {}
    seen = set()
    for number, row in enumerate(rows):
        if timed and row in seen:
            dropped[DOUBLE_WRITE] += 1
            continue
        seen.add(row)
        kept.setdefault(row[0], []).append((row[1], number, row[2]))
    if timed:
        for history in kept.values():
            history.sort(key=lambda entry: entry[2])
    while True:
        counts = Counter(entry[0] for history in kept.values() for entry in history)
        rare = {item for item, count in counts.items() if count < options.min_item_count}
        dropped[RARE_ITEM] += sum(counts[item] for item in rare)
        kept = {u: [e for e in h if e[0] not in rare] for u, h in kept.items()}
        few = {u for u, h in kept.items() if len(h) < options.min_user_count}
        gone = sum(len(kept[u]) for u in few)
        dropped[RARE_USER] += gone
        kept = {u: h for u, h in kept.items() if u not in few and h}
        if not rare and not gone:
            return kept, +dropped


ROWS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 5)), min_size=1, max_size=40
)
OPTIONS = st.builds(
    Preparation,
    min_user_count=st.integers(1, 4),
    min_item_count=st.integers(1, 4),
    min_split_length=st.integers(3, 5),
)


@settings(deadline=None, max_examples=300)
@given(ROWS, OPTIONS, st.booleans(), st.sampled_from([3, 1 << 22]))
def test_leaving_one_out_agrees_with_the_slow_way(
    rows: list[Row], options: Preparation, timed: bool, block: int
) -> None:
    kept, dropped = slow_rows(rows, timed, options)
    log = make_log(rows, timed=timed)
    before = log.users.copy(), log.items.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "BLOCK_ROWS", block)
        try:
            dataset = prepare(log, options, "x")
        except InputError:
            items = {entry[0] for history in kept.values() for entry in history}
            longest = max(map(len, kept.values()), default=0)
            assert len(items) < 2 or longest < options.min_split_length
            return
    expected = {}
    for user, history in kept.items():
        pairs = [(item, float(number)) for item, number, _ in history]
        cut = len(pairs) - 2 if len(pairs) >= options.min_split_length else len(pairs)
        expected[user] = [pairs[:cut], pairs[cut:][:1], pairs[cut:][1:]]
    assert histories(dataset) == expected
    manifest = dataset.manifest
    assert manifest["dropped"] == dropped
    assert manifest["rows_read"] == len(rows) == manifest["rows_kept"] + sum(dropped.values())
    assert dataset.item_titles is not None
    assert dataset.item_titles.tolist() == [f"T{item}" for item in dataset.item_ids]
    np.testing.assert_array_equal(log.users, before[0])
    np.testing.assert_array_equal(log.items, before[1])


@settings(deadline=None, max_examples=150)
@given(ROWS, st.integers(0, 5), st.integers(0, 5))
def test_a_split_by_time_agrees_with_the_slow_way(rows: list[Row], one: int, other: int) -> None:
    valid_from, test_from = sorted((one, other))
    options = Preparation(split="time", valid_from=str(valid_from), test_from=str(test_from))
    kept, _ = slow_rows(rows, True, options)
    expected = {
        user: [
            [(item, float(n)) for item, n, time in history if low <= time < high]
            for low, high in ((-1, valid_from), (valid_from, test_from), (test_from, 99))
        ]
        for user, history in kept.items()
    }
    try:
        dataset = prepare(make_log(rows), options, "x")
    except InputError:
        sizes = [sum(len(parts[n]) for parts in expected.values()) for n in range(3)]
        nobody = [
            all(not parts[n] or not any(parts[:n]) for parts in expected.values()) for n in (1, 2)
        ]
        assert 0 in sizes or len({row[1] for row in rows}) == 1 or any(nobody)
        return
    assert histories(dataset) == expected


def test_splits_by_quantiles_of_time() -> None:
    rows = [(user, item, 100 + item * 10 + user) for user in range(10) for item in range(10)]
    dataset = prepare(make_log(rows), Preparation(split="time"), "x")
    split = dataset.manifest["split"]
    assert (split["valid_from"], split["test_from"]) == (180, 190)
    assert [split[part]["interactions"] for part in PARTS] == [80, 10, 10]
    assert split["test"]["users"] == 10


def test_splits_at_a_date() -> None:
    rows = [(1, item, 86_400_000 * item) for item in range(5)]
    options = Preparation(split="time", valid_from="1970-01-03", test_from="1970-01-04T00:00Z")
    dataset = prepare(make_log(rows, unit="milliseconds"), options, "x")
    assert [dataset.manifest["split"][part]["interactions"] for part in PARTS] == [2, 1, 2]


def test_keeps_items_repeated_without_times() -> None:
    dataset = prepare(
        make_log([(1, 5, 0), (1, 5, 0), (1, 6, 0), (1, 5, 0)], timed=False), Preparation(), "x"
    )
    assert dataset.manifest["dropped"] == {}
    assert dataset.train[0].tolist() == [1, 1]


def test_counts_ties_and_rows_back_in_time() -> None:
    rows = [(1, 1, 5), (1, 2, 3), (1, 3, 5), (2, 1, 1), (2, 2, 1), (2, 3, 2), (1, 4, 4)]
    order = prepare(make_log(rows), Preparation(), "x").manifest["order"]
    assert order["rows_back_in_time"] == 2  # 3 after 5, 4 after 5
    assert order["tied_share"] == 2 / 7
    assert order["users_whose_last_ties"] == 1


def test_the_same_log_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = [(user, item, user * item) for user in range(5) for item in range(1, 6)]
    contents = []
    for folder in ("a", "b"):
        path = tmp_path / folder / "x.npz"
        prepare(make_log(rows), Preparation(), "x").save(path)
        contents.append((path.read_bytes(), path.with_suffix(".json").read_bytes()))
    assert contents[0] == contents[1]
    manifest = json.loads(contents[0][1])
    assert manifest["source"] == {
        "path": "log.csv",
        "sha256": "0" * 64,
        "format": "delimited",
        "columns": {},
        "titles": "",
        "obtained": "",
        "licence": "",
        "reading": {},
        "findings": json.loads(json.dumps(Findings().as_dict())),
    }


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([(1, 1, 0), (2, 2, 0)], Preparation(), "no user of `log.csv` has 3 interactions"),
        ([(1, 7, 0), (1, 7, 1), (1, 7, 2)], Preparation(), "has a single item"),
        ([(1, 1, 0), (1, 2, 1)], Preparation(min_user_count=3), "nothing is left of the 2"),
        ([(1, 1, 0), (1, 2, 1)], Preparation(split="time", valid_from="x"), "`x` is not a time"),
        (
            [(1, 1, 0), (1, 2, 1)],
            Preparation(split="time", valid_from="9", test_from="2"),
            "the valid part begins at 1970-01-01 00:00:09, after the test part",
        ),
        (
            [(1, 1, 0), (1, 2, 1)],
            Preparation(split="time", valid_from="8", test_from="9"),
            "the valid and the test part would be empty: `log.csv` goes from 1970-01-01 00:00:00",
        ),
    ],
)
def test_refuses_a_log_it_cannot_split(rows: list[Row], options: Preparation, message: str) -> None:
    with pytest.raises(InputError) as caught:
        prepare(make_log(rows), options, "x")
    assert message in caught.value.message
    assert caught.value.hint


def test_a_split_by_time_needs_times() -> None:
    with pytest.raises(InputError, match="needs times"):
        prepare(make_log([(1, 1, 0), (1, 2, 0)], timed=False), Preparation(split="time"), "x")


def test_a_date_needs_a_unit() -> None:
    log = make_log([(1, 1, 0), (1, 2, 1)], unit="as in the source")
    with pytest.raises(InputError, match="unit is not known"):
        prepare(log, Preparation(split="time", valid_from="2024-01-01"), "x")


def test_a_row_that_is_lost_uncounted_is_a_defect() -> None:
    log = make_log([(1, 1, 0), (1, 2, 1), (1, 3, 2)])
    with pytest.raises(AssertionError, match="uncounted"):
        prepare(replace(log, origin=replace(log.origin, rows_read=4)), Preparation(), "x")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(-(2**63), 2**63 - 1)), max_size=30),
    st.booleans(),
)
def test_orders_like_lexsort(pairs: list[tuple[int, int]], small: bool) -> None:
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    if small:
        columns %= 4
    major, minor = columns[:, 0], columns[:, 1]
    np.testing.assert_array_equal(stable_order(major, minor), np.lexsort((minor, major)))
    np.testing.assert_array_equal(stable_order(major), np.argsort(major, kind="stable"))


@pytest.mark.parametrize("how", ["log", "history"])
def test_shuffling_keeps_lengths_counts_and_distinctness(how: Any) -> None:
    random = np.random.default_rng(0)
    items = np.concatenate([random.permutation(40)[:20] for _ in range(50)]).astype(np.int32)
    offsets = np.arange(0, 1001, 20)
    users = np.repeat(np.arange(50), 20)
    result = shuffled(offsets, items, how, seed=1)
    assert (result != items).mean() > 0.5
    assert not repeats(users, result).any()
    np.testing.assert_array_equal(np.bincount(result), np.bincount(items))
    np.testing.assert_array_equal(result, shuffled(offsets, items, how, seed=1))
    same_sets = np.array_equal(np.sort(result.reshape(50, 20)), np.sort(items.reshape(50, 20)))
    assert same_sets == (how == "history")


def test_prepares_ml_1m_as_published(datasets: Path, tmp_path: Path) -> None:
    dataset = prepare(read_interactions(TextSource(datasets / "ml-1m.txt")), Preparation(), "ml-1m")
    manifest = dataset.save(tmp_path / "ml-1m.npz")
    counts = [manifest[key] for key in ("interactions", "users", "items")]
    assert counts == [999_611, 6_040, 3_416]
    lengths = manifest["history_length"]
    assert (lengths["min"], lengths["median"]) == (18, 96)
    assert dataset.train.lengths.mean() == pytest.approx(163.50, abs=0.005)
    assert manifest["split"]["test"] == {"users": 6_040, "interactions": 6_040}
    # Item i of the text is item i here: the last line of the first user is the first test item.
    first = [line.split() for line in (datasets / "ml-1m.txt").read_text().splitlines()[:2000]]
    items = [int(item) for user, item in first if user == "1"]
    assert dataset.test is not None
    assert [*dataset.train[0], *dataset.valid[0], *dataset.test[0]] == items


def test_prepares_ml_100k_with_its_ties(datasets: Path) -> None:
    dataset = prepare(read_interactions(TextSource(datasets / "ml-100k")), Preparation(), "ml-100k")
    manifest = dataset.manifest
    assert (manifest["users"], manifest["items"]) == (943, 1_682)
    assert manifest["order"]["users_whose_last_ties"] == 415
    assert manifest["dropped"] == {}
    assert manifest["time"]["from"].startswith("1997-09-20")
