"""What `seqrec tune` may try: for settings of an experiment, lists of values and ranges.

model.hidden: [32, 64, 128]
model.dropout: {low: 0.0, high: 0.6}
training.lr: {low: 0.0001, high: 0.01, log: true}
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from seqrec_cli.core.experiment.grid import as_override
from seqrec_cli.core.experiment.loading import in_our_words
from seqrec_cli.core.settings.base import Settings
from seqrec_cli.core.settings.yaml import Key, nearest, read_settings_text, read_yaml
from seqrec_cli.errors import ConfigError

# What trials must have in common to be comparable.
COMMON = ("data", "seed", "training.metric")
DIGITS = 4  # of a number from a range, that a person may read it
EXAMPLE = "write for example `model.hidden: [32, 64]` or `training.lr: {low: 0.0001, high: 0.01}`"
Load = Callable[[Sequence[str]], BaseModel]


class Range(Settings):
    """The ends of a range, as a file has them."""

    low: int | float = Field(description="the smallest value")
    high: int | float = Field(description="the largest value")
    step: int | float | None = Field(None, gt=0, description="distance of values; null: any")
    log: bool = Field(False, description="draw evenly by the logarithm")

    @model_validator(mode="after")
    def is_a_range(self) -> "Range":
        """Refuse ends that are none."""
        if not self.low < self.high:
            raise ValueError(f"`low` ({self.low}) must be less than `high` ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError("with `log: true`, `low` must be greater than 0")
        if self.log and self.step is not None:
            raise ValueError("`log: true` and `step` exclude each other")
        if not self.on_step(self.high):
            raise ValueError(f"`high` ({self.high}) is no whole number of steps from `low`")
        return self

    def on_step(self, value: float) -> bool:
        """Whether a value is a whole number of steps from the lower end."""
        steps = (value - self.low) / (self.step or 1)
        return self.step is None or math.isclose(steps, round(steps), abs_tol=1e-9)


@dataclass(frozen=True)
class Dimension:
    """What may be tried of one setting: `values`, or a `range`.

    Attributes:
        key: of the setting, such as `training.lr`.
        values: as `--set` takes them; empty for a range.
        whole: whether the range has whole numbers alone.
        place: where it stands, for messages.
    """

    key: str
    place: str
    values: tuple[str, ...] = ()
    range: Range | None = None
    whole: bool = False

    def text_of(self, value: Any) -> str:
        """A value as `--set` takes it: of a range with a few digits, inside of it."""
        if self.range is None:
            return str(value)
        if self.whole:
            return str(int(value))
        rounded = float(f"{value:.{DIGITS}g}")
        return repr(min(max(rounded, float(self.range.low)), float(self.range.high)))

    def holds(self, value: Any) -> bool:
        """Whether a value of the setting is among what may be tried."""
        if self.range is None:
            return as_override(value) in self.values
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return self.range.low <= value <= self.range.high and self.range.on_step(value)


@dataclass(frozen=True)
class Space:
    """All that may be tried; `text` is the file."""

    dimensions: tuple[Dimension, ...]
    text: str

    def overrides(self, chosen: Mapping[str, Any]) -> list[str]:
        """A choice by key as KEY=VALUE."""
        return [f"{each.key}={each.text_of(chosen[each.key])}" for each in self.dimensions]

    def own_values(self, experiment: BaseModel) -> dict[str, Any] | None:
        """What an experiment has already, by key; None if that is not among what may be tried."""
        content = experiment.model_dump(mode="json")
        values = {each.key: setting_at(content, each.key) for each in self.dimensions}
        if not all(each.holds(values[each.key]) for each in self.dimensions):
            return None
        return {
            each.key: as_override(values[each.key]) if each.values else values[each.key]
            for each in self.dimensions
        }


def load_space(path: Path, load: Load) -> Space:
    """Read a space; `load` makes the experiment with settings changed by KEY=VALUE.

    Raises:
        ConfigError: with the line of what is wrong, be it a key, a range or a value that the
            experiment does not take.
    """
    hint = "name a YAML file of settings, each with a list of values or a range"
    text = read_settings_text(path, f"the space `{path}`", hint)
    places: dict[Key, str] = {}
    content = read_yaml(text, str(path), places)
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"`{path}` is not a list of settings", EXAMPLE)
    base = load([]).model_dump(mode="json")
    dimensions = tuple(
        dimension_of(key, value, places[(key,)], base) for key, value in content.items()
    )
    for each in dimensions:
        check_values(each, load)
    return Space(dimensions, text)


def dimension_of(key: str, content: Any, place: str, base: Mapping[str, Any]) -> Dimension:
    """What a file says of one setting.

    Raises:
        ConfigError: it is neither a list nor a range.
    """
    if key in COMMON:
        raise ConfigError(
            f"{place}: `{key}` must be the same for all trials", "leave it out; use the options"
        )
    if isinstance(content, list):
        values = tuple(as_override(value) for value in content)
        if not values or len(set(values)) < len(values):
            raise ConfigError(f"{place}: `{key}` must list each value once, and one at least")
        return Dimension(key, place, values)
    if not isinstance(content, dict):
        raise ConfigError(f"{place}: `{key}` is neither a list nor a range", EXAMPLE)
    for name in content:
        if name not in Range.model_fields:
            if is_part(base, key):
                raise ConfigError(
                    f"{place}: `{key}` is a part with settings of its own",
                    f"write whole keys: `{key}.{name}: [...]`",
                )
            known = list(Range.model_fields)
            raise ConfigError(f"{place}: `{key}` has an unknown `{name}`", nearest(name, known))
    try:
        ends = Range.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        inside = "".join(f": `{step}`" for step in first["loc"][:1])
        raise ConfigError(f"{place}: `{key}`{inside}: {range_problem(first)}", EXAMPLE) from None
    own = setting_at(base, key)
    ends_are_whole = isinstance(ends.low, int) and isinstance(ends.high, int)
    is_whole = type(own) is int if isinstance(own, int | float) else ends_are_whole
    if is_whole and not (ends_are_whole and isinstance(ends.step or 1, int)):
        raise ConfigError(f"{place}: `{key}` is a whole number, and so must its range be")
    return Dimension(key, place, range=ends, whole=is_whole)


def range_problem(error: Any) -> str:
    """What is wrong with a range, without what its values are in Python."""
    if error["type"] == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    return in_our_words(error)


def check_values(dimension: Dimension, load: Load) -> None:
    """Let the experiment refuse what it never takes: each value alone, or the ends of a range.

    Raises:
        ConfigError: as the experiment says it, with the line of the space.
    """
    ends = dimension.range
    texts = dimension.values if ends is None else [str(ends.low), str(ends.high)]
    for text in texts:
        override = f"{dimension.key}={text}"
        try:
            load([override])
        except ConfigError as error:
            blamed = f"`--set {override}`"
            if not error.message.startswith(blamed):
                raise
            if f"`{dimension.key}`" not in error.message:
                continue  # it does not go with another setting, which a trial may change too
            message = dimension.place + error.message.removeprefix(blamed)
            raise ConfigError(message, error.hint) from None


def setting_at(content: Mapping[str, Any], key: str) -> Any:
    """The value of a whole key, such as `training.lr`; None if there is none."""
    found: Any = content
    for step in key.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def is_part(content: Mapping[str, Any], key: str) -> bool:
    """Whether a key is of a part with settings of its own."""
    return isinstance(setting_at(content, key), Mapping)
