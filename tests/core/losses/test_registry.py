"""Every loss of the registry is one, by its own name, and what is none is refused."""

from typing import Any, Literal

import pytest

from seqrec_cli.core.losses.interface import Loss, LossSettings
from seqrec_cli.core.losses.registry import LOSSES, check_loss
from seqrec_cli.core.models.sequential.registry import MODELS


class Mine(LossSettings):
    name: Literal["mine"] = "mine"


@pytest.mark.parametrize("name", LOSSES.ours)
def test_ours_are_what_a_packages_must_be(name: str) -> None:
    check_loss(name, LOSSES[name])
    assert LOSSES[name].settings_class().name == name


@pytest.mark.parametrize(
    ("name", "loss", "message"),
    [
        ("mine", Mine, "it is no `Loss`"),
        ("yours", Loss(Mine, lambda scores, settings: None), "is not `yours`"),
        ("mine", Loss(MODELS["sasrec"].settings_class, lambda *_: None), "no.? ?.*subclass of"),
    ],
)
def test_what_is_no_loss_of_that_name_is_refused(name: str, loss: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_loss(name, loss)


def test_a_loss_of_the_right_name_passes() -> None:
    check_loss("mine", Loss(Mine, lambda scores, settings: None))
