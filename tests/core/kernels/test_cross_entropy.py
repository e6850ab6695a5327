"""Cross-entropy a piece at a time against the plain one."""

import math

import pytest
import torch

from seqrec_cli.core.kernels import cross_entropy
from seqrec_cli.core.losses.interface import SharedNegatives
from seqrec_cli.core.losses.sampled import SampledSoftmaxSettings, shared_softmax
from tests.core.losses.by_hand import full, loss_of


@pytest.mark.parametrize("size", [1, 300, 10**6])
def test_softmax_in_pieces_is_the_plain_one_gradients_included(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_entropy, "LOGIT_BYTES", size)
    monkeypatch.setattr(cross_entropy, "FEWEST_TARGETS", 1)
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(50, 8, generator=generator, requires_grad=True)
    table = torch.randn(31, 8, generator=generator, requires_grad=True)
    targets = torch.randint(0, 31, (50,), generator=generator)
    loss = full(states, table, targets)
    logits = states @ table.T
    logits = logits[:, 1:]
    real = targets > 0
    plain = torch.nn.functional.cross_entropy(logits[real], targets[real] - 1)
    torch.testing.assert_close(loss, plain, atol=1e-5, rtol=1e-5)
    mine = torch.autograd.grad(loss * 3, (states, table))
    theirs = torch.autograd.grad(plain * 3, (states, table))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_softmax_is_exact_where_a_probability_is_too_small_for_float32() -> None:
    table = torch.tensor([[0.0], [300.0], [-200.0]])
    found = full(torch.ones(1, 1), table, torch.tensor([2]))
    assert float(found) == pytest.approx(500)


@pytest.mark.parametrize("logq", [False, True])
@pytest.mark.parametrize("room", [1, 2**20])
def test_the_shared_softmax_is_the_sampled_one(
    monkeypatch: pytest.MonkeyPatch, logq: bool, room: int
) -> None:
    """Against the plain loss on written-out scores, gradients included; pieces of one row too."""
    monkeypatch.setattr(cross_entropy, "LOGIT_BYTES", room)
    monkeypatch.setattr(cross_entropy, "FEWEST_TARGETS", 1)
    torch.manual_seed(0)
    leaves = [torch.randn(n, 5, requires_grad=True) for n in (7, 7, 4)]
    states, own, others = leaves
    targets, negatives = torch.tensor([3, 1, 0, 2, 9, 9, 4]), torch.tensor([9, 4, 5, 9])
    logs = torch.randn(4) if logq else None
    inputs = SharedNegatives(states, own, others, targets, negatives, logs)
    ours = shared_softmax(inputs, SampledSoftmaxSettings())
    theirs = loss_of(
        "sampled_softmax",
        (states * own).sum(1),
        states @ others.T,
        (targets != 0).float(),
        (targets[:, None] != negatives).float(),
        logs,
    )
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(
        torch.autograd.grad(ours, leaves), torch.autograd.grad(theirs, leaves), strict=True
    ):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_the_shared_softmax_bears_extreme_scores() -> None:
    states = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    own, others = torch.ones(2, 1), torch.tensor([[1.0], [-1.0]])
    items = torch.tensor([1, 2]), torch.tensor([3, 4])
    inputs = SharedNegatives(states, own, others, *items)
    loss = shared_softmax(inputs, SampledSoftmaxSettings())
    torch.testing.assert_close(loss.detach(), torch.tensor((math.log(2) + 2e4) / 2))
    assert torch.isfinite(torch.autograd.grad(loss, states)[0]).all()


def test_pieces_are_of_a_core_s_cache_or_fill_a_gpu() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert cross_entropy.piece_of(3_000, cpu) == 2 * 2**20 // 12_000
    assert cross_entropy.piece_of(3_000, gpu) == 256 * 2**20 // 12_000
    assert cross_entropy.piece_of(1_000_000, cpu) == 64
