"""What the index finds is filtered, scored and ordered as the exact search does it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.evaluation.sequential import evaluate, recall_of
from seqrec_cli.core.inference.index import NeighbourIndex
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.core.inference.retrieval import (
    Exact,
    Retriever,
    exact_top,
    measured_recall,
    recall_of_exact,
    some_of,
    top_items,
)
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import Joined, ModelScorer
from seqrec_cli.core.models.sequential.gru4rec import GRU4RecConfig
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.models.transitions import Transitions, TransitionsConfig
from seqrec_cli.errors import ConfigError
from tests.conftest import leave_one_out

pytest.importorskip("usearch")


ITEMS = 1000


@pytest.fixture(scope="module")
def data() -> SequenceDataset:
    """60 users with up to 300 of 1,000 items."""
    random = np.random.default_rng(0)
    lengths = random.integers(3, 30, 60)
    lengths[:3] = (290, 150, 90)
    return leave_one_out([random.integers(1, ITEMS + 1, n).tolist() for n in lengths], ITEMS)


@pytest.fixture(scope="module")
def scorer() -> ModelScorer:
    config = GRU4RecConfig(hidden=16, max_length=10)
    return ModelScorer(build_model(config, ITEMS, torch.Generator().manual_seed(0)), ITEMS)


class Complete:
    """An index that misses nothing, so that only what is made of its answers is tested."""

    def __init__(self, vectors: Any) -> None:
        self.vectors = vectors

    def search(self, queries: Any, count: int, effort: int) -> Any:
        return np.argsort(-(queries @ self.vectors.T), axis=1)[:, :count] + 1


@pytest.fixture(scope="module")
def retriever(scorer: ModelScorer) -> Retriever:
    return Retriever(scorer, Complete(scorer.item_vectors()[1:].numpy()))  # type: ignore[arg-type]


@pytest.mark.parametrize("seen", ["exclude", "include"])
def test_an_index_that_misses_nothing_gives_the_exact_result(
    scorer: ModelScorer, retriever: Retriever, data: SequenceDataset, seen: Any
) -> None:
    histories = data.histories("test")
    for k in (1, 10, 100, ITEMS):
        items, scores = retriever.top(histories, k, seen)
        exact, exact_scores = exact_top(scorer, histories, k, seen)
        np.testing.assert_array_equal(items, exact)
        np.testing.assert_allclose(scores, exact_scores, rtol=1e-5, atol=1e-6)
    lists = [list(r.items) for r in recommend(scorer, histories, 10, seen, retriever)]
    assert lists == [list(r.items) for r in recommend(scorer, histories, 10, seen)]


@pytest.mark.parametrize("seen", ["exclude", "include"])
@pytest.mark.parametrize("share", [0.9, 0.3, 0.02])
def test_under_rules_the_index_gives_the_best_of_what_is_left(
    scorer: ModelScorer, data: SequenceDataset, seen: Any, share: float
) -> None:
    allowed = np.random.default_rng(1).random(ITEMS) < share
    rules = Rules.of(allowed)
    index: Any = Complete(scorer.item_vectors()[1:].numpy())
    retriever = Retriever(scorer, index, rules=rules)
    histories = data.histories("test")
    every, scores = exact_top(scorer, histories, ITEMS, seen)
    for k in (1, 10, 100, ITEMS + 40):  # a second stage may ask for more than there are
        items, found = retriever.top(histories, k, seen)
        for row in range(len(histories)):
            kept = (every[row] > 0) & np.append(False, allowed)[every[row]]
            expected = every[row][kept][:k]
            np.testing.assert_array_equal(items[row][: len(expected)], expected)
            assert (items[row][len(expected) :] == 0).all()
            np.testing.assert_allclose(
                found[row][: len(expected)], scores[row][kept][:k], rtol=1e-5, atol=1e-6
            )
        lists = [list(r.items) for r in recommend(scorer, histories, k, seen, rules=rules)]
        assert lists == [[i for i in row.tolist() if i] for row in items]


def test_figures_under_rules_are_those_of_the_exact_search(
    scorer: ModelScorer, data: SequenceDataset
) -> None:
    allowed = np.random.default_rng(1).random(ITEMS) < 0.5
    best, _ = exact_top(scorer, data.histories("test"), 25, "exclude", Rules.of(allowed))
    targets = [[int(best[user, user % 25])] if user % 5 else [user + 1] for user in range(60)]
    data, rules = replace(data, test=Sequences.from_lists(targets)), Rules.of(allowed)
    index: Any = Complete(scorer.item_vectors()[1:].numpy())
    retriever = Retriever(scorer, index, rules=rules)
    options: dict[str, Any] = {"ks": (1, 5, 20), "lists": True, "rules": rules}
    exact = evaluate(scorer, data, "test", **options)
    found = evaluate(scorer, data, "test", **options, retriever=retriever)
    assert found.means() == pytest.approx(exact.means())
    assert found.left_out == exact.left_out > 0
    assert found.unreachable == exact.unreachable
    assert recall_of(retriever, found, data, "test", "exclude") == 1


def test_an_index_refuses_a_penalty(scorer: ModelScorer) -> None:
    index: Any = Complete(None)
    with pytest.raises(ConfigError, match="not dot products"):
        Retriever(scorer, index, rules=Rules.of(None, np.ones(ITEMS)))


def test_all_metrics_are_those_of_the_exact_index(
    scorer: ModelScorer, retriever: Retriever, data: SequenceDataset
) -> None:
    best, _ = exact_top(scorer, data.histories("test"), 25, "exclude")
    targets = [[int(best[user, user % 25])] for user in range(60)]  # at every place of a list
    data = replace(data, test=Sequences.from_lists(targets))
    options: dict[str, Any] = {"metrics": tuple(METRICS), "ks": (1, 5, 20), "lists": True}
    exact = evaluate(scorer, data, "test", **options)
    found = evaluate(scorer, data, "test", **options, retriever=retriever)
    assert found.means() == pytest.approx(exact.means())
    assert found.unreachable == exact.unreachable
    assert recall_of(retriever, found, data, "test", "exclude") == 1


def test_what_a_user_gets_does_not_depend_on_who_else_asks(
    scorer: ModelScorer, data: SequenceDataset
) -> None:
    vectors = scorer.item_vectors()[1:].numpy()
    poor = Retriever(scorer, NeighbourIndex.build(vectors), effort=1)
    histories = data.histories("test")
    together = poor.top(histories, 10, "exclude")
    for user in (0, 1, 5, 40):
        alone = poor.top(histories.only(user), 10, "exclude")
        np.testing.assert_array_equal(alone[0][0], together[0][user])
    assert (together[0] > 0).all()  # what is too little to look up is looked for among all


def test_ties_count_against_the_target_as_in_the_exact_search() -> None:
    random = np.random.default_rng(0)
    data = leave_one_out([random.integers(1, 200, 8).tolist() for _ in range(50)], 800)
    model = build_model(GRU4RecConfig(hidden=4), 800, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.items.weight[1:] = model.items.weight[1:21].repeat(40, 1)  # 40 of each
    scorer = ModelScorer(model, 800)
    index = NeighbourIndex.build(scorer.item_vectors()[1:].numpy())
    options: dict[str, Any] = {"ks": (10, 64), "lists": True}
    exact = evaluate(scorer, data, "test", **options)
    found = evaluate(scorer, data, "test", **options, retriever=Retriever(scorer, index, 800))
    assert exact.means()["hr@64"] > 0
    # Where ties go on beyond the end of the list, it cannot be known how many there are.
    assert found.means()["hr@10"] == exact.means()["hr@10"] == 0
    assert 0 < found.means()["hr@64"] <= exact.means()["hr@64"]


def test_recall_counts_what_is_missing() -> None:
    exact = np.array([[1, 2, 3], [4, 5, 0]])
    assert recall_of_exact(np.array([[3, 9, 1], [4, 0, 0]]), exact) == 3 / 5
    assert recall_of_exact(exact, exact) == 1
    assert recall_of_exact(np.zeros((1, 2), int), np.zeros((1, 2), int)) == 1
    # The same item found for somebody else does not count, nor a list in another order less.
    assert recall_of_exact(np.array([[5, 6], [1, 2]]), np.array([[2, 1], [2, 1]])) == 1 / 2


def test_recall_is_measured_and_falls_with_the_effort(cycle: SequenceDataset) -> None:
    config = GRU4RecConfig(hidden=16, max_length=10)
    model = build_model(config, 5000, torch.Generator().manual_seed(0))
    torch.nn.init.normal_(model.items.weight)
    scorer = ModelScorer(model, 5000)
    index = NeighbourIndex.build(scorer.item_vectors()[1:].detach().numpy())
    found, some = [], some_of(cycle.train, 60)
    for effort in (1, 2000):
        got, count = measured_recall(Retriever(scorer, index, effort), some, 10, "exclude")
        assert count == 60
        found.append(got)
    assert found[0] < found[1]
    assert found[1] > 0.95


def test_more_items_than_the_catalogue_has_are_cut_to_it_at_the_door(
    scorer: ModelScorer, cycle: SequenceDataset
) -> None:
    index = NeighbourIndex.build(scorer.item_vectors()[1:].detach().numpy())
    histories, number = cycle.train.only(0), scorer.num_items
    for finder in (Exact(scorer), Retriever(scorer, index)):
        items, scores = finder.top(histories, number + 7, "include")
        assert items.shape == scores.shape == (1, number)
        assert sorted(items[0].tolist()) == list(range(1, number + 1))


def test_some_histories_are_the_same_for_a_seed_and_in_their_order(cycle: SequenceDataset) -> None:
    some = some_of(cycle.train, 20)
    assert len(some) == 20
    np.testing.assert_array_equal(some.items, some_of(cycle.train, 20).items)
    assert some_of(cycle.train, 20, seed=1).items.tolist() != some.items.tolist()
    assert some_of(some, 20) is some


def test_counts_of_transitions_cannot_be_indexed(scorer: ModelScorer) -> None:
    counted = Transitions(Sequences.from_lists([[1, 2, 3]]), 50, TransitionsConfig())
    with pytest.raises(ConfigError, match="are not dot products") as caught:
        Retriever(
            ModelScorer(scorer.model, 50, joined=[Joined("transitions", counted, 1.0)]),
            NeighbourIndex.build(np.eye(3, dtype=np.float32)),
        )
    assert "--index exact" in caught.value.hint


def test_an_index_needs_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "usearch.index", None)
    from seqrec_cli.errors import MissingExtra

    with pytest.raises(MissingExtra) as caught:
        NeighbourIndex.build(np.eye(3, dtype=np.float32))
    assert caught.value.hint == 'pip install "usearch>=2.15" (the extra `ann` of seqrec)'


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 900), st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_list_that_ends_between_equal_scores_has_the_first_items(
    columns: int, k: int, levels: int, seed: int
) -> None:
    k = min(k, columns)
    random = torch.Generator().manual_seed(seed)
    scores = torch.randint(levels, (7, columns), generator=random).float()
    scores[torch.rand(scores.shape, generator=random) < 0.1] = -torch.inf
    items, values = top_items(scores, k)
    expected, order = scores.sort(dim=1, descending=True, stable=True)
    assert torch.equal(values, expected[:, :k])
    assert torch.equal(items, order[:, :k].masked_fill(expected[:, :k] == -torch.inf, 0))


@pytest.mark.parametrize("columns", [1, 65, 40 * 64, 40 * 64 + 1, 41 * 64 - 1, 100_000, 100_129])
@pytest.mark.parametrize("k", [1, 10])
def test_the_best_of_a_large_catalogue_are_those_of_sorting(columns: int, k: int) -> None:
    k = min(k, columns)
    scores = torch.randn(5, columns, generator=torch.Generator().manual_seed(columns))
    scores[1] = -torch.inf
    scores[2, : columns // 2] = -torch.inf
    scores[3, -1] = 99
    items, values = top_items(scores, k)
    expected, order = scores.sort(dim=1, descending=True, stable=True)
    assert torch.equal(values, expected[:, :k])
    assert torch.equal(items, order[:, :k].masked_fill(expected[:, :k] == -torch.inf, 0))
