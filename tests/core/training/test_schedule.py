"""The learning rate follows its schedule."""

import pytest

from seqrec_cli.core.training.schedule import lr_factor
from tests.core.training.small import experiment


def test_the_learning_rate_rises_and_then_falls_by_half_a_cosine() -> None:
    settings = experiment(schedule="cosine", warmup=4).training
    factors = [lr_factor(settings, done, 100) for done in range(100)]
    assert factors[0] == pytest.approx(0.2)
    assert factors[:5] == sorted(factors[:5])
    assert factors[4:] == sorted(factors[4:], reverse=True)
    assert factors[50] == pytest.approx(0.5)
    assert 0 < factors[99] < 0.001
    constant = experiment(schedule="constant").training
    assert {lr_factor(constant, done, 100) for done in range(100)} == {1.0}
