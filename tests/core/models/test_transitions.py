"""The counts of what followed against a count by hand, pair by pair."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.recommendation import influence
from seqrec_cli.core.inference.scoring import Joined, ModelScorer
from seqrec_cli.core.models import transitions
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.models.sequential.sasrec import SASRecConfig
from seqrec_cli.core.models.transitions import Transitions, TransitionsConfig

NUM_ITEMS = 6
HISTORY = st.lists(st.integers(1, NUM_ITEMS), min_size=1, max_size=7)


def by_hand(train: list[list[int]], history: list[int], settings: TransitionsConfig) -> list[float]:
    """The formula, summed up one pair of items at a time."""
    items = [item for user in train for item in user]
    share = [(items.count(i) + 1) / (len(items) + NUM_ITEMS) for i in range(1, NUM_ITEMS + 1)]
    found, total = [0.0] * NUM_ITEMS, 0.0
    for lag in range(1, min(settings.lags, len(history)) + 1):
        after = [
            user[at + lag]
            for user in train
            for at in range(len(user) - lag)
            if user[at] == history[-lag]
        ]
        weight = settings.decay ** (lag - 1)
        total += weight
        for i in range(NUM_ITEMS):
            counted = after.count(i + 1) + settings.smoothing * share[i]
            found[i] += weight * counted / (len(after) + settings.smoothing)
    return [math.log(p / total) for p in found]


@given(
    train=st.lists(HISTORY, min_size=1, max_size=6),
    histories=st.lists(HISTORY, min_size=1, max_size=5),
    lags=st.integers(1, 9),
)
def test_scores_are_those_counted_by_hand(
    train: list[list[int]], histories: list[list[int]], lags: int
) -> None:
    settings = TransitionsConfig(lags=lags, decay=0.6, smoothing=2.5)
    scorer = Transitions(Sequences.from_lists(train), NUM_ITEMS, settings)
    scores = scorer.score(Sequences.from_lists(histories))
    assert scores.dtype == torch.float32
    for row, history in zip(scores, histories, strict=True):
        expected = by_hand(train, history, settings)
        np.testing.assert_allclose(row[1:].numpy(), expected, rtol=1e-4, atol=1e-5)
        assert math.fsum(math.exp(value) for value in row[1:].tolist()) == pytest.approx(1, 1e-4)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    train = Sequences.from_lists([[1, 2, 3, 1, 2], [2, 1, 3, 1], [3, 3, 1, 2, 2, 1]])
    scorer = Transitions(train, 3, TransitionsConfig(lags=3))
    whole = scorer.score(train)
    monkeypatch.setattr(transitions, "PAIRS", 3)
    assert len(scorer.pieces(train.items)) > 3
    torch.testing.assert_close(scorer.score(train), whole)


def test_a_users_last_item_is_not_followed_by_the_next_users_first() -> None:
    scorer = Transitions(Sequences.from_lists([[1, 2], [3, 4]]), 4, TransitionsConfig(lags=1))
    after_two, after_one = scorer.score(Sequences.from_lists([[2], [1]]))
    assert after_two[3] == after_two[1]
    assert after_one[2] > after_one[3]


def test_influence_reaches_as_far_as_the_lags_where_the_model_does_not() -> None:
    train = Sequences.from_lists([[1, 2, 3, 4, 5], [2, 3, 4, 1, 5], [4, 3, 2, 5, 1]])
    model = build_model(SASRecConfig(hidden=4, max_length=2), 5, torch.Generator().manual_seed(0))
    counted = Transitions(train, 5, TransitionsConfig(lags=4, smoothing=1))
    scorer = ModelScorer(model, 5, joined=[Joined("transitions", counted, 1.0)])
    history = [5, 1, 2, 3, 4]

    def score(items: list[int]) -> float:
        return float(scorer.score(Sequences.from_lists([items]))[0, 1])

    owed = [score(history) - score(history[:i] + history[i + 1 :]) for i in range(len(history))]
    found = influence(scorer, Sequences.from_lists([history]), np.array([1]))
    np.testing.assert_allclose(found[0], owed, atol=1e-5)
    assert abs(owed[1]) > 1e-3  # the fourth newest, which the model does not read


def test_a_models_scores_are_joined_by_their_weight() -> None:
    train = Sequences.from_lists([[1, 2, 3], [2, 3, 4, 1]])
    model = build_model(SASRecConfig(hidden=4), 4, torch.Generator().manual_seed(0))
    counted = Transitions(train, 4, TransitionsConfig(lags=2))
    alone = ModelScorer(model, 4).score(train)
    joined = [Joined("transitions", counted, 0.5)]
    together = ModelScorer(model, 4, joined=joined).score(train)
    torch.testing.assert_close(together, alone + 0.5 * counted.score(train))
    assert not torch.allclose(together, alone)
