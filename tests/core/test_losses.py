"""Losses by hand arithmetic."""

import math

import pytest
import torch

from seqrec_cli.core.losses import bce


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_bce_is_the_mean_over_targets_plus_the_mean_over_negatives() -> None:
    positive = torch.tensor([1.5, -0.5, 99.0])
    negatives = torch.tensor([[0.3, -2.0], [0.7, 55.0], [77.0, 88.0]])
    known = torch.tensor([1.0, 1.0, 0.0])
    drawn = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    attract = -(math.log(sigmoid(1.5)) + math.log(sigmoid(-0.5))) / 2
    repel = -sum(math.log(1 - sigmoid(x)) for x in (0.3, -2.0, 0.7)) / 3
    assert float(bce(positive, negatives, known, drawn)) == pytest.approx(attract + repel)


def test_bce_agrees_with_torch_and_stays_finite_at_extremes() -> None:
    scores = torch.randn(50, generator=torch.Generator().manual_seed(0)) * 10
    ones = torch.ones(50)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(scores, ones)
    expected += torch.nn.functional.binary_cross_entropy_with_logits(-scores, ones * 0)
    torch.testing.assert_close(bce(scores, -scores[:, None], ones, ones[:, None]), expected)
    extreme = torch.tensor([1e30, -1e30])
    assert torch.isfinite(bce(extreme, extreme[:, None], torch.ones(2), torch.ones(2, 1)))


def test_bce_without_any_negative_still_has_a_value() -> None:
    value = bce(torch.zeros(1), torch.zeros(1, 1), torch.ones(1), torch.zeros(1, 1))
    assert float(value) == pytest.approx(math.log(2))
