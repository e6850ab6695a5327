"""DIN pools the history by attention."""

import torch

from seqrec_cli.core.models.ranking.registry import RANKERS, build_ranker
from tests.core.models.ranking.batches import SIZES, random_batch


def test_din_sums_what_attention_weighs_without_normalising() -> None:
    model = build_ranker(RANKERS["din"].settings_class(), SIZES, torch.Generator().manual_seed(0))
    batch = random_batch()
    pooled: list[torch.Tensor] = []
    model.head.register_forward_pre_hook(lambda _, inputs: pooled.append(inputs[0]))
    model(batch)
    query, keys = model.items(batch.items, batch.history)
    scores = model.attention(query, keys, batch.mask, False)
    expected = (scores[:, :, None] * keys).sum(1)
    torch.testing.assert_close(pooled[0][:, :16], expected)
    assert pooled[0][0, :16].abs().max() == 0  # the row without history
