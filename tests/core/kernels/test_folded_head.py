"""One head with folded layers against its plain twin."""

import pytest
import torch
from torch import nn

from seqrec_cli.core.kernels.attention import causal_attention
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.kernels.folded_head import one_head
from tests.core.kernels.masks import batch_of

CPU = torch.device("cpu")


@pytest.mark.parametrize("dropped", [False, True])
def test_one_head_and_its_gradients_are_those_of_its_plain_twin(dropped: bool) -> None:
    batch = batch_of([70, 3, 16, 1, 9])
    generator = torch.Generator().manual_seed(7)
    x, source = (
        torch.randn(len(batch.items), 6, generator=generator, requires_grad=True) for _ in range(2)
    )
    query, value, outer = (nn.Linear(6, 6) for _ in range(3))
    key = nn.Linear(6, 6, bias=False)
    noise = [Noise(0, 1, 1, 0, CPU) if dropped else None for _ in range(2)]
    got = one_head(x, source, (query, key, value, outer), batch, 0.3, noise[0])
    q = query(x) / 6**0.5
    attended = causal_attention(q, key(source), value(source), batch, 1, 0.3, noise[1])
    expected = outer(attended)
    torch.testing.assert_close(got, expected)
    upstream = torch.randn(got.shape, generator=generator)
    inputs = [x, source, *query.parameters(), *key.parameters()]
    inputs += [*value.parameters(), *outer.parameters()]
    mine, theirs = (torch.autograd.grad((out * upstream).sum(), inputs) for out in (got, expected))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
