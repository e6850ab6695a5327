"""The description of a table's columns: which hold what, by name."""

from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from seqrec_cli.core.settings.base import Settings
from seqrec_cli.core.settings.yaml import nearest, read_settings_text, read_yaml
from seqrec_cli.errors import ConfigError


class TableColumns(Settings):
    """Which columns of the files hold what, by name."""

    label: str = Field("label", description="1 or 0")
    user: str = Field("user", description="whose row it is")
    item: str = Field("item", description="the candidate")
    history: str = Field("history", description="items, oldest first, with | between them")
    negatives: str | None = Field(None, description="as many items that the user does not have")
    dense: tuple[str, ...] = Field((), description="numbers")
    sparse: tuple[str, ...] = Field((), description="categories")
    tags: tuple[str, ...] = Field((), description="sets of categories, with | between them")

    @model_validator(mode="after")
    def columns_differ(self) -> "TableColumns":
        names = self.names()
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the column `{twice}` is named twice")
        return self

    def names(self) -> list[str]:
        """All the columns that are read."""
        single = [self.label, self.user, self.item, self.history, self.negatives]
        return [name for name in single if name is not None] + self.features()

    def features(self) -> list[str]:
        """The columns that become features."""
        return [*self.dense, *self.sparse, *self.tags]


# configs/tables/dien-ml-1m.yaml says the same, as an example.
WALKTHROUGH = TableColumns(
    label="label",
    user="userId",
    item="movieId",
    history="histHighRatedMovieIds",
    negatives="negHistMovieIds",
    dense=("age",),
    sparse=("gender", "occupation", "zipCode"),
    tags=("genres",),
)


def load_columns(path: Path) -> TableColumns:
    """Read a YAML file that names the columns.

    Raises:
        ConfigError: it cannot be read, or has an unknown key; the message names the line.
    """
    text = read_settings_text(
        path, f"`{path}`", "name a file such as configs/tables/dien-ml-1m.yaml"
    )
    places: dict[tuple[str, ...], str] = {}
    content = read_yaml(text, str(path), places)
    known = list(TableColumns.model_fields)
    if not isinstance(content, dict):
        raise ConfigError(f"`{path}` does not name columns", f"known are {', '.join(known)}")
    for key in content:
        if key not in known:
            raise ConfigError(f"{places[key,]}: unknown key `{key}`", nearest(key, known))
    try:
        return TableColumns.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = tuple(str(step) for step in first["loc"])
        place = places.get(key[:1], f"`{path}`")
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"{place}: {'.'.join(key) or 'columns'}: {problem[0].lower()}{problem[1:]}",
            "see configs/tables/dien-ml-1m.yaml",
        ) from None
