"""What all parts of an experiment file have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.fields import FieldInfo

from seqrec_cli.core.storage.text import is_number

LARGEST = 2**31  # for any number of things


class Settings(BaseModel):
    """A frozen part of an experiment: unknown keys are refused, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Keys that older files have, and what they are called now.
    renamed: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def known_fields(cls, content: Mapping[str, Any]) -> dict[str, FieldInfo]:
        """The settings that this part of a file may have, by key, in view of what it has."""
        return dict(cls.model_fields)

    @classmethod
    def old_keys(cls, content: Mapping[str, Any]) -> dict[str, str]:
        """The keys of older files, and what they are called now."""
        return dict(cls.renamed)

    @classmethod
    def arranged(cls, content: dict[str, Any]) -> dict[str, Any]:
        """The content of a file as the fields are: old keys become the new ones."""
        for old, new in cls.renamed.items():
            if old in content and new in content:
                raise ValueError(f"`{old}` is the old name of `{new}`: set one of them")
        return {cls.renamed.get(key, key): value for key, value in content.items()}

    @model_validator(mode="before")
    @classmethod
    def arrange(cls, content: Any) -> Any:
        return cls.arranged(content) if isinstance(content, dict) else content

    @field_validator("*", mode="before")
    @classmethod
    def no_bool_for_a_number(cls, value: Any, info: Any) -> Any:
        # YAML reads `no`, `off` and `yes` as booleans, and pydantic reads those as 0 and 1.
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError(f"must not be {str(value).lower()}")
        # pydantic reads the text 1_0 as 10.
        if isinstance(value, str) and "_" in value and is_number(value.replace("_", "").strip()):
            kind = cls.model_fields[info.field_name].annotation
            if any(number in (kind, *get_args(kind)) for number in (int, float)):
                raise ValueError("must be a number in digits")
        if isinstance(value, int) and abs(value) >= LARGEST and info.field_name != "seed":
            raise ValueError(f"must be below {LARGEST}")
        return value


class ExperimentSettings(Settings):
    """What every experiment file has, whatever its model is for."""

    data: str | None = Field(None, description="name of a prepared dataset, or its npz file")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of every random number")

    def to_yaml(self) -> str:
        """The experiment as YAML, every default spelled out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def settings_in(field: FieldInfo) -> type[Settings] | None:
    """The class of a setting that has settings inside, if it is one."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Settings):
            return kind
    return None


def check_betas(betas: tuple[float, float]) -> tuple[float, float]:
    """Refuse what cannot be Adam's decay rates."""
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError("must lie in [0, 1)")
    return betas
