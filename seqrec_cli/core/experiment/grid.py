"""A grid of trainings: configs by datasets by seeds, and by lists of settings.

data: [ml-100k, ml-1m]
configs: [sasrec, gru4rec]
seeds: [0, 1, 2]
set:
  model.hidden: [32, 64]

The config `chosen` stands for the settings that the rules give for each dataset, as
`seqrec train --data NAME` has them.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from seqrec_cli.core.experiment.loading import in_our_words
from seqrec_cli.core.settings.base import Settings
from seqrec_cli.core.settings.yaml import Key, nearest, read_settings_text, read_yaml
from seqrec_cli.errors import ConfigError

MOST_TRAININGS = 10_000
CHOSEN = "chosen"


class Grid(Settings):
    """The file of a grid."""

    data: list[str] = Field(min_length=1, description="prepared datasets")
    configs: list[str] = Field(
        min_length=1,
        description="experiments, by name or file; `chosen`: as the rules choose for the data",
    )
    seeds: list[int] = Field([0], min_length=1, description="seeds of the trainings")
    set: dict[str, list[Any]] = Field({}, description="settings, each with a list of values")
    metrics: list[str] = Field(["ndcg@10", "hr@10"], min_length=1, description="what is compared")

    @field_validator("data", "configs", "seeds", "set", "metrics")
    @classmethod
    def no_repeats(cls, values: Any) -> Any:
        """Each value once, as a training is named by its values."""
        for each in values.values() if isinstance(values, dict) else [values]:
            if not each or len({str(value) for value in each}) < len(each):
                raise ValueError("must list each value once, and one at least")
        return values


@dataclass(frozen=True)
class Trial:
    """One training of a grid.

    Attributes:
        overrides: KEY=VALUE, the seed among them.
        variant: what it has in common with the trainings that differ in seed and dataset alone.
        run: the name of its run.
    """

    data: str
    config: str
    seed: int
    overrides: tuple[str, ...]
    variant: str
    run: str

    @property
    def named_config(self) -> str | None:
        """The config, by name or file; None where the rules choose the settings."""
        return None if self.config == CHOSEN else self.config


def load_grid(path: Path) -> Grid:
    """Read a grid.

    Raises:
        ConfigError: with the place of what is wrong.
    """
    text = read_settings_text(
        path, f"the grid `{path}`", "name a YAML file with `data` and `configs`"
    )
    places: dict[Key, str] = {}
    content = read_yaml(text, str(path), places)
    if not isinstance(content, dict):
        raise ConfigError(f"`{path}` is not a list of settings", "write `data:` and `configs:`")
    for key in content:
        if key not in Grid.model_fields:
            place = places.get((key,), f"`{path}`")
            raise ConfigError(f"{place}: unknown key `{key}`", nearest(key, [*Grid.model_fields]))
    try:
        grid = Grid.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        place = places.get((name,), f"`{path}`")
        what = Grid.model_fields[name].description
        raise ConfigError(
            f"{place}: `{name}`: {in_our_words(first)}", f"`{name}` is a list of {what}"
        ) from None
    count = len(list(trials(grid, path.stem)))
    if count > MOST_TRAININGS:
        raise ConfigError(f"`{path}` has {count:,} trainings", f"at most {MOST_TRAININGS:,}")
    return grid


def trials(grid: Grid, name: str) -> Iterator[Trial]:
    """Every training of a grid, the seeds of one variant after each other."""
    choices = [[(key, value) for value in values] for key, values in grid.set.items()]
    for data, config in itertools.product(grid.data, grid.configs):
        for chosen in itertools.product(*choices):
            changes = [f"{key}={as_override(value)}" for key, value in chosen]
            short = [f"{key.rpartition('.')[2]}={as_override(value)}" for key, value in chosen]
            variant = " ".join([Path(config).stem, *short])
            for seed in grid.seeds:
                run = safe("-".join([name, Path(data).stem, *variant.split(), f"seed{seed}"]))
                yield Trial(data, config, seed, (*changes, f"seed={seed}"), variant, run)


def as_override(value: Any) -> str:
    """A value as `--set` takes it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def safe(name: str) -> str:
    """A name as a folder can have it."""
    return re.sub(r"[^\w.=-]+", "-", name).strip(".-")[:200]
