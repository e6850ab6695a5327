"""Raw logs to `Interactions`: who did something with what, and when."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core import files, parsing
from seqrec_cli.core.identifiers import INT64, IdColumn
from seqrec_cli.core.sources import TextSource
from seqrec_cli.errors import InputError


@dataclass(frozen=True)
class Origin:
    """Where interactions came from, for the manifest.

    Attributes:
        path: as the user typed it.
        sha256: of the file.
        rows_read: interactions in the file.
        dropped: how many of them were left out while reading, by reason.
    """

    path: str
    sha256: str
    format: str
    rows_read: int
    dropped: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    time_unit: str = ""
    licence: str = ""


@dataclass(frozen=True, eq=False)
class Interactions:
    """A log, a row an interaction, in the order of the file.

    Attributes:
        users: int32 (rows,), row r is of the user `user_ids[users[r]]`.
        items: int32 (rows,), likewise.
        user_ids: int64 or unicode (users,), sorted.
        item_ids: int64 or unicode (items,), sorted.
        timestamps: int64 (rows,) in `origin.time_unit`, or None.
        ratings: float32 (rows,), or None.
        item_titles: unicode (items,), "" where unknown, or None.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    origin: Origin
    timestamps: NDArray[np.int64] | None = None
    ratings: NDArray[np.float32] | None = None
    item_titles: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.users)


def read_interactions(path: Path) -> Interactions:
    """Read a log."""
    return read_user_item(TextSource(path))


def read_user_item(source: TextSource) -> Interactions:
    """Read SASRec's text: `user item` a line, counted from 1, each user's lines in time order."""
    users, items = IdColumn(), IdColumn()
    rows = 0
    for line, block in source.blocks():
        try:
            cells = parsing.cut(block, "\t" if b"\t" in block else " ", 2)
            pair = parsing.integers(cells, 0), parsing.integers(cells, 1)
            if min(pair[0].min(), pair[1].min()) < 1:
                raise parsing.NotPlain
        except parsing.NotPlain:
            pair = careful_pairs(source, block, line)
        users.add_numbers(pair[0])
        items.add_numbers(pair[1])
        rows += len(pair[0])
    if not rows:
        raise InputError(f"`{source}` is empty", "a line is `user item`, as in `1 5`")
    user_codes, user_ids = users.finish()
    item_codes, item_ids = items.finish()
    origin = Origin(
        path=str(source), sha256=files.sha256(source.path), format="user-item", rows_read=rows
    )
    return Interactions(user_codes, item_codes, user_ids, item_ids, origin)


def careful_pairs(
    source: TextSource, block: bytes, line: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read the lines of a block one by one, the first of them numbered `line`."""
    pairs = []
    for number, text in enumerate(block.split(b"\n"), start=line):
        words = text.split()
        if not words:
            continue
        place = f"`{source}`, line {number}"
        if len(words) != 2:
            raise InputError(f"{place}: {len(words)} values where `user item` is due")
        for word, role in zip(words, ("user", "item"), strict=True):
            shown = word.decode("utf-8", "backslashreplace")
            if not word.removeprefix(b"-").isdigit():
                raise InputError(f"{place}: the {role} `{shown}` is not a whole number")
            if int(word) < 1:
                raise InputError(f"{place}: the {role} is {shown}, but ids count from 1")
            if int(word) not in INT64:
                raise InputError(f"{place}: the {role} {shown} is beyond 2^63 - 1")
        pairs.append((int(words[0]), int(words[1])))
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return columns[:, 0].copy(), columns[:, 1].copy()
