"""Small ranking datasets with a known structure."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqrec_cli.core.data.ranking.columns import TableColumns
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.data.ranking.from_table import prepare_pair

HEADER = ["who", "what", "before", "not", "age", "city", "topics", "liked"]
COLUMNS = TableColumns(
    label="liked",
    user="who",
    item="what",
    history="before",
    negatives="not",
    dense=("age",),
    sparse=("city",),
    tags=("topics",),
)
TABLE = """\
label: liked
user: who
item: what
history: before
negatives: not
dense: [age]
sparse: [city]
tags: [topics]
"""

Label = Callable[[np.random.Generator, int, list[int], dict[str, Any]], float]


def any_alike(random: np.random.Generator, item: int, history: list[int], row: Any) -> float:
    """The chance of a like: high where the history has an item of the candidate's group."""
    return 0.95 if any(other % 4 == item % 4 for other in history) else 0.05


def newest_odd(random: np.random.Generator, item: int, history: list[int], row: Any) -> float:
    """The chance of a like: high where the newest item of the history is odd."""
    return 0.95 if history and history[-1] % 2 else 0.05


def a_coin(random: np.random.Generator, item: int, history: list[int], row: Any) -> float:
    return 0.5


def write_rows(path: Path, users: range, label: Label, seed: int, per_user: int = 1) -> None:
    """Rows of these users, whose chances of a like `label` tells."""
    random = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(HEADER)
        for user in users:
            age, city = int(random.integers(18, 70)), f"c{random.integers(5)}"
            for _ in range(per_user):
                item = int(random.integers(1, 25))
                history = random.integers(1, 25, random.integers(0, 7)).tolist()
                others = random.integers(1, 25, len(history)).tolist()
                topics = "|".join(sorted({f"t{item % 4}", f"t{item % 3}"}))
                chance = label(random, item, history, {"age": age})
                before, unseen = ("|".join(map(str, ids)) for ids in (history, others))
                liked = int(random.random() < chance)
                row = [f"u{user}", item, before, unseen, age, city, topics, liked]
                table.writerow(row)


def toy_folder(folder: Path, label: Label = any_alike, users: int = 600, per_user: int = 1) -> Path:
    """A folder with a train.csv, and a test.csv of half as many other users."""
    write_rows(folder / "train.csv", range(users), label, 0, per_user)
    write_rows(folder / "test.csv", range(users, users + users // 2), label, 1, per_user)
    (folder / "columns.yaml").write_text(TABLE)
    return folder


def toy_dataset(folder: Path, label: Label = any_alike, **sizes: int) -> RankingDataset:
    return prepare_pair(toy_folder(folder, label, **sizes), "toy", COLUMNS)
