"""The plain modules of ranking models against the models, for rows with and without a history."""

from typing import Any

import pytest
import torch

from seqrec_cli.core.models.ranking.registry import RANKERS, build_ranker
from seqrec_cli.core.models.ranking.textbook import TextbookRanker
from tests.core.models.ranking.batches import SIZES, random_batch

KINDS: list[dict[str, Any]] = [
    {"name": "din"},
    {"name": "din", "attention": [], "shared_tables": False},
    *({"name": "dien", "variant": variant} for variant in ("gru", "aigru", "agru", "augru")),
    {"name": "mlp"},
    {"name": "logistic"},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_logits_are_the_models(kind: dict[str, Any]) -> None:
    settings = RANKERS[kind["name"]].settings_class.model_validate(kind)
    model = build_ranker(settings, SIZES, torch.Generator().manual_seed(0)).eval()
    random = torch.Generator().manual_seed(1)
    for name, values in [*model.named_parameters(), *model.named_buffers()]:
        if values.is_floating_point():  # what starts at 0 or 1 counts too
            torch.nn.init.uniform_(values, 0.1 if "variance" in name else -0.5, 0.5, random)
    batch = random_batch(rows=12)
    features = batch.features
    with torch.no_grad():
        expected = model(batch)
        found = TextbookRanker(model)(
            batch.items, batch.history, features.dense, features.sparse, *features.tags
        )
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert expected.std() > 1e-3
