"""Convolution against torch's own, gradients included, and what must hold of dropout."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seqrec_cli.core.batching.packing import Layout, Packed
from seqrec_cli.core.kernels.convolution import convolve
from seqrec_cli.core.kernels.dropout import Noise, dropout

CPU = torch.device("cpu")


def batch_of(lengths: list[int]) -> Packed:
    layout = Layout.of(np.array(lengths))
    ages = torch.from_numpy(layout.ages)
    return Packed(torch.ones_like(ages), ages, layout.blocks, torch.from_numpy(layout.last))


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


def test_dropout_keeps_the_mean_and_drops_the_share_asked_for() -> None:
    x = torch.ones(400, 500)
    dropped = dropout(x, 0.2, Noise(0, 1, 1, 0, CPU))
    assert float((dropped == 0).float().mean()) == pytest.approx(0.2, abs=0.005)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.005)
    assert dropped.unique().tolist() == pytest.approx([0, 1.25], abs=1e-4)


def test_dropout_masks_are_independent_between_calls_and_elements() -> None:
    noise = Noise(0, 1, 1, 0, CPU)
    first, second = (noise.kept((200_000,), 0.5) * 2 - 1 for _ in range(2))
    for a, b in ((first, second), (first[1:], first[:-1]), (first[4:], first[:-4])):
        assert float((a * b).mean()) == pytest.approx(0, abs=0.012)


def test_without_noise_nothing_is_dropped() -> None:
    x = torch.randn(5, 4)
    assert dropout(x, 0.9, None) is x
    assert dropout(x, 0.0, Noise(0, 1, 1, 0, CPU)) is x
