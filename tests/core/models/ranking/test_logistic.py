"""Logistic regression against a sum by hand."""

import numpy as np
import torch

from seqrec_cli.core.models.ranking.registry import RANKERS, build_ranker
from tests.core.models.ranking.batches import SIZES, random_batch


def test_logistic_regression_is_a_sum_of_weights() -> None:
    model = build_ranker(RANKERS["logistic"].settings_class(), SIZES)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(generator=generator)
    batch = random_batch()
    found = model(batch).detach().numpy()
    weights = {name: p.detach().double().numpy() for name, p in model.named_parameters()}
    for row in range(6):
        history = batch.history[row][batch.mask[row]].tolist()
        tags = [tag for tag in batch.features.tags[0][row].tolist() if tag]
        expected = weights["bias"][0] + weights["items.weight"][int(batch.items[row]), 0]
        expected += float(batch.features.dense[row, 0]) * weights["dense"][0]
        expected += weights["sparse.weight"][int(batch.features.sparse[row, 0]), 0]
        expected += weights["sparse.weight"][4 + int(batch.features.sparse[row, 1]), 0]
        expected += np.mean([weights["tags.0.weight"][tag, 0] for tag in tags])
        if history:
            expected += np.mean([weights["history.weight"][item, 0] for item in history])
        np.testing.assert_allclose(found[row], expected, rtol=1e-5)
