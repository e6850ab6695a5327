"""The convolution against torch's own, gradients included."""

import torch
from torch.nn import functional as F

from seqrec_cli.core.kernels.convolution import convolve
from tests.core.kernels.masks import batch_of


def test_the_convolution_and_its_gradients_are_torchs_depthwise_one() -> None:
    lengths = [9, 1, 2, 8, 4]
    batch = batch_of(lengths)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(len(batch.items), 6, generator=generator, requires_grad=True)
    weights = torch.randn(3, 6, generator=generator, requires_grad=True)
    upstream = torch.randn(x.shape, generator=generator)
    kernel = torch.cat((weights.flip(0), torch.ones(1, 6))).T.unsqueeze(1)  # (D, 1, lags + 1)
    got = convolve(x, weights, batch)
    expected = []
    for (rows,) in batch.views(x):
        padded = F.pad(rows.transpose(1, 2), (3, 0))  # (R, D, 3 + L)
        expected.append(F.conv1d(padded, kernel, groups=6).transpose(1, 2).flatten(0, 1))
    torch.testing.assert_close(got, torch.cat(expected))
    mine = torch.autograd.grad((got * upstream).sum(), (x, weights))
    theirs = torch.autograd.grad((torch.cat(expected) * upstream).sum(), (x, weights))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)
