"""A loss is a function of scores or of the catalogue, one of both."""

from typing import Any

import pytest

from seqrec_cli.core.losses.interface import Loss, LossSettings


def nothing(*_: Any) -> Any:
    raise AssertionError("not to be called")


def test_one_function_is_enough_and_two_are_too_many() -> None:
    assert Loss(LossSettings, nothing).of_catalogue is None
    assert Loss(LossSettings, of_catalogue=nothing).of_scores is None
    for functions in ({}, {"of_scores": nothing, "of_catalogue": nothing}):
        with pytest.raises(ValueError, match="one of both"):
            Loss(LossSettings, **functions)


def test_settings_that_say_nothing_correct_nothing_and_weigh_all_targets_alike() -> None:
    settings = LossSettings(name="x")
    assert not settings.corrects_sampling
    assert settings.target_half_life is None
