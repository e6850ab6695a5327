"""Ids and titles of items and users, and looking them up as the user types them."""

import bisect
import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.storage import foreign
from seqrec_cli.errors import InputError

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
LARGEST_LIST = 1 << 30  # bytes of a file of ids


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The items of a run: item i has the id `item_ids[i - 1]` and the title `titles[i - 1]`.

    Attributes:
        counts: int64 (items,), how often the train part has each; None in a run of an earlier
            version.
        new: bool (items,), which of them nobody has; None likewise.
        refitted: bool (items,), which of them the train or the valid part has; None without a last
            fit on both, or likewise.
    """

    item_ids: NDArray[Any]
    titles: NDArray[np.str_] | None
    counts: NDArray[np.int64] | None = None
    new: NDArray[np.bool_] | None = None
    refitted: NDArray[np.bool_] | None = None


def whole_number(text: str) -> int | None:
    """The number that a text is, if it is an int64 in plain digits."""
    # `int` would also accept 1_0 and the digits of other scripts.
    if not WHOLE_NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


class Names:
    """Looks up items or users by id or title."""

    def __init__(self, ids: NDArray[Any], titles: NDArray[np.str_] | None = None) -> None:
        self.ids = ids
        self.titles = titles
        self._order = np.argsort(ids, kind="stable")

    @classmethod
    def of_items(cls, catalogue: Catalogue) -> "Names":
        return cls(catalogue.item_ids, catalogue.titles)

    def find_id(self, text: str) -> int | None:
        """The index of an id of the source, or None."""
        wanted: Any = whole_number(text) if self.ids.dtype.kind == "i" else text
        if wanted is None:
            return None
        at = int(np.searchsorted(self.ids, wanted, sorter=self._order))
        if at < len(self.ids) and self.ids[self._order[at]] == wanted:
            return int(self._order[at])
        return None

    def find_ids(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """`find_id` of many at once, int64 (texts,), -1 where there is none."""
        wanted: NDArray[Any]
        if self.ids.dtype.kind == "i":
            numbers = [whole_number(text) for text in texts]
            possible = np.array([number is not None for number in numbers], np.bool_)
            wanted = np.array([number or 0 for number in numbers], np.int64)
        else:
            # An array of texts is as wide as its longest, and has no zeros at their ends.
            width = self.ids.dtype.itemsize // np.dtype("U1").itemsize
            possible = np.array(
                [len(text) <= width and text[-1:] != "\0" for text in texts], np.bool_
            )
            wanted = np.array(
                [text if there else "" for text, there in zip(texts, possible, strict=True)],
                np.str_,
            )
        if not len(self.ids):
            return np.full(len(texts), -1)
        at = np.searchsorted(self.ids, wanted, sorter=self._order)
        indices = self._order[np.minimum(at, len(self.ids) - 1)]
        return np.where(possible & (self.ids[indices] == wanted), indices, -1)

    def find_title(self, text: str) -> list[int]:
        """The indices of the items with this title, ignoring case, with or without the year."""
        wanted = text.strip().casefold()
        return self.by_title.get(wanted) or self.by_title_alone.get(wanted, [])

    @cached_property
    def by_title(self) -> dict[str, list[int]]:
        """The indices by title in lower case."""
        return positions_by_text(str(title).casefold() for title in self.titles_or_none)

    @cached_property
    def by_title_alone(self) -> dict[str, list[int]]:
        """The indices by title in lower case, without the year."""
        indices = positions_by_text(
            str(t).casefold().rpartition(" (")[0] for t in self.titles_or_none
        )
        indices.pop("", None)
        return indices

    @property
    def titles_or_none(self) -> Iterable[Any]:
        return () if self.titles is None else self.titles

    def nearest(self, text: str, count: int = 3) -> list[str]:
        """The ids, or titles, most similar to `text`."""
        if self.ids.dtype.kind == "i" and re.fullmatch(r"-?[0-9]{1,18}", text):
            ordered = self.ids[self._order]
            at = bisect.bisect_left(ordered, int(text))
            around = [int(x) for x in ordered[max(0, at - count) : at + count]]
            return [str(x) for x in sorted(around, key=lambda x: abs(x - int(text)))[:count]]
        names = [str(x) for x in self.ids[self._order]]
        if len(names) > 10_000:  # compare only those with a similar beginning
            at = bisect.bisect_left(names, text)
            names = names[max(0, at - 500) : at + 500]
        if self.titles is not None:
            ids = [] if self.ids.dtype.kind == "i" else names
            names = [*(str(x) for x in self.titles), *ids]
        close = difflib.get_close_matches(text, names, count, cutoff=0.5)
        return list(dict.fromkeys(close)) or names[:count]


def positions_by_text(texts: Iterable[str]) -> dict[str, list[int]]:
    """The positions of each text."""
    positions: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        positions.setdefault(text, []).append(index)
    return positions


def find_users(names: Names, wanted: Sequence[str], dataset: str) -> NDArray[np.int64]:
    """The users with these ids, int64.

    Raises:
        InputError: an id is unknown; the hint names the nearest ids.
    """
    users = []
    for text in wanted:
        user = names.find_id(text.strip())
        if user is None:
            raise InputError(
                f"there is no user `{text.strip()}` in the dataset `{dataset}`",
                f"the nearest ids are {', '.join(names.nearest(text.strip()))}",
            )
        users.append(user)
    return np.array(users, np.int64)


def read_ids(path: Path, what: str = "user") -> list[str]:
    """The ids of users or items in a text file, one a line; empty lines are skipped; `-` is the
    standard input.

    Raises:
        InputError: the file cannot be read, or has no ids.
    """
    try:
        # Not `splitlines`, which also cuts at characters that an id may have, such as U+2028.
        if str(path) == "-":
            text = foreign.read_standard_input(LARGEST_LIST).decode("utf-8-sig")
        else:
            text = foreign.read_text(path, LARGEST_LIST, follow=True)
        lines = text.split("\n")
    except OSError as error:
        raise InputError(
            f"cannot read `{path}`: {error.strerror}",
            f"check the path; the file has one {what} id a line",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"`{path}` is not UTF-8 text, byte {error.start}", "save it as UTF-8"
        ) from None
    ids = [line.strip() for line in lines if line.strip()]
    if not ids and str(path) == "-":
        raise InputError(
            f"the standard input has no {what} ids, or another option has read it",
            f"write one {what} id a line, and `-` for one option alone",
        )
    if not ids:
        raise InputError(f"`{path}` has no ids", f"write one {what} id a line")
    return ids


def find_history(names: Names, text: str) -> tuple[NDArray[np.int32], list[str]]:
    """The items of a history as typed (`split_history`); and unknown ones.

    Raises:
        InputError: none of them is known, or several items have the title.
    """
    return find_items(names, split_history(names, text))


def split_history(names: Names, text: str) -> list[str]:
    """The ids or titles of a history: a list in JSON, ids with spaces between, or titles with
    semicolons or line ends between.

    Raises:
        InputError: a list that is no JSON.
    """
    if text.lstrip().startswith("[") and not names.find_title(text):
        return listed_in_json(text)
    if names.find_title(text) or names.find_id(text.strip()) is not None:
        return [text.strip()]
    if ";" in text or "\n" in text:
        return [piece.strip() for piece in re.split("[;\n]", text) if piece.strip()]
    return text.replace(",", " ").split()


def listed_in_json(text: str) -> list[str]:
    """The ids of a list in JSON.

    Raises:
        InputError: it is no list of texts and numbers.
    """
    try:
        pieces = json.loads(text)
    except (ValueError, RecursionError):
        pieces = None
    if not isinstance(pieces, list) or not all(
        isinstance(piece, str | int) and not isinstance(piece, bool) for piece in pieces
    ):
        raise InputError(
            f"the history `{text[:60]}` is no list of ids in JSON",
            'write `["first id", "second id"]`, or repeat `--item "ID"`',
        )
    return [str(piece) for piece in pieces]


def find_items(names: Names, pieces: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
    """The items with these ids or titles; and those that are unknown.

    Raises:
        InputError: none of them is known, or several items have the title.
    """
    items: list[int] = []
    unknown: list[str] = []
    for piece in pieces:
        index = find_one(names, piece)
        if index is None:
            unknown.append(piece)
        else:
            items.append(index + 1)
    if not items:
        if not pieces:
            raise InputError("the history is empty", 'write ids: `--history "1 5 9"`')
        raise InputError(
            f"no item of the history is known: {', '.join(f'`{piece}`' for piece in unknown)}",
            f"similar are {', '.join(names.nearest(unknown[0]))}; put semicolons between titles, "
            "or ids with spaces",
        )
    return np.array(items, np.int32), unknown


def find_one(names: Names, text: str) -> int | None:
    """The index of the item with this id or title; None if there is none.

    Raises:
        InputError: several items have the title.
    """
    index = names.find_id(text)
    if index is not None:
        return index
    matches = names.find_title(text)
    if len(matches) > 1 and names.titles is not None:
        options = ", ".join(f"{names.titles[m]} [{names.ids[m]}]" for m in matches[:5])
        raise InputError(f"`{text}` is the title of several items", f"use the id: {options}")
    return matches[0] if matches else None
