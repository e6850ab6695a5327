"""What is kept, in which order and which part, held against a slow partitioner."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data import ordering
from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.preparation import (
    Preparation,
    prepare,
)
from seqrec_cli.core.data.reading.findings import Findings
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError
from tests.core.data.walks import ROWS, Row, histories, make_log, slow_rows


@pytest.fixture
def datasets() -> Path:
    folder = os.environ.get("SEQREC_DATASETS")
    if not folder:
        pytest.skip("SEQREC_DATASETS is not set")
    return Path(folder)


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


def test_a_row_that_is_lost_uncounted_is_a_defect() -> None:
    log = make_log([(1, 1, 0), (1, 2, 1), (1, 3, 2)])
    with pytest.raises(AssertionError, match="uncounted"):
        prepare(replace(log, origin=replace(log.origin, rows_read=4)), Preparation(), "x")


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
