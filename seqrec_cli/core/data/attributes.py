"""Attributes of users and items, as read: what their columns hold, before anything is encoded.

Apart from what reads them, so that who only uses a run does not load the engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["user", "item"]

TAG = "|"  # between the values of a list


@dataclass(frozen=True, eq=False)
class Attributes:
    """Attributes of users or items from a file.

    Attributes:
        source: the file, as the user knows it.
        ids: of each row, as in the file.
        columns: by name, a text for each row; "" where there is none.
        kinds: of those columns whose kind is known beforehand.
        titles: of those ids that have one.
        named: whether the user named the file, or it lay beside the log.
        notes: what was done to read it, a sentence each.
    """

    source: str
    ids: list[str]
    columns: dict[str, list[str]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    named: bool = False
    notes: tuple[str, ...] = ()
