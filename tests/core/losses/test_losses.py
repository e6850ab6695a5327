"""Losses by hand arithmetic."""

import math
from typing import Any

import pytest
import torch

from seqrec_cli.core.kernels import cross_entropy
from seqrec_cli.core.losses.full import SoftmaxSettings, softmax
from seqrec_cli.core.losses.interface import Catalogue, Scores, SharedNegatives
from seqrec_cli.core.losses.registry import LOSSES
from seqrec_cli.core.losses.sampled import SampledSoftmaxSettings, gbce_beta, shared_softmax


def loss_of(name: str, *scores: Any, num_items: int = 0, **settings: Any) -> torch.Tensor:
    """A loss of scores (positive, negatives, known, drawn[, log probabilities])."""
    loss = LOSSES[name]
    assert loss.of_scores is not None
    return loss.of_scores(
        Scores(*scores, num_items=num_items), loss.settings_class(name=name, **settings)
    )


def full(states: Any, table: Any, targets: Any, *rest: Any, smoothing: float = 0.0) -> torch.Tensor:
    """The softmax over a table, with `rest` = weights, excluded items."""
    inputs = Catalogue(states, table, targets, *rest)
    return softmax(inputs, SoftmaxSettings(label_smoothing=smoothing))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_bce_is_the_mean_over_targets_and_their_negatives() -> None:
    positive = torch.tensor([1.5, -0.5, 99.0])
    negatives = torch.tensor([[0.3, -2.0], [0.7, 55.0], [77.0, 88.0]])
    known = torch.tensor([1.0, 1.0, 0.0])
    drawn = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    attract = -(math.log(sigmoid(1.5)) + math.log(sigmoid(-0.5))) / 2
    first = (math.log(1 - sigmoid(0.3)) + math.log(1 - sigmoid(-2.0))) / 2
    repel = -(first + math.log(1 - sigmoid(0.7))) / 2
    assert float(loss_of("bce", positive, negatives, known, drawn)) == pytest.approx(
        attract + repel
    )


def test_bce_agrees_with_torch_and_stays_finite_at_extremes() -> None:
    scores = torch.randn(50, generator=torch.Generator().manual_seed(0)) * 10
    ones = torch.ones(50)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(scores, ones)
    expected += torch.nn.functional.binary_cross_entropy_with_logits(-scores, ones * 0)
    torch.testing.assert_close(
        loss_of("bce", scores, -scores[:, None], ones, ones[:, None]), expected
    )
    extreme = torch.tensor([1e30, -1e30])
    assert torch.isfinite(
        loss_of("bce", extreme, extreme[:, None], torch.ones(2), torch.ones(2, 1))
    )


def test_bce_without_any_negative_still_has_a_value() -> None:
    value = loss_of("bce", torch.zeros(1), torch.zeros(1, 1), torch.ones(1), torch.zeros(1, 1))
    assert float(value) == pytest.approx(math.log(2))


SCORES = torch.tensor([1.5, -0.5, 99.0]), torch.tensor([[0.3, -2.0], [0.7, 55.0], [77.0, 88.0]])
MASKS = torch.tensor([1.0, 1.0, 0.0]), torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])


def test_gbce_by_hand() -> None:
    num_items, beta = 6, 0.4  # two negatives of five other items
    first = beta * math.log(sigmoid(1.5)) + math.log(1 - sigmoid(0.3)) + math.log(1 - sigmoid(-2))
    second = beta * math.log(sigmoid(-0.5)) + math.log(1 - sigmoid(0.7))
    expected = -(first + second) / 2 / 3
    assert float(
        loss_of("gbce", *SCORES, *MASKS, num_items=num_items, gbce_t=1.0)
    ) == pytest.approx(expected)


def test_gbce_calibration_goes_from_plain_bce_to_the_sampling_rate() -> None:
    assert gbce_beta(0, 256, 3417) == pytest.approx(1)
    assert gbce_beta(1, 256, 3417) == pytest.approx(256 / 3416)
    assert gbce_beta(0.75, 256, 3417) == pytest.approx(0.75 * 256 / 3416 + 0.25)


def test_sampled_softmax_by_hand() -> None:
    first = -math.log(math.exp(1.5) / (math.exp(1.5) + math.exp(0.3) + math.exp(-2)))
    second = -math.log(math.exp(-0.5) / (math.exp(-0.5) + math.exp(0.7)))
    found = float(loss_of("sampled_softmax", *SCORES, *MASKS))
    assert found == pytest.approx((first + second) / 2)


def test_sampled_softmax_corrected_for_chances_by_hand() -> None:
    chances = torch.tensor([[0.5, 0.1], [0.2, 0.3], [0.4, 0.4]])
    first = math.exp(0.3) / (2 * 0.5) + math.exp(-2) / (2 * 0.1)
    second = math.exp(0.7) / (2 * 0.2)
    expected = math.log(1 + first / math.exp(1.5)) + math.log(1 + second / math.exp(-0.5))
    got = loss_of("sampled_softmax", *SCORES, *MASKS, chances.log())
    assert float(got) == pytest.approx(expected / 2)


def test_bpr_by_hand() -> None:
    first = (math.log(sigmoid(1.5 - 0.3)) + math.log(sigmoid(1.5 + 2.0))) / 2
    expected = -(first + math.log(sigmoid(-0.5 - 0.7))) / 2
    assert float(loss_of("bpr", *SCORES, *MASKS)) == pytest.approx(expected)


def test_bpr_max_by_hand() -> None:
    total = math.exp(0.3) + math.exp(-2.0)
    s = [math.exp(0.3) / total, math.exp(-2.0) / total]
    first = -math.log(s[0] * sigmoid(1.5 - 0.3) + s[1] * sigmoid(1.5 + 2.0))
    first += 0.4 * (s[0] * 0.3**2 + s[1] * 2.0**2)
    second = -math.log(sigmoid(-0.5 - 0.7)) + 0.4 * 0.7**2
    assert float(loss_of("bpr_max", *SCORES, *MASKS, bpr_max_regularization=0.4)) == pytest.approx(
        (first + second) / 2
    )


@pytest.mark.parametrize("loss", ["bpr", "bpr_max"])
def test_a_target_without_negatives_changes_nothing_and_breaks_nothing(loss: str) -> None:
    positive = torch.tensor([0.5, 2.0], requires_grad=True)
    negatives = torch.tensor([[1.0], [3.0]], requires_grad=True)
    value = loss_of(loss, positive, negatives, torch.ones(2), torch.tensor([[1.0], [0.0]]))
    gradients = torch.autograd.grad(value, (positive, negatives))
    assert all(bool(torch.isfinite(g).all()) for g in gradients)
    assert gradients[0][1] == 0
    assert gradients[0][0] < 0


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


def test_softmax_is_exact_where_a_probability_is_too_small_for_float32() -> None:
    table = torch.tensor([[0.0], [300.0], [-200.0]])
    found = full(torch.ones(1, 1), table, torch.tensor([2]))
    assert float(found) == pytest.approx(500)


def test_softmax_of_no_target_is_zero() -> None:
    assert float(full(torch.ones(2, 3), torch.ones(4, 3), torch.zeros(2, dtype=torch.int64))) == 0


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
