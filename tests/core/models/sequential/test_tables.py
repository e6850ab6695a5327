"""Tables of items, and how states are scored with them."""

from typing import Any

import pytest
import torch

from tests.core.models.conftest import NUM_ITEMS
from tests.core.models.ordinary import register


@pytest.fixture(autouse=True)
def ordinary_models(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def test_scoring_candidates_agrees_with_scoring_everything(model: Any) -> None:
    state = model(torch.tensor([[1, 2, 3]]))[:, -1]
    candidates = torch.tensor([[5, 1, 20]])
    torch.testing.assert_close(
        model.score(state, candidates), model.score(state).gather(1, candidates)
    )


def test_item_vectors_are_what_states_are_multiplied_with(model: Any) -> None:
    state = model(torch.tensor([[1, 2, 3]]))[:, -1]
    torch.testing.assert_close(state @ model.item_vectors().T, model.score(state))
    ids = torch.tensor([[5, 1], [1, 20]])
    torch.testing.assert_close(model.item_vectors(ids), model.item_vectors()[ids])


def test_item_tables_are_named_among_the_weights(model: Any) -> None:
    weights = dict(model.named_parameters())
    assert model.tables
    for name in model.tables:
        assert weights[name].shape[0] == NUM_ITEMS + 1
    assert weights.keys() >= model.tables
