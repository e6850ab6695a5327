"""The recurrence over packed histories against torch's."""

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence

from seqrec_cli.core.kernels.gru import recur


@pytest.mark.parametrize("sizes", [[5, 5, 4, 2, 1, 1], [1], [3, 3, 3], [7, 1, 1]])
@pytest.mark.parametrize("units", [6, 4])
def test_the_recurrence_is_that_of_torch_gradients_included(sizes: list[int], units: int) -> None:
    torch.manual_seed(0)
    layer = torch.nn.GRU(6, units).double()
    x = torch.randn(sum(sizes), 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(sum(sizes), units, dtype=torch.float64)
    leaves = [x, *layer.parameters()]
    ours = recur(x, sizes, layer)
    theirs = layer(PackedSequence(x, torch.tensor(sizes)))[0].data
    torch.testing.assert_close(ours, theirs)
    gradients = (torch.autograd.grad((out * weight).sum(), leaves) for out in (ours, theirs))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
