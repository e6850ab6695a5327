"""Rows made of a log: each against a plain walk through the user's ratings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.ranking.candidates import ExampleOptions
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.ranking.from_log import prepare_examples
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.sequences import PARTS
from seqrec_cli.errors import InputError

USERS, ITEMS = 40, 30


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ratings of users 100 to 139 for items 1000 to 1029, with what is known of both."""
    folder = tmp_path_factory.mktemp("log")
    random = np.random.default_rng(0)
    lines = ["user,item,rating,time"]
    for user in range(USERS):
        items = random.permutation(ITEMS)[: random.integers(4, 25)]
        for item in items:
            rating, time = random.integers(1, 6), 1000 * user + random.integers(100)
            lines.append(f"{100 + user},{1000 + item},{rating},{time}")
    random.shuffle(lines[1:])
    (folder / "log.csv").write_text("\n".join(lines) + "\n")
    people = ["user,age,city"] + [f"{100 + u},{20 + u},c{u % 3}" for u in range(USERS - 1)]
    things = ["item,price,topics"] + [f"{1000 + i},{i}.5,t{i % 4}|t{i % 3}" for i in range(ITEMS)]
    (folder / "people.csv").write_text("\n".join(people) + "\n")
    (folder / "things.csv").write_text("\n".join(things) + "\n")
    return folder / "log.csv"


def made(log: Path, **options: Any) -> RankingDataset:
    from seqrec_cli.core.data.interactions import Reading

    reading = Reading(users=log.parent / "people.csv", items=log.parent / "things.csv")
    interactions = read_interactions(TextSource(log), reading)
    preparation = Preparation(encoding=Encoding(min_value_count=options.pop("min_count", 1)))
    return prepare_examples(interactions, preparation, "toy", ExampleOptions(**options))


def walk(log: Path) -> dict[int, list[tuple[int, int, int]]]:
    """Each user's (item, rating, time) in order of time, ties as in the file."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    for line in log.read_text().splitlines()[1:]:
        user, item, rating, time = map(int, line.split(","))
        found.setdefault(user, []).append((item, rating, time))
    return {user: sorted(rows, key=lambda row: row[2]) for user, rows in found.items()}


def rows_of(data: RankingDataset) -> list[dict[str, Any]]:
    """All rows in the ids of the source."""
    codes = ["", "?", *data.encoders.items.values.tolist()]
    found = []
    for part in PARTS:
        examples = getattr(data, part)
        for r in range(0 if examples is None else len(examples)):
            found.append(
                {
                    "part": part,
                    "user": int(data.user_ids[examples.users[r]]),
                    "item": int(data.item_ids[examples.candidates[r]]),
                    "code": codes[examples.items[r]],
                    "label": int(examples.labels[r]),
                    "history": [codes[c] for c in examples.history[r] if c],
                    "negatives": [codes[c] for c in examples.negatives[r] if c],
                }
            )
    return found


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


def test_who_has_every_item_gets_no_negatives_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    lines = [f"1 {i}" for i in range(1, 7)] + [f"{u} {i}" for u in (2, 3, 4, 5) for i in (1, 2, 3)]
    path.write_text("\n".join(lines) + "\n")
    options = ExampleOptions(negatives=2, rows_per_user=0, seed=3)
    data = prepare_examples(read_interactions(TextSource(path)), Preparation(), "toy", options)
    assert data.manifest["dropped"] == {"drawn, but the user has it or there is none": 12}
    assert data.manifest["rows"] == 18 * 3 - 12


def test_movielens_100k(real_data: Path) -> None:
    interactions = read_interactions(TextSource(real_data / "ml-100k"))
    data = prepare_examples(interactions, Preparation(), "ml-100k", ExampleOptions())
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (754, 189)
    names = [column.name for column in data.encoders.columns]
    assert names == ["age", "gender", "occupation", "zip code", "year", "genres", "item"]
