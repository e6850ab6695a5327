"""Every row of an epoch comes once, in an order that only chance decides."""

import torch

from seqrec_cli.core.batching.ranking import Batches


def test_each_row_is_trained_on_once_an_epoch_in_an_order_of_its_own() -> None:
    batches = Batches(101, 20, seed=3)
    assert len(batches) == 5  # a last row alone has no statistics
    epochs = [torch.cat(list(batches.rows_of(epoch))) for epoch in (1, 2)]
    for order in epochs:
        assert sorted(order.tolist()) == list(range(101))
    assert not torch.equal(*epochs)
    assert torch.equal(torch.cat(list(batches.rows_of(1, done=2))), epochs[0][40:])
    assert len(Batches(1, 20, seed=3)) == 1
