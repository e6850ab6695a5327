"""A step of Adam against torch's."""

import pytest
import torch

from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.steps import part_gradients, update_weights
from tests.core.training.small import CPU, experiment, sized


@pytest.mark.parametrize("name", MODELS.ours)
def test_a_step_changes_every_weight_as_torchs_adam_would(
    name: str, cycle: SequenceDataset
) -> None:
    settings = experiment(batch_size=32, lr=0.01)
    model = sized(name)
    mine, theirs = (
        Training(settings.model_copy(update={"model": model}), 50, CPU) for _ in range(2)
    )
    batches = Batches(cycle.train, 50, seed=0, batch_size=32, max_length=10, num_negatives=1)
    batch = batches.make(1, batches.users_of(1)[0])
    torchs = torch.optim.Adam(theirs.model.parameters(), 0.01, (0.9, 0.98), fused=False)
    for _ in range(3):
        gradients = [
            part_gradients(t, batch, batch.weight, Noise(0, 1, 1, 0, CPU))[1]
            for t in (mine, theirs)
        ]
        for parameter, gradient in zip(theirs.model.parameters(), gradients[1], strict=True):
            parameter.grad = gradient.clone()
        torchs.step()
        update_weights(mine, 0.0, [gradients[0]], 1, 1, 1.0)
    for (key, ours), other in zip(
        mine.model.named_parameters(), theirs.model.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, other, atol=2e-5, rtol=1e-4, msg=key)
