"""Losses of a target and its negatives, by hand arithmetic."""

import math

import pytest
import torch

from seqrec_cli.core.losses.sampled import gbce_beta
from tests.core.losses.by_hand import loss_of, sigmoid


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
