"""Ranks among candidates: ties never help, and no candidate is in the history."""

from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation import ranks
from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.evaluation.queries import Queries
from seqrec_cli.core.evaluation.ranks import ranks_in
from seqrec_cli.core.evaluation.sequential import evaluate
from tests.conftest import leave_one_out
from tests.core.evaluation.tables import Table, random_table


@pytest.mark.parametrize("protocol", ["full", "sampled"])
def test_a_model_that_scores_everything_the_same_gets_nothing(protocol: Any) -> None:
    data = leave_one_out([[1, 2, 3, 4, 5]] * 20, 40)
    constant = Table(torch.zeros(41, 41))
    outcome = evaluate(constant, data, "test", ks=[10], protocol=protocol)
    assert all(mean == 0 for mean in outcome.means().values())


def test_sampled_ranks_hold_the_target_against_100_unseen_items() -> None:
    random = np.random.default_rng(0)
    histories = [(random.permutation(500)[:12] + 1).tolist() for _ in range(300)]
    data, table = leave_one_out(histories, 500), Table(random_table(2, 500))
    name = "hr@10 (sampled 100)"
    outcome = evaluate(table, data, "test", ks=[10], protocol="sampled")
    assert set(outcome.per_user) == {f"{metric}@10 (sampled 100)" for metric in METRICS}
    # A random scorer ranks a target uniformly among 101: 10 / 101, within 4 standard errors.
    assert abs(outcome.means()[name] - 10 / 101) < 4 * np.sqrt(0.099 * 0.901 / 300)
    again = evaluate(table, data, "test", ks=[10], protocol="sampled")
    assert (again.per_user[name] == outcome.per_user[name]).all()
    other = evaluate(table, data, "test", ks=[10], protocol="sampled", seed=1)
    assert (other.per_user[name] != outcome.per_user[name]).any()


def test_sampled_candidates_are_never_in_the_history_nor_the_target() -> None:
    data = leave_one_out([[1, 2, 3, 4, 5], [6, 7, 8, 1, 2]], 9)
    scores = torch.zeros(10, 10)
    scores[:, 1:9] = torch.arange(8, 0, -1).float()
    scores[4, [6, 7, 8, 9]] = -5.0  # all that user 0 may be shown beside the target, 5
    scores[1, [3, 4, 5, 9]] = -5.0  # the same of user 1, whose target is 2
    outcome = evaluate(Table(scores), data, "test", ks=[1], protocol="sampled")
    assert outcome.per_user["hr@1 (sampled 100)"].tolist() == [1, 1]


def test_ranks_in_a_list_count_ties_against_the_target_as_far_as_they_go() -> None:
    lists = np.array([[5, 2, 7], [5, 2, 7], [5, 2, 7], [5, 2, 7], [4, 6, 8]])
    scores = np.array([[3, 2, 1], [3, 2, 1], [3, 2, 1], [3, 3, 1], [2, 1, 1]], np.float32)
    targets = Sequences.from_lists([[5], [2, 9], [7], [5], [6]])
    # The last item of a list may be one of many with its score.
    assert ranks_in(lists, scores, targets, 99).tolist() == [0, 1, 99, 99, 1, 99]
    assert ranks_in(lists, scores, targets, 3).tolist() == [0, 1, 3, 2, 1, 2]  # nothing beyond


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("block", [1, 40, 10**6])
def test_targets_in_the_history_are_found(
    most: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "HISTORY_BLOCK", block)
    random = np.random.default_rng(most)
    histories = [random.integers(1, 9, random.integers(1, 7)).tolist() for _ in range(50)]
    targets = [
        random.permutation(8)[: 1 if most == 1 else random.integers(1, 4)] + 1 for _ in range(50)
    ]
    asked = Queries(
        np.arange(50),
        Sequences.from_lists(histories),
        Sequences.from_lists([each.tolist() for each in targets]),
        0,
        {},
    )
    expected = [
        item in history
        for history, own in zip(histories, targets, strict=True)
        for item in own.tolist()
    ]
    assert ranks.in_history(asked, 8).tolist() == expected
