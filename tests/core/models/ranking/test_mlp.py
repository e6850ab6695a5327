"""The layers behind the pooled history."""

import torch

from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.ranking.layers import (
    Head,
)
from tests.core.models.ranking.test_layers import rows

CPU = torch.device("cpu")


def test_the_head_drops_only_in_training() -> None:
    head = Head(5, [8, 4], 0.5)
    x = rows(64, 5)
    assert torch.equal(head(x, None), head(x, None))
    first, second = (head(x, Noise(0, 1, step, 0, CPU)) for step in (1, 2))
    assert not torch.equal(first, second)
