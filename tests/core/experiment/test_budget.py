"""A distance between validations as a number and what it counts."""

import pytest

from seqrec_cli.core.experiment.budget import Unit, amount_and_unit, parse_every


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        (3, 3, "epochs"),
        ("2 epochs", 2, "epochs"),
        ("1 epoch", 1, "epochs"),
        (" 500steps ", 500, "steps"),
        ("0.5 minutes", 0.5, "minutes"),
        ("1 minute", 1, "minutes"),
    ],
)
def test_says_how_many_of_what(text: int | str, amount: float, unit: Unit) -> None:
    assert amount_and_unit(parse_every(text)) == (amount, unit)


@pytest.mark.parametrize("text", ["", "steps", "0.0 minutes", "1.5 epochs", "-1 steps", None, True])
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="such as `500 steps`"):
        parse_every(text)
