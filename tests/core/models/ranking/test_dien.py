"""DIEN's variants step by step, and its auxiliary loss."""

from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.ranking.registry import RANKERS, build_ranker
from tests.core.models.ranking.batches import SIZES, random_batch

CPU = torch.device("cpu")


def dien(variant: str) -> Any:
    config = RANKERS["dien"].settings_class(variant=variant, embedding=4)
    return build_ranker(config, SIZES, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("variant", ["gru", "aigru", "agru", "augru"])
def test_interests_evolve_as_the_variant_says(variant: str) -> None:
    """Row by row and step by step, from the weights alone."""
    model, batch = dien(variant), random_batch()
    with torch.no_grad():
        query, keys = model.items(batch.items, batch.history)
        states = model.extraction(keys, batch.mask.float())
        found = model.evolve(query, states, batch.mask, False)
        for row in range(6):
            length = int(batch.mask[row].sum())
            own = states[row : row + 1, :length]
            if not length:
                assert found[row].abs().max() == 0
                continue
            ones = torch.ones(1, length)
            if variant == "gru":
                own = model.evolution(own, ones)
            mask = torch.ones(1, length, dtype=torch.bool)
            scores = model.attention(query[row : row + 1], own, mask, False)
            weights = torch.softmax(scores / 4**0.5, dim=1)
            if variant == "gru":
                expected = (weights[0, :, None] * own[0]).sum(0)
            elif variant == "aigru":
                expected = model.evolution(own * weights[:, :, None], ones)[0, -1]
            else:
                expected = model.evolution(own, weights)[0, -1]
            torch.testing.assert_close(found[row], expected)


def test_the_auxiliary_loss_is_the_mean_over_real_steps_of_both_halves() -> None:
    model, batch = dien("augru"), random_batch()
    model.auxiliary_weight = 2.0
    _, found = model.learn(batch, Noise(0, 1, 1, 0, CPU))
    with torch.no_grad():
        _, keys = model.items(batch.items, batch.history)
        _, others = model.items(batch.items, batch.negatives)
        states = model.extraction(keys, batch.mask.float())
        terms = []
        for row in range(6):
            for t in range(int(batch.mask[row].sum()) - 1):
                for item, label in ((keys[row, t + 1], 1), (others[row, t + 1], 0)):
                    x = torch.cat((states[row, t], item))
                    for layer in model.auxiliary.layers:
                        x = torch.sigmoid(layer(x))
                    p = float(torch.sigmoid(model.auxiliary.out(x)))
                    terms.append(-np.log(p if label else 1 - p))
    assert len(terms) == 2 * (1 + 2 + 3 + 4)
    np.testing.assert_allclose(found.item(), 2.0 * np.mean(terms), rtol=1e-5)
