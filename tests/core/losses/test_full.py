"""The softmax over the catalogue, by hand arithmetic and against torch's."""

import pytest
import torch

from tests.core.losses.by_hand import full


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_smoothed_and_weighted_is_torchs(smoothing: float, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(50, 8, generator=generator, requires_grad=True)
    table = torch.randn(31, 8, generator=generator, requires_grad=True)
    targets = torch.randint(0, 31, (50,), generator=generator)
    weights = torch.rand(50, generator=generator)
    loss = full(states, table, targets, weights if weighted else None, smoothing=smoothing)
    real = targets > 0
    each = torch.nn.functional.cross_entropy(
        (states @ table.T)[real, 1:], targets[real] - 1, reduction="none", label_smoothing=smoothing
    )
    used = weights[real] if weighted else torch.ones_like(each)
    plain = (each * used).sum() / used.sum()
    torch.testing.assert_close(loss, plain, atol=1e-5, rtol=1e-5)
    mine = torch.autograd.grad(loss, (states, table))
    for a, b in zip(mine, torch.autograd.grad(plain, (states, table)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_softmax_of_no_target_is_zero() -> None:
    assert float(full(torch.ones(2, 3), torch.ones(4, 3), torch.zeros(2, dtype=torch.int64))) == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_excluded_rows_are_no_candidates(smoothing: float) -> None:
    torch.manual_seed(0)
    states, table = torch.randn(3, 4), torch.randn(8, 4)
    targets, excluded_items = torch.tensor([1, 4, 6]), torch.tensor([0, 3, 7])
    left = torch.tensor([0, 1, 2, 4, 5, 6])  # the same with the others taken out of the table
    loss = full(states, table, targets, None, excluded_items, smoothing=smoothing)
    smaller = full(states, table[left], torch.tensor([1, 3, 5]), smoothing=smoothing)
    torch.testing.assert_close(loss, smaller)
    table.requires_grad_()
    loss = full(states, table, targets, None, excluded_items, smoothing=smoothing)
    assert torch.autograd.grad(loss, table)[0][excluded_items].abs().max() == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_targets_ahead_share_the_probability_of_the_first(smoothing: float, count: int) -> None:
    """Against torch's cross-entropy with probabilities as targets; items stand there twice too."""
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(50, 8, generator=generator, requires_grad=True)
    table = torch.randn(13, 8, generator=generator, requires_grad=True)
    targets = torch.randint(0, 13, (50,), generator=generator)
    ahead = torch.randint(0, 13, (50, count), generator=generator)
    ahead[::3] = 0
    weights = torch.rand(50, generator=generator)
    loss = full(states, table, targets, weights, None, ahead, smoothing=smoothing)
    wanted = torch.zeros(50, 13)
    for row, first in enumerate(targets.tolist()):
        places = [first, *ahead[row].tolist()]
        real = [(item, 0.5**k) for k, item in enumerate(places) if item]
        for item, share in real:
            wanted[row, item] += share / sum(share for _, share in real)
    real = targets > 0
    each = torch.nn.functional.cross_entropy(
        (states @ table.T)[real, 1:], wanted[real, 1:], reduction="none", label_smoothing=smoothing
    )
    plain = (each * weights[real]).sum() / weights[real].sum()
    torch.testing.assert_close(loss, plain, atol=1e-5, rtol=1e-5)
    mine = torch.autograd.grad(loss, (states, table))
    for a, b in zip(mine, torch.autograd.grad(plain, (states, table)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_targets_ahead_may_be_too_unlikely_for_float32() -> None:
    table = torch.tensor([[0.0], [300.0], [-200.0]])
    found = full(torch.ones(1, 1), table, torch.tensor([1]), None, None, torch.tensor([[2]]))
    assert float(found) == pytest.approx(500 / 3)
