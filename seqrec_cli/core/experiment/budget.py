"""How long a training goes on, and how often it validates: epochs, steps or minutes."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

Unit = Literal["epochs", "steps", "minutes"]

EVERY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) *(epoch|step|minute)s?")


def parse_every(value: Any) -> int | str:
    """A distance between validations: a whole number of epochs, or text such as `500 steps`.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    match = EVERY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) <= 0 or ("." in match[1] and match[2] != "minute"):
        raise ValueError("must be a number of epochs, or such as `500 steps` or `10 minutes`")
    return int(match[1]) if match[2] == "epoch" else f"{match[1]} {match[2]}s"


Every = Annotated[int | str, BeforeValidator(parse_every)]


def amount_and_unit(every: int | str) -> tuple[float, Unit]:
    """A distance as `parse_every` gives it: the amount, and of what."""
    if isinstance(every, int):
        return every, "epochs"
    amount, _, unit = every.partition(" ")
    return float(amount), "steps" if unit == "steps" else "minutes"
