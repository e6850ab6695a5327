"""Attention over packed histories against the textbook formula, gradients included."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqrec_cli.core.models import layers
from seqrec_cli.core.models.layers import bands, causal_attention, dropout
from seqrec_cli.core.packing import Layout, Packed
from seqrec_cli.core.randomness import Noise, keep_scale

CPU = torch.device("cpu")


def batch_of(lengths: list[int]) -> Packed:
    layout = Layout.of(np.array(lengths))
    ages = torch.from_numpy(layout.ages)
    return Packed(torch.ones_like(ages), ages, layout.blocks, torch.from_numpy(layout.last))


class SameMasks:
    """Noise whose mask for a weight depends on its query and key alone, whatever the banding."""

    device = CPU

    def __init__(self, longest: int) -> None:
        generator = torch.Generator().manual_seed(3)
        self.grid = (torch.rand(longest, longest, generator=generator) > 0.3).float()

    def kept(self, shape: Any, drop: float) -> Tensor:
        rows, keys = shape[-2:]
        return self.grid[keys - rows : keys, :keys].expand(shape).clone()


def textbook(q: Tensor, k: Tensor, v: Tensor, heads: int, grid: Tensor | None) -> Tensor:
    """One history (L, D), as in Vaswani et al. 2017 with a causal mask."""
    outputs = []
    for query, key, value in zip(
        q.chunk(heads, -1), k.chunk(heads, -1), v.chunk(heads, -1), strict=True
    ):
        logits = query @ key.T / math.sqrt(query.shape[-1])
        logits = logits.masked_fill(torch.ones_like(logits).triu(1) > 0, -torch.inf)
        weights = logits.softmax(-1)
        if grid is not None:
            weights = weights * grid[: len(q), : len(q)] * keep_scale(0.3)
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
    noise: Any = SameMasks(17) if dropped else None
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


@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 129, 200])
def test_bands_cover_all_rows_once(length: int) -> None:
    found = bands(length)
    assert [row for begin, end in found for row in range(begin, end)] == list(range(length))
    assert max(end - begin for begin, end in found) <= layers.BAND


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
