"""Dropout keeps the mean, and its masks are independent."""

import pytest
import torch

from seqrec_cli.core.kernels.dropout import Noise, dropout

CPU = torch.device("cpu")


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
