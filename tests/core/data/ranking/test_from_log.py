"""Rows made of a log: each against a plain walk through the user's ratings."""

from pathlib import Path

import numpy as np
import pytest

from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.ranking.candidates import ExampleOptions
from seqrec_cli.core.data.ranking.from_log import prepare_examples
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError
from tests.core.data.ranking.conftest import USERS, made, rows_of, walk


def test_leave_one_out_has_the_parts_of_a_sequence_dataset(log: Path) -> None:
    sequences = prepare(read_interactions(TextSource(log)), Preparation(), "toy")
    data = made(log, split="leave-one-out", rows_per_user=2)
    found = rows_of(data)
    for part in ("valid", "test"):
        expected = getattr(sequences, part)
        pairs = {
            (int(sequences.user_ids[u]), int(sequences.item_ids[i - 1]))
            for u, items in enumerate(expected)
            for i in items
        }
        assert {(r["user"], r["item"]) for r in found if r["part"] == part} == pairs
    by_user = walk(log)
    train = {(r["user"], r["item"]) for r in found if r["part"] == "train"}
    assert train == {(u, row[0]) for u, rows in by_user.items() for row in rows[-4:-2]}


def test_features_are_those_of_the_rows_user_and_item(log: Path) -> None:
    data = made(log, rows_per_user=0)
    columns = [(c.name, c.kind, c.side) for c in data.encoders.columns[:-1]]
    assert columns == [
        ("age", "dense", "user"),
        ("city", "sparse", "user"),
        ("price", "dense", "item"),
        ("topics", "tags", "item"),
    ]
    train = data.train
    age, price = train.features.dense.T
    users, items = data.user_ids[train.users], data.item_ids[train.candidates]
    with_row = users < 100 + USERS - 1
    order = np.lexsort((users, age))
    assert (np.diff(users[order][with_row[order]]) >= 0).all()
    assert (np.diff(items[np.lexsort((items, price))]) >= 0).all()
    city = data.encoders.columns[1].values.tolist()
    names = [city[code - 2] if code > 1 else "?" for code in train.features.sparse[:, 0]]
    expected = [f"c{(u - 100) % 3}" if ok else "?" for u, ok in zip(users, with_row, strict=True)]
    assert names == expected
    topics = data.encoders.columns[3].values.tolist()
    for row, item in enumerate(items - 1000):
        own = {topics[code - 2] for code in train.features.tags[0][row] if code}
        assert own == {f"t{item % 4}", f"t{item % 3}"}


def test_encoders_see_no_user_or_item_of_the_test_part(log: Path) -> None:
    data = made(log)
    assert data.test is not None
    train_items = {str(i) for i in data.item_ids[data.train.candidates].tolist()}
    codes = ["", "?", *data.encoders.items.values.tolist()]
    train_items |= {codes[c] for c in data.train.history.ravel() if c}
    assert set(data.encoders.items.values) == train_items
    unseen = ~np.isin(data.item_ids[data.test.candidates].astype(str), list(train_items))
    assert (data.test.items[unseen] == 1).all()


def test_a_log_without_ratings_needs_negatives(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    random = np.random.default_rng(0)
    lines = [f"{u} {i}" for u in range(1, 21) for i in random.permutation(12)[:6] + 1]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="has no ratings") as info:
        prepare_examples(
            read_interactions(TextSource(path)), Preparation(), "toy", ExampleOptions()
        )
    assert "--negatives" in info.value.hint
    data = prepare_examples(
        read_interactions(TextSource(path)), Preparation(), "toy", ExampleOptions(negatives=2)
    )
    assert data.train.labels.mean() == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="a split by time needs times"):
        prepare_examples(
            read_interactions(TextSource(path)),
            Preparation(),
            "toy",
            ExampleOptions(negatives=2, split="time"),
        )


def test_movielens_100k(real_data: Path) -> None:
    interactions = read_interactions(TextSource(real_data / "ml-100k"))
    data = prepare_examples(interactions, Preparation(), "ml-100k", ExampleOptions())
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (754, 189)
    names = [column.name for column in data.encoders.columns]
    assert names == ["age", "gender", "occupation", "zip code", "year", "genres", "item"]
