"""Attention over packed histories against the textbook formula, gradients included."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seqrec_cli.core.kernels import attention
from seqrec_cli.core.kernels.attention import Bands, causal_attention
from tests.core.kernels.masks import SameMasks, batch_of


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
    monkeypatch.setattr(attention, "BAND", 5)  # several bands, some of unlike height
    attention.bands_of.cache_clear()
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


def test_attention_reads_what_lies_within_a_larger_tensor() -> None:
    batch = batch_of([5, 3])
    larger = torch.randn(3 + len(batch.items), 4, generator=torch.Generator().manual_seed(0))
    found = []
    for x in (larger[3:], larger[3:].clone()):
        x.requires_grad_()
        out = causal_attention(x, x, x, batch, 1, 0.0, None)
        upstream = torch.cat((larger[:3], out)).square().sum()  # its gradient is a piece of another
        found.append((out, torch.autograd.grad(upstream, x)[0]))
    for within, alone in zip(*found, strict=True):
        torch.testing.assert_close(within, alone)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 129, 200])
def test_bands_cover_all_rows_once_and_their_weights_do_not_overlap(length: int) -> None:
    cuts = Bands.of(((3, length), (2, 7)))
    bands = cuts.of_width(1)
    slots = torch.zeros(3 * length + 14)
    flat = torch.zeros(cuts.size)
    for band in bands:
        slots.as_strided(*band.queries).add_(1)
        flat.as_strided(*band.weights).add_(1)
        assert band.later.shape[0] <= attention.BAND
    assert bool((slots == 1).all())
    assert bool((flat == 1).all())
