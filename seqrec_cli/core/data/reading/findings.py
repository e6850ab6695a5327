"""What was found in a log and taken for what, to be printed and kept in the manifest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Taken:
    """A column that was taken for something.

    Attributes:
        role: user, item, time or rating.
        column: its name, or its number from 1.
        example: a value of it.
        inferred: whether nobody said so.
    """

    role: str
    column: str
    example: str
    inferred: bool


@dataclass(frozen=True)
class Kind:
    """A column that looks like a type of event or a label.

    Attributes:
        column: its name, or its number from 1.
        counts: how many rows have each of its values, the most frequent first.
        filtered: whether rows were chosen by it.
        option: what to type to choose rows by it.
    """

    column: str
    counts: Mapping[str, int]
    filtered: bool
    option: str


@dataclass(frozen=True)
class Findings:
    """What was found in a log.

    Attributes:
        layout: the form of the file in words.
        taken: which columns were taken.
        unused: the names of the other columns.
        order: how the rows of a user are ordered, in words.
        kinds: columns that look like a type of event or a label.
        notes: what else should be known, a sentence each.
    """

    layout: str = ""
    taken: tuple[Taken, ...] = ()
    unused: tuple[str, ...] = ()
    order: str = ""
    kinds: tuple[Kind, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def column_of(self, role: str) -> str:
        """The column taken for a role, or ""."""
        return next((taken.column for taken in self.taken if taken.role == role), "")
