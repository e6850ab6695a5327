"""A log of ratings with what is known of its users and items, and a walk through it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.preparation import Preparation
from seqrec_cli.core.data.ranking.candidates import ExampleOptions
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.ranking.from_log import prepare_examples
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.sequences import PARTS

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
