"""What is asked and answered over HTTP: the forms that OpenAPI describes."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)

DIGITS = re.compile(r"-?(0|[1-9][0-9]{0,18})")
LONGEST_HISTORY, MOST_ASKED, MOST_LISTED, MOST_RULES = 10_000, 256, 1_000, 16

Id = Annotated[StrictStr, Field(min_length=1, max_length=1_000)] | StrictInt
Ids = Annotated[list[Id], Field(min_length=1, max_length=100_000)]
History = Annotated[list[Id], Field(min_length=1, max_length=LONGEST_HISTORY)]
Expression = Annotated[StrictStr, Field(min_length=1, max_length=2_000)]
Rules = Annotated[
    Ids | Expression | None,
    Field(description="Ids of items, or an expression over the items' table, as in `--only`."),
]
Listed = Annotated[int, Field(ge=1, le=MOST_LISTED, strict=True)]


def in_digits(value: Any) -> Any:
    """The text of a query, if it is a number as the description has it: pydantic also reads `1_0`,
    `+5`, `5.0` and blanks around it."""
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


class Form(BaseModel):
    """A form whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(Form):
    """Somebody: a user of the dataset, or a history, oldest first, of ids or titles."""

    user: Id | None = None
    history: History | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> "Person":
        """Refuse neither and both."""
        if (self.user is None) == (self.history is None):
            raise ValueError("name either a `user` or a `history`")
        return self


class RecommendForm(Form):
    """Whom to recommend what: one person, or `many`."""

    user: Id | None = None
    history: History | None = None
    many: Annotated[list[Person], Field(min_length=1, max_length=MOST_ASKED)] | None = None
    k: Listed = 10
    seen: Literal["exclude", "include"] | None = None
    only: Rules = None
    exclude: Rules = None
    why: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def one_way(self) -> "RecommendForm":
        """Refuse none and several."""
        if [self.user, self.history, self.many].count(None) != 2:
            raise ValueError("name a `user`, a `history`, or `many` of them")
        return self

    @property
    def people(self) -> list[Person]:
        """Everybody who is asked about."""
        return self.many or [Person(user=self.user, history=self.history)]


class SimilarForm(Form):
    """To which item, by id or title, similar ones are wanted."""

    item: Id
    k: Listed = 10
    only: Rules = None
    exclude: Rules = None


class ScoreForm(Person):
    """Whose scores of which items are wanted."""

    items: Annotated[list[Id], Field(min_length=1, max_length=MOST_LISTED)]


class ItemsForm(Form):
    """Which items are looked for: those with a text in their title, and how many at most."""

    query: Annotated[str, Field(min_length=1, max_length=200)]
    most: Annotated[int, Field(ge=1, le=50), BeforeValidator(in_digits)] = 10


class Item(BaseModel):
    """An item: its id in the source, and its title if it has one."""

    item: str | int
    title: str | None = None


class Reason(Item):
    """An item of the history, and how much it raised a score."""

    influence: float


class ListedItem(Item):
    """A recommended or similar item."""

    rank: int
    score: float
    why: list[Reason] | None = None


class ListAnswer(BaseModel):
    """A list for one person, and items of the history that the model did not read: unknown ones,
    and those of which nothing was learned."""

    user: str | int | None = None
    items: list[ListedItem]
    unknown: list[str] = []
    unlearned: list[str] = []


class RecommendAnswer(BaseModel):
    """The lists, in the order of the people, and the run that made them."""

    run: str
    lists: list[ListAnswer]


class SimilarAnswer(BaseModel):
    """The items similar to one."""

    run: str
    item: str | int
    items: list[ListedItem]


class ScoredItem(Item):
    """A score; null where the item is unknown, or nothing was learned of it."""

    score: float | None


class ScoreAnswer(BaseModel):
    """The scores, in the order of the items."""

    run: str
    items: list[ScoredItem]
    unknown: list[str] = []
    unlearned: list[str] = []


class Health(BaseModel):
    """What is served."""

    status: Literal["ok"]
    run: str
    items: int
    users: int


class Problem(BaseModel):
    """What is wrong, as a sentence, and the remedy where there is one."""

    error: str
    hint: str = ""


def as_rules(value: Any) -> tuple[Any, ...]:
    """The rules that a form has, as core/ takes them: none, ids, or an expression."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else (tuple(map(str, value)),)
