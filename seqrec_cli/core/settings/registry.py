"""Registries: what a name in an experiment file stands for.

There is one registry a kind (sequence models, ranking models, losses, metrics). An installed
package adds entries of its own by entry points of the registry's group, as in its pyproject.toml:

    [project.entry-points."seqrec.models"]
    my_model = "my_package.my_module:MyModel"

Files hold names and never code: a name is looked up among ours and those of installed packages.
An entry is imported when it is first asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from seqrec_cli.core.settings.base import Settings
from seqrec_cli.core.settings.yaml import nearest
from seqrec_cli.errors import ConfigError, PluginError

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """The entries of one kind by name, ours and those of installed packages."""

    def __init__(
        self,
        kind: str,
        group: str,
        ours: Mapping[str, Entry | str],
        check: Callable[[str, Any], None] | None = None,
    ) -> None:
        """Make a registry.

        Args:
            kind: what an entry is, for messages.
            group: the group of entry points through which packages add entries.
            ours: each entry by its name, or where it is: `module:object`.
            check: raises ValueError if the object that a package offers cannot be an entry.
        """
        self.kind = kind
        self.group = group
        self.ours = dict(ours)
        self.check = check
        self.loaded: dict[str, Entry] = {}

    def names(self) -> list[str]:
        """All names: ours, then those of installed packages."""
        return [*self.ours, *(name for name in installed(self.group) if name not in self.ours)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.ours or name in installed(self.group)

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            ConfigError: there is none.
            PluginError: a package offers it that cannot be used.
        """
        if name not in self.loaded:
            self.loaded[name] = self.load(name)
        return self.loaded[name]

    def load(self, name: str) -> Entry:
        """Import the entry of that name."""
        offered = installed(self.group).get(name, [])
        sources = [*(["seqrec"] if name in self.ours else []), *map(package_of, offered)]
        if not sources:
            raise ConfigError(f"unknown {self.kind} `{name}`", nearest(name, self.names()))
        if len(sources) > 1:
            raise PluginError(
                f"the {self.kind} `{name}` is offered by more than one package: "
                f"{', '.join(sources)}",
                f"remove one: `pip uninstall {sources[-1]}`",
            )
        if name in self.ours:
            ours: Any = self.ours[name]
            found: Entry = (
                EntryPoint(name, ours, self.group).load() if isinstance(ours, str) else ours
            )
            return found
        try:
            found = offered[0].load()
            if self.check is not None:
                self.check(name, found)
        except Exception as error:  # whatever a stranger's module raises when it is imported
            raise PluginError(
                f"the package `{sources[0]}` offers the {self.kind} `{name}`, which cannot be "
                f"used: {type(error).__name__}: {error}",
                f"update the package, or remove it: `pip uninstall {sources[0]}`",
            ) from error
        return found


@cache
def installed(group: str) -> Mapping[str, list[EntryPoint]]:
    """The entry points of installed packages by name, sorted."""
    by_name: dict[str, list[EntryPoint]] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        by_name.setdefault(point.name, []).append(point)
    return by_name


def package_of(point: EntryPoint) -> str:
    """The package that an entry point comes from."""
    return point.dist.name if point.dist is not None else point.value


class NamedSettings(Settings):
    """The settings of an entry of a registry. Subclasses fix `name`: `name: Literal["x"] = "x"`."""

    name: str


def check_settings_class(name: str, entry: Any, base: type[NamedSettings]) -> None:
    """Refuse an entry whose `settings_class` is not that of the entry `name`.

    Raises:
        ValueError: with what is wrong.
    """
    settings = getattr(entry, "settings_class", None)
    if not (isinstance(settings, type) and issubclass(settings, base)):
        raise ValueError(f"its `settings_class` is not a subclass of {base.__name__}")
    if settings.model_fields["name"].default != name:
        raise ValueError(f"the `name` in {settings.__name__} is not `{name}` by default")


@dataclass(frozen=True, eq=False)
class Choice:
    """Marks a setting that holds the settings of one entry of a registry, chosen by its name.

    Attributes:
        registry: its entries have a `settings_class`.
        default: the name where none is given.
        what: "a model", for messages.
        flat: in files the setting is the name alone, and the entry's settings stand beside it.
    """

    registry: Registry[Any]
    default: str
    what: str
    flat: bool = False

    def name_in(self, content: Any) -> str:
        """The name that the setting chooses, as read from a file."""
        if isinstance(content, NamedSettings):
            return content.name
        if self.flat:
            return self.default if content is None else str(content)
        return str(content.get("name", self.default)) if isinstance(content, dict) else self.default

    def settings_of(self, name: str) -> type[NamedSettings]:
        """The settings class of an entry."""
        settings: type[NamedSettings] = self.registry[name].settings_class
        return settings

    def default_settings(self) -> Any:
        """The default entry's settings, with its defaults."""
        return self.settings_of(self.default)(name=self.default)

    def validate(self, content: Any) -> NamedSettings:
        """Settings as read, checked by the class of the entry that they name."""
        if isinstance(content, NamedSettings):
            return content
        if not isinstance(content, dict):
            raise PydanticCustomError(
                "choice",
                "must be the settings of {what}, such as `{{name: {default}}}`",
                {"what": self.what, "default": self.default},
            )
        return self.settings_of(self.name_in(content)).model_validate(content)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.validate, handler(source))


def choice_of(field: FieldInfo) -> Choice | None:
    """The choice that a setting is, if it is one."""
    return next((mark for mark in field.metadata if isinstance(mark, Choice)), None)


def refused(
    key: str, problem: str, hint: str, value: Any, others: Sequence[str] = ()
) -> ValidationError:
    """The error of a validator for a setting `key`, such as `grid` or `training.grid`, that does
    not go with the settings `others` beside it."""
    told = {"problem": problem, "hint": hint, "others": list(others)}
    error = PydanticCustomError("combination", "{problem}", told)
    place = tuple(key.split("."))
    return ValidationError.from_exception_data(
        "settings", [InitErrorDetails(type=error, loc=place, input=value)]
    )
