"""Top-k lists, their reasons, and what users may call things."""

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference import recommendation
from seqrec_cli.core.inference.recommendation import influence, recommend
from tests.core.evaluation.tables import Table, random_table


class Sum:
    """Scores that add up over the history: what each item gives is known."""

    max_length = 99
    device = torch.device("cpu")
    num_items = 6

    def __init__(self) -> None:
        self.table = random_table(1, 6)

    def score(self, histories: Sequences) -> torch.Tensor:
        return torch.stack(
            [self.table[torch.from_numpy(h.astype(np.int64))].sum(0) for h in histories]
        )


def test_lists_come_in_the_order_of_the_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "STREAM_USERS", 3)
    table = random_table(3)
    random = np.random.default_rng(0)
    lists = [(random.permutation(15)[: random.integers(1, 9)] + 1).tolist() for _ in range(11)]
    found = list(recommend(Table(table), Sequences.from_lists(lists), 4))
    for items, result in zip(lists, found, strict=True):
        others = [i for i in range(1, 16) if i not in items]
        expected = sorted(others, key=lambda i: -float(table[items[-1], i]))[:4]
        assert result.items.tolist() == expected
        assert result.scores.tolist() == pytest.approx(
            [float(table[items[-1], i]) for i in expected]
        )


def test_fewer_candidates_than_k_give_a_shorter_list() -> None:
    table = Table(random_table(0, 5))
    lists = Sequences.from_lists([[1, 2, 3], [1, 2, 3, 4, 5], [2]])
    assert [len(r.items) for r in recommend(table, lists, 10)] == [2, 0, 4]
    assert [len(r.items) for r in recommend(table, lists, 10, "include")] == [5, 5, 5]


def test_influence_is_what_leaving_an_item_out_takes_away() -> None:
    scorer = Sum()
    history, items = np.array([2, 4, 5], np.int32), np.array([1, 6])
    expected = scorer.table[[2, 4, 5]][:, [1, 6]].T.numpy()
    np.testing.assert_allclose(
        influence(scorer, Sequences.from_lists([history]), items), expected, atol=1e-5
    )
    assert influence(scorer, Sequences.from_lists([history[:1]]), items).shape == (2, 1)


def test_items_beyond_the_window_have_no_influence() -> None:
    scorer = Table(random_table(2))  # reads 3 items
    found = influence(scorer, Sequences.from_lists([[1, 2, 3, 4, 5, 6, 7]]), np.array([9]))
    assert found.shape == (1, 7)
    assert (found[0, :3] == 0).all()
    assert found[0, -1] != 0
