"""Maximal marginal relevance against its definition, item by item."""

from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.features.columns import TextColumn
from seqrec_cli.core.data.item_table import Texts
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.diversity import Diverse, by_column, by_vectors
from seqrec_cli.core.inference.retrieval import Exact
from tests.core.evaluation.test_sequential import Table, random_table

ITEMS = 40
HISTORIES = Sequences.from_lists([[3], [7, 9], [1, 2, 5], [30]])
TAGS = ["red|blue", "red", "", "blue|red|green", "NA", "green"]


def expected(scores: np.ndarray, alike: Any, items: list[int], x: float, k: int) -> list[int]:
    """The list of one history, chosen one by one from items, best first, with these scores."""
    low, high = scores.min(), scores.max()
    relevance = dict(zip(items, (scores - low) / (high - low), strict=True))
    chosen: list[int] = []
    while len(chosen) < min(k, len(items)):
        left = [i for i in items if i not in chosen]
        closest = {i: max((alike(i, j) for j in chosen), default=0.0) for i in left}
        chosen.append(max(left, key=lambda i: (1 - x) * relevance[i] - x * closest[i]))
    return chosen


def cosine(vectors: np.ndarray) -> Any:
    def alike(i: int, j: int) -> float:
        a, b = vectors[i - 1].astype(float), vectors[j - 1].astype(float)
        return max(0.0, float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))

    return alike


def jaccard(i: int, j: int) -> float:
    sets = [{t for t in TAGS[n % 6].split("|") if t not in ("", "NA")} for n in (i - 1, j - 1)]
    union = len(sets[0] | sets[1])
    return len(sets[0] & sets[1]) / union if union else 0.0


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("by", ["vectors", "column"])
def test_lists_are_those_of_the_definition(weight: float, by: str) -> None:
    scorer = Table(random_table(5, ITEMS))
    vectors = np.random.default_rng(0).normal(size=(ITEMS, 5)).astype(np.float32)
    cells = Texts.of(TextColumn.of([TAGS[n % 6] for n in range(ITEMS)]))
    similarity = by_vectors(vectors) if by == "vectors" else by_column(cells)
    alike = cosine(vectors) if by == "vectors" else jaccard
    exact = Exact(scorer)
    pool, scores = exact.top(HISTORIES, ITEMS, "exclude")
    found, values = Diverse(exact, similarity, weight).top(HISTORIES, 10, "exclude")
    for row in range(len(HISTORIES)):
        real = pool[row] > 0
        wanted = expected(scores[row][real], alike, pool[row][real].tolist(), weight, 10)
        assert found[row].tolist() == wanted
    assert (np.diff(values, axis=1) <= 1e-6).all()
    if weight == 0:
        np.testing.assert_array_equal(found, pool[:, :10])


def test_a_longer_list_begins_with_the_shorter_and_ends_where_nothing_is_left() -> None:
    exact = Exact(Table(random_table(5, ITEMS)))
    vectors = np.random.default_rng(0).normal(size=(ITEMS, 5)).astype(np.float32)
    diverse = Diverse(exact, by_vectors(vectors), 0.5)
    short, _ = diverse.top(HISTORIES, 5, "exclude")
    whole, values = diverse.top(HISTORIES, ITEMS + 5, "exclude")
    np.testing.assert_array_equal(whole[:, :5], short)
    for row, history in enumerate(HISTORIES):
        count = ITEMS - len(history)
        assert sorted(whole[row][:count]) == sorted(set(range(1, ITEMS + 1)) - {*history.tolist()})
        assert (whole[row][count:] == 0).all()
        assert (values[row][count:] == -np.inf).all()
