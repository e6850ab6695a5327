"""Which rows a log gives: candidates, their histories, their parts and their negatives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.preparation import Preparation
from seqrec_cli.core.data.ranking.candidates import ExampleOptions
from seqrec_cli.core.data.ranking.from_log import prepare_examples
from seqrec_cli.core.data.reading.sources import TextSource
from tests.core.data.ranking.conftest import ITEMS, USERS, made, rows_of, walk


@pytest.mark.parametrize("length", [3, 10])
def test_a_row_has_what_was_liked_before_it(log: Path, length: int) -> None:
    data = made(log, history_length=length, rows_per_user=0)
    by_user = walk(log)
    found = rows_of(data)
    assert len(found) == sum(map(len, by_user.values()))
    empty = 0
    for row in found:
        items = [item for item, _, _ in by_user[row["user"]]]
        at = items.index(row["item"])
        liked = [str(i) for i, rating, _ in by_user[row["user"]][:at] if rating >= 4]
        in_codes = [item if item in data.encoders.items.values else "?" for item in liked]
        assert row["history"] == in_codes[-length:]
        assert row["label"] == (by_user[row["user"]][at][1] >= 4)
        assert len(row["negatives"]) == len(row["history"])
        known = {str(item) for item in items}
        assert not set(row["negatives"]) & known
        empty += not liked
    assert empty  # the first row of each user at least


def test_by_default_the_last_rating_is_the_candidate_and_a_fifth_of_users_the_test(
    log: Path,
) -> None:
    data = made(log)
    found = rows_of(data)
    by_user = walk(log)
    assert len(found) == USERS
    assert all(by_user[row["user"]][-1][0] == row["item"] for row in found)
    assert sum(row["part"] == "test" for row in found) == USERS // 5
    assert data.valid is None
    again = {row["user"] for row in rows_of(made(log)) if row["part"] == "test"}
    other = {row["user"] for row in rows_of(made(log, seed=1)) if row["part"] == "test"}
    assert again == {row["user"] for row in found if row["part"] == "test"} != other


def test_split_by_time_takes_the_latest_fifth_of_rows(log: Path) -> None:
    data = made(log, split="time", rows_per_user=3)
    times = {(u, i): t for u, rows in walk(log).items() for i, _, t in rows}
    found = rows_of(data)
    assert len(found) == 3 * USERS
    late = [times[row["user"], row["item"]] for row in found if row["part"] == "test"]
    early = [times[row["user"], row["item"]] for row in found if row["part"] == "train"]
    assert max(early) < min(late)
    assert 0.2 <= len(late) / len(found) < 0.25


def test_negatives_are_items_that_the_user_does_not_have_in_that_part_or_before(log: Path) -> None:
    data = made(log, split="leave-one-out", rows_per_user=0, negatives=5)
    by_user = walk(log)
    groups: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    found = rows_of(data)
    last = None
    for row in found:
        if row["label"]:
            last = (row["part"], row["user"], row["item"])
        assert last is not None
        groups.setdefault(last, []).append(row)
    assert len(groups) == sum(map(len, by_user.values()))
    for (part, user, item), rows in groups.items():
        assert [row["label"] for row in rows] == [1, 0, 0, 0, 0, 0]
        items = [i for i, _, _ in by_user[user]]
        known = items[: len(items) - {"train": 2, "valid": 1, "test": 0}[part]]
        assert item in known
        assert not {row["item"] for row in rows[1:]} & set(known)
        assert all(row["history"] == rows[0]["history"] for row in rows)
    drawn = {row["item"] for row in found if not row["label"]}
    assert drawn == set(range(1000, 1000 + ITEMS))


def test_negatives_drawn_by_popularity_are_as_frequent_as_that_says(log: Path) -> None:
    data = made(log, rows_per_user=0, negatives=20, negatives_power=4.0)
    train = [row for row in rows_of(data) if row["part"] == "train"]
    by_user = walk(log)
    counts = np.zeros(ITEMS)
    for user, rows in by_user.items():
        if user in {row["user"] for row in train}:
            for item, _, _ in rows:
                counts[item - 1000] += 1
    shares = counts**4 / (counts**4).sum()
    expected = np.zeros(ITEMS)
    drawn = np.zeros(ITEMS)
    for row in train:
        known = {item for item, _, _ in by_user[row["user"]]}
        if row["label"]:
            for item in range(ITEMS):
                expected[item] += 0 if 1000 + item in known else 20 * shares[item]
        else:
            assert row["item"] not in known
            drawn[row["item"] - 1000] += 1
    # What is drawn and known is left out, so the numbers are those of independent draws.
    assert ((drawn - expected) ** 2 / expected).mean() < 2


def test_who_has_every_item_gets_no_negatives_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    lines = [f"1 {i}" for i in range(1, 7)] + [f"{u} {i}" for u in (2, 3, 4, 5) for i in (1, 2, 3)]
    path.write_text("\n".join(lines) + "\n")
    options = ExampleOptions(negatives=2, rows_per_user=0, seed=3)
    data = prepare_examples(read_interactions(TextSource(path)), Preparation(), "toy", options)
    assert data.manifest["dropped"] == {"drawn, but the user has it or there is none": 12}
    assert data.manifest["rows"] == 18 * 3 - 12
