"""A model is built by its name."""

import numpy as np
import pytest
import torch

from seqrec_cli.core.models.sequential.registry import build_model
from tests.core.models.conftest import NUM_ITEMS, READERS, features, small
from tests.core.models.ordinary import PLAIN, register


@pytest.fixture(autouse=True)
def ordinary_models(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def test_same_generator_same_weights() -> None:
    for name in [*READERS, "two_tower", *PLAIN]:
        first, second = (
            build_model(small(name), NUM_ITEMS, torch.Generator().manual_seed(5), features())
            for _ in range(2)
        )
        for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
            assert torch.equal(a, b), name
        weights = first.item_vectors().detach().numpy()
        assert np.unique(weights).size > NUM_ITEMS
