"""What all parts of an experiment file have in common."""

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

LARGEST = 2**31  # for any number of things


class Settings(BaseModel):
    """A frozen part of an experiment: unknown keys are refused, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def no_bool_for_a_number(cls, value: Any, info: Any) -> Any:
        # YAML reads `no`, `off` and `yes` as booleans, and pydantic reads those as 0 and 1.
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError(f"must not be {str(value).lower()}")
        if isinstance(value, int) and abs(value) >= LARGEST and info.field_name != "seed":
            raise ValueError(f"must be below {LARGEST}")
        return value


class ExperimentSettings(Settings):
    """What every experiment file has, whatever its model is for."""

    data: str | None = Field(None, description="a prepared dataset's name, or its npz file")
    seed: int = Field(0, ge=0, lt=2**63, description="every random number follows from it")

    def to_yaml(self) -> str:
        """The experiment as YAML, every default spelled out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def check_betas(betas: tuple[float, float]) -> tuple[float, float]:
    """Refuse what cannot be Adam's decay rates."""
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError("must lie in [0, 1)")
    return betas
