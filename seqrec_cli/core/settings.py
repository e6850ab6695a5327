"""What all parts of an experiment file have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

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
