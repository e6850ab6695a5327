"""Metrics by hand arithmetic and against brute force over lists."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.evaluation.metrics import METRICS, MISSED, Ranks


def ranks_of(*users: list[int]) -> Ranks:
    values = np.array([rank for user in users for rank in user], np.int64)
    owners = np.repeat(np.arange(len(users)), [len(user) for user in users])
    return Ranks.of(values, owners, len(users))


def test_one_target_by_hand() -> None:
    ranks = ranks_of([0], [1], [9], [10], [MISSED])
    expected = {
        "hr": [1, 1, 1, 0, 0],
        "recall": [1, 1, 1, 0, 0],
        "precision": [0.1, 0.1, 0.1, 0, 0],
        "ndcg": [1, 1 / math.log2(3), 1 / math.log2(11), 0, 0],
        "mrr": [1, 1 / 2, 1 / 10, 0, 0],
        "map": [1, 1 / 2, 1 / 10, 0, 0],
    }
    for name, values in expected.items():
        assert METRICS[name](ranks, 10).tolist() == pytest.approx(values), name


def test_several_targets_by_hand() -> None:
    ranks = ranks_of([4, 0, 7])  # in the list 0 and 4, of three
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    expected = {
        "hr": 1,
        "recall": 2 / 3,
        "precision": 2 / 5,
        "ndcg": (1 + 1 / math.log2(6)) / ideal,
        "mrr": 1,
        "map": (1 + 2 / 5) / 3,
    }
    for name, value in expected.items():
        assert METRICS[name](ranks, 5).tolist() == pytest.approx([value]), name


def brute_force(name: str, listed: list[int], targets: set[int], k: int) -> float:
    """The metric of a list of items, straight from its definition."""
    hits = [1 if item in targets else 0 for item in listed[:k]]
    if name == "hr":
        return float(any(hits))
    if name == "recall":
        return sum(hits) / len(targets)
    if name == "precision":
        return sum(hits) / k
    if name == "mrr":
        return next((1 / (place + 1) for place, hit in enumerate(hits) if hit), 0.0)
    if name == "ndcg":
        gain = sum(hit / math.log2(place + 2) for place, hit in enumerate(hits))
        return gain / sum(1 / math.log2(place + 2) for place in range(min(len(targets), k)))
    precisions = [sum(hits[: place + 1]) / (place + 1) for place, hit in enumerate(hits) if hit]
    return sum(precisions) / min(len(targets), k)


@given(
    st.permutations(range(12)),
    st.sets(st.integers(0, 11), min_size=1),
    st.integers(1, 15),
    st.sampled_from(sorted(METRICS)),
)
def test_ranks_give_what_lists_give(
    listed: list[int], targets: set[int], k: int, name: str
) -> None:
    ranks = ranks_of([listed.index(target) for target in targets])
    assert METRICS[name](ranks, k)[0] == pytest.approx(brute_force(name, listed, targets, k))
