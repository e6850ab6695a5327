"""Logs of random rows, and what a walk through them keeps, in which order."""

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Interactions, Origin
from seqrec_cli.core.data.preparation import (
    EXACT_DUPLICATE,
    RARE_ITEM,
    RARE_USER,
    Preparation,
)
from seqrec_cli.core.data.sequences import PARTS

Row = tuple[int, int, int]


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
            dropped[EXACT_DUPLICATE] += 1
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
