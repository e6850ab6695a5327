"""Lists in cells of users or items, as lists: a row for each of their values."""

import re
from collections.abc import Sequence
from dataclasses import replace

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.lists import ListSql, cut_sql, cut_values, list_form
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Cell

PART = re.compile(r"[\w.@' -]+")
SHORTEST_ID = 4  # characters on average, where cells always have as many: `1,2,3` is one id
AUTHORS = frozenset({"author", "authors", "artist", "artists", "actor", "actors"})


def unfolded(profile: Profile) -> Profile:
    """The same column, with its lists in cells as lists, if it has such."""
    form = list_form(profile.values)
    return profile if form is None else cut_up(profile, *form)


def cut_up(profile: Profile, separator: str, cut: ListSql) -> Profile:
    """The same column with its cells cut into lists."""
    cells: list[Cell] = [
        None if cell is None or isinstance(cell, list) else [*cut_values(cell, separator)]
        for cell in profile.column.cells
    ]
    column = replace(profile.column, sql=cut(profile.column.sql), listed=True, cells=tuple(cells))
    return Profile(column, profile.place)


def users_in_lists(profiles: Sequence[Profile], item: Profile, notes: list[str]) -> Profile | None:
    """A column with lists of the users of each item: who reviewed a hotel, who gave to a loan.

    Records of users have a date or a rating beside them: the authors of a book are none.
    """
    dated = {
        p.column.parent
        for p in profiles
        if p.column.listed and (p.is_moment or max(p.rank("time"), p.rank("rating")) >= 0)
    }
    fitting = [
        (p.rank("user"), p.place, p)
        for p in profiles
        if p is not item
        and p.rank("user") >= 0
        and (p.column.parent in dated if p.column.listed else is_of_several(p))
        and (p.column.listed or not AUTHORS.intersection(vocabulary.words_of(p.label)))
    ]
    if not fitting:
        return None
    *_, best = min(fitting, key=lambda each: each[:2])
    notes.append(f"`{best.name}` holds the users of each `{item.name}`: a row was read for each")
    return of_each(best)


def of_each(profile: Profile) -> Profile:
    """A column that names several users at once, as lists."""
    if profile.column.listed:
        return profile
    separator = next((sign for sign in ";|" if is_cut_by(profile, sign)), ",")
    return cut_up(profile, separator, lambda text: cut_sql(text, separator))


def is_of_several(profile: Profile) -> bool:
    """Whether cells name several at once, as `lenders` does with `anna, ben`, or hold several ids,
    as `A1B2,C3D4,E5F6`."""
    several = sum(", " in value for value in profile.values)
    if profile.label.endswith("s") and several > 0.3 * len(profile.values):
        return True
    return any(is_cut_by(profile, separator) for separator in ",;|")


def is_cut_by(profile: Profile, separator: str) -> bool:
    """Whether a sign stands between several ids of most cells, now more and now fewer, or between
    three and more of each."""
    parts = [[each.strip() for each in value.split(separator)] for value in profile.values]
    most = sum(len(own) > 1 for own in parts) > 0.5 * len(parts)
    if not most or not all(PART.fullmatch(part) for own in parts for part in own):
        return False
    if len({len(own) for own in parts}) > 2:
        return True
    first, second = ({own[place] for own in parts if len(own) > place} for place in (0, 1))
    pieces = [part for own in parts for part in own]
    long = sum(map(len, pieces)) >= SHORTEST_ID * len(pieces)
    return min(map(len, parts)) > 2 and long and bool(first & second)  # no key of several parts
