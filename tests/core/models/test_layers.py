"""Attention over packed histories against the textbook formula, gradients included."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqrec_cli.core.models import layers
from seqrec_cli.core.models.layers import (
    Bands,
    causal_attention,
    convolve,
    dropout,
    feed_forward,
    look_up,
    one_head,
)
from seqrec_cli.core.packing import Layout, Packed
from seqrec_cli.core.randomness import Noise

CPU = torch.device("cpu")


def batch_of(lengths: list[int]) -> Packed:
    layout = Layout.of(np.array(lengths))
    ages = torch.from_numpy(layout.ages)
    return Packed(torch.ones_like(ages), ages, layout.blocks, torch.from_numpy(layout.last))


class SameMasks:
    """Noise whose mask for a weight depends on its query and key alone, whatever the banding."""

    def __init__(self, longest: int, cuts: Bands) -> None:
        generator = torch.Generator().manual_seed(3)
        self.grid = (torch.rand(longest, longest, generator=generator) > 0.3).float()
        self.masks = []
        for band in cuts.bands:
            end = band.begin + band.height
            self.masks += [self.grid[band.begin : end, :end].flatten()] * band.rows

    def kept(self, shape: Any, drop: float) -> Tensor:
        return torch.cat(self.masks).view(shape)


def textbook(q: Tensor, k: Tensor, v: Tensor, heads: int, grid: Tensor | None) -> Tensor:
    """One history (L, D), as in Vaswani et al. 2017 with a causal mask."""
    outputs = []
    for query, key, value in zip(
        q.chunk(heads, -1), k.chunk(heads, -1), v.chunk(heads, -1), strict=True
    ):
        logits = query @ key.T
        logits = logits.masked_fill(torch.ones_like(logits).triu(1) > 0, -torch.inf)
        weights = logits.softmax(-1)
        if grid is not None:
            weights = weights * grid[: len(q), : len(q)] * (1 / 0.7)
        outputs.append(weights @ value)
    return torch.cat(outputs, -1)


@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("dropped", [False, True])
def test_attention_and_its_gradients_are_the_textbook_ones(
    heads: int, dropped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "BAND", 5)  # several bands, some of unlike height
    lengths = [17, 3, 16, 1, 4, 9]
    batch = batch_of(lengths)
    generator = torch.Generator().manual_seed(1)
    q, k, v = (
        torch.randn(len(batch.items), 6, generator=generator, requires_grad=True) for _ in range(3)
    )
    cuts = Bands.of(tuple((rows * heads, length) for rows, length in batch.blocks))
    noise: Any = SameMasks(17, cuts) if dropped else None
    out = causal_attention(q, k, v, batch, heads, 0.3, noise)
    upstream = torch.randn(out.shape, generator=generator)
    starts = (batch.last + 1 - torch.tensor(lengths)).tolist()
    real = torch.zeros(len(batch.items), 1)
    for start, length in zip(starts, lengths, strict=True):
        real[start : start + length] = 1
    got = torch.autograd.grad((out * upstream * real).sum(), (q, k, v))
    total = torch.zeros(())
    for start, length in zip(starts, lengths, strict=True):
        rows = slice(start, start + length)
        expected = textbook(q[rows], k[rows], v[rows], heads, noise.grid if dropped else None)
        torch.testing.assert_close(out[rows], expected)
        total = total + (expected * upstream[rows]).sum()
    for mine, theirs in zip(got, torch.autograd.grad(total, (q, k, v)), strict=True):
        torch.testing.assert_close(mine, theirs)


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


@pytest.mark.parametrize("heads", [1, 2])
def test_attention_takes_gradients_and_inputs_of_any_strides(heads: int) -> None:
    batch = batch_of([5, 3])
    wide = torch.randn(len(batch.items), 8, generator=torch.Generator().manual_seed(0))
    strided = wide[:, ::2].requires_grad_()
    straight = wide[:, ::2].contiguous().requires_grad_()
    for x in (strided, straight):
        causal_attention(x, x, x, batch, heads, 0.0, None).sum().backward()
    assert strided.grad is not None
    assert straight.grad is not None
    torch.testing.assert_close(strided.grad, straight.grad)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 129, 200])
def test_bands_cover_all_rows_once_and_their_weights_do_not_overlap(length: int) -> None:
    cuts = Bands.of(((3, length), (2, 7)))
    rows = [(band.first, band.begin + row) for band in cuts.bands for row in range(band.height)]
    assert rows == [(0, row) for row in range(length)] + [(3 * length, row) for row in range(7)]
    assert max(band.height for band in cuts.bands) <= layers.BAND
    flat = torch.zeros(cuts.size)
    for band in cuts.bands:
        band.weights(flat).add_(1)
    assert bool((flat == 1).all())


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


@pytest.mark.parametrize("shape", [(7,), (4, 3)])
def test_looking_up_is_torchs_embedding_with_the_same_gradient(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(2)
    table = nn.Embedding(9, 5, padding_idx=0)
    ids = torch.randint(0, 9, shape, generator=generator)
    upstream = torch.randn(*shape, 5, generator=generator)
    got, expected = look_up(table, ids), table(ids)
    assert torch.equal(got, expected)
    mine, theirs = (
        torch.autograd.grad((rows * upstream).sum(), table.weight)[0] for rows in (got, expected)
    )
    torch.testing.assert_close(mine, theirs)


def test_the_feed_forward_network_and_its_gradients_are_those_of_its_plain_twin() -> None:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(40, 6, generator=generator, requires_grad=True)
    inner, outer = nn.Linear(6, 8), nn.Linear(8, 6)
    got = feed_forward(x, inner, outer, 0.3, Noise(0, 1, 1, 0, CPU))
    noise = Noise(0, 1, 1, 0, CPU)
    expected = dropout(outer(dropout(F.relu(inner(x)), 0.3, noise)), 0.3, noise)
    torch.testing.assert_close(got, expected)
    assert float((got == 0).float().mean()) > 0.2
    upstream = torch.randn(got.shape, generator=generator)
    inputs = [x, *inner.parameters(), *outer.parameters()]
    mine, theirs = (torch.autograd.grad((out * upstream).sum(), inputs) for out in (got, expected))
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
