"""An experiment whose model is fitted without gradients, in one or several tries."""

import itertools
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from seqrec_cli.core.experiment.metrics import check_metric_at_k
from seqrec_cli.core.models.fitted import FITTED_MODEL, FittedConfig, FittedModelSettings
from seqrec_cli.core.settings.base import ExperimentSettings, Settings
from seqrec_cli.core.settings.registry import refused

MOST_TRIES = 100


class FittedTrainingConfig(Settings):
    """The `training` part of an experiment whose model is fitted."""

    grid: dict[str, list[Any]] = Field(
        {},
        description="values to try of settings of the model; each combination is fitted, and "
        "validation picks one",
    )
    gigabytes: float = Field(
        4.0, gt=0, le=1e6, description="memory that a try may take; others are left out"
    )
    final: bool = Field(
        False,
        description="fit once more on train + valid what validation has chosen",
    )
    seen: Literal["exclude", "include", "auto"] = Field(
        "auto",
        description="whether items of a user's history may be recommended; auto: include from a "
        "tenth of repeats in the train part on, else exclude",
    )
    metric: str = Field("ndcg@10", description="validation metric that picks a try")

    @field_validator("metric")
    @classmethod
    def metric_exists(cls, metric: str) -> str:
        return check_metric_at_k(metric)


class FittedExperiment(ExperimentSettings):
    """An experiment file whose model is fitted, complete."""

    model: FittedConfig = Field(default_factory=FITTED_MODEL.default_settings)
    training: FittedTrainingConfig = FittedTrainingConfig()

    @model_validator(mode="after")
    def grid_is_of_the_model(self) -> "FittedExperiment":
        """Refuse a grid of settings that the model does not have, or of too many tries."""
        grid = self.training.grid
        known = [name for name in type(self.model).model_fields if name != "name"]
        for name, values in grid.items():
            if name not in known or not values:
                problem = "has no values" if name in known else "is no setting of the model"
                hint = f"the settings are {', '.join(known)}; write for example `ridge: [30, 300]`"
                raise refused("training.grid", f"`{name}` {problem}", hint, grid)
        tries = self.count()
        if tries > MOST_TRIES:
            hint = f"at most {MOST_TRIES} combinations of values are tried"
            raise refused("training.grid", f"has {tries:,} combinations", hint, grid)
        try:
            list(self.tries())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"][:1])
            value = f"{first.get('input')!r}: {first['msg'].removeprefix('Value error, ')}"
            raise refused("training.grid", f"`{place}` cannot be {value}", "", grid) from None
        return self

    def count(self) -> int:
        """The number of tries."""
        count = 1
        for values in self.training.grid.values():
            count *= len(values)
        return count

    def tries(self) -> list[FittedModelSettings]:
        """The settings of the model for each try; one as the file has them, without a grid."""
        grid = self.training.grid
        base = self.model.model_dump()
        return [
            type(self.model).model_validate(base | dict(zip(grid, values, strict=True)))
            for values in itertools.product(*grid.values())
        ]

    @property
    def needs_features(self) -> bool:
        """Whether the model is made from what the dataset has of items, whatever is picked."""
        return all(settings.needs_features for settings in self.tries())

    def remark(self, settings: FittedModelSettings) -> str:
        """What is particular to a try, for people."""
        chosen: Mapping[str, Any] = settings.model_dump(mode="json")
        return ", ".join(f"{name} {shown(chosen[name])}" for name in self.training.grid)

    @property
    def reads_time(self) -> bool:
        """Whether the model reads when interactions were: its figures are a track of their own."""
        return bool(getattr(self.model, "time", False))

    @property
    def shown(self) -> list[str]:
        """The metrics to show during training."""
        return list(dict.fromkeys([self.training.metric, "ndcg@10", "hr@10"]))


def shown(value: Any) -> str:
    """A value of a setting, short."""
    if isinstance(value, list):
        return "/".join(shown(each) for each in value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)
