"""What the columns of a log probably are, where it cannot be told: for a hint.

A column that may hold ids has points for each role: for words in its name, for what its values look
like and for what the other columns say of it. The pair with the most is proposed.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.choosing import (
    WIDEST,
    depends,
    is_address,
    is_generic,
    is_like_ids,
    is_surely,
    is_unnamed,
    numbers_rows,
)
from seqrec_cli.core.data.reading.clocks import is_clock
from seqrec_cli.core.data.reading.moments import PIECES, Moment, Order
from seqrec_cli.core.data.reading.options import Role
from seqrec_cli.core.data.reading.profiles import Profile

Person = Literal["user", "item"]
ROLES: tuple[Person, Person] = ("user", "item")
SMALL_SAMPLE = 10  # values, which may all be different
MOST_KINDS = 6  # of events, and not rather of what was done
MOST_OF_A_SCALE = 10
COUNTERS = ("position", "index", "rank", "step", "sequence", "hit", "line")
LONGEST_NAME = 4  # words; of a question each may be by chance
MOST_TOLD = 40  # columns that may follow from others
MOST = 16  # columns, each compared with each other
ADDRESS = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
PATH = re.compile(r"https?://\S+|/\S+")
PERSON = re.compile(r"[^\W\d_]{2,}(?:[ .'-]+[^\W\d_]+){0,2},? [^\W\d_]{2,}")


@dataclass(frozen=True)
class Candidates:
    """The columns that may be the user or the item.

    Attributes:
        columns: those of which one is to be chosen, and those that are known.
        others: what else there is, which may follow from them.
        order: the numbers of the rows of the sample by time, the first one first; None without one.
    """

    columns: tuple[Profile, ...]
    others: tuple[Profile, ...]
    order: Order | None

    @cached_property
    def follows(self) -> set[tuple[int, int]]:
        """The places of pairs of columns, the second of which says the first, row for row."""
        told = [p for p in self.columns if 1 < p.distinct < 0.9 * len(p.values)]
        return {
            (p.place, q.place)
            for p in (*self.columns, *self.others)
            for q in told
            if p is not q and 1 < p.distinct <= q.distinct and depends(p, q)
        }

    def coarser(self, profile: Profile) -> list[Profile]:
        """The columns of which each value holds several of this one, as the room of an exhibit."""
        return [
            p
            for p in self.columns
            if (p.place, profile.place) in self.follows
            and (profile.place, p.place) not in self.follows
        ]

    def is_one_with(self, profile: Profile, other: Profile) -> bool:
        """Whether two columns are of the same things, as a number and a name."""
        both = {(profile.place, other.place), (other.place, profile.place)}
        return profile is other or both <= self.follows

    def numbers_visits(self, profile: Profile) -> bool:
        """Whether a value never comes back once the next has come: a receipt, a match, a session.

        If not among all rows then among those of each value of a coarser column.
        """
        if self.order is None or profile.column.listed:
            return False
        cells = profile.column.cells
        wholes: list[Sequence[object]] = [[None] * len(cells)]
        wholes += [
            p.column.cells for p in self.coarser(profile) if 2 * p.distinct < profile.distinct
        ]
        return any(comes_in_runs(cells, whole, self.order) for whole in wholes)

    def points(self, profile: Profile, role: Person) -> tuple[int, int]:
        """How much speaks for a column to be the user, or the item; of one thing, which column."""
        own = evidence(profile, role)
        found = max(evidence(p, role) for p in self.columns if self.is_one_with(profile, p))
        found += any(place == profile.place for _, place in self.follows)  # it has attributes
        if self.numbers_visits(profile):
            return found - 4, own
        finer = (p for p in self.columns if profile in self.coarser(p))
        if any(not self.numbers_visits(p) for p in finer):
            found -= 2 if role == "item" else 1
        return found, own

    def fit(self, user: Profile, item: Profile) -> bool:
        """Whether each says something that the other does not."""
        return user is not item and not {(user.place, item.place), (item.place, user.place)} & (
            self.follows
        )


def comes_in_runs(cells: Sequence[object], whole: Sequence[object], order: Order) -> bool:
    """Whether, within each value of `whole`, equal cells are next to each other in this order."""
    pairs = [(str(whole[n]), cells[n]) for n in order if cells[n] is not None]
    pairs.sort(key=lambda pair: pair[0])  # stable
    different = len(set(pairs))
    repeats = len(pairs) - different
    runs = sum(a != b for a, b in pairwise(pairs)) + 1
    return repeats > 2 < different and runs - different < 0.2 * repeats


def guessed(
    user: Profile | None,
    item: Profile | None,
    pool: Sequence[Profile],
    time: Moment | None,
    order: Order | None,
) -> list[dict[Role, str]]:
    """What the columns probably are, for a hint; never a time or a fragment as an id.

    Where two are as likely both, the first one first; where more are, only what is known.
    """
    known = [p for p in (user, item) if p is not None]
    if len(pool) > WIDEST and not any(p.label for p in pool):
        return [{}]  # of so many columns any two might be
    free = [p for p in pool if p not in known and may_be(p)]
    free.sort(key=lambda p: -max(by_name(p, "user"), by_name(p, "item"), is_called_id(p)))
    rest = [p for p in pool if p not in free[:MOST]]
    among = Candidates((*known, *free[:MOST]), tuple(rest[:MOST_TOLD]), order)
    columns = sorted(among.columns, key=lambda p: p.place)
    users = [user] if user is not None else [p for p in columns if p not in known]
    items = [item] if item is not None else [p for p in columns if p not in known]
    if item is not None and vocabulary.compared(item.label) in vocabulary.CONTAINERS:
        items += [p for p in columns if item in among.coarser(p)]
    users = [p for p in users if not p.column.listed] or users
    points = {
        (p.place, role): among.points(p, role)
        for role, chosen in zip(ROLES, (users, items), strict=True)
        for p in chosen
        if p not in known
    }
    about = {*vocabulary.words_of(user.label)} if user is not None else set()
    for p in items:
        if about and about < {*vocabulary.words_of(p.label)}:
            points[p.place, "item"] = (4, 4)  # whom the user follows: `target_user_id`

    def may_stand(pair: tuple[Profile, Profile], *, likely: bool) -> bool:
        return all(
            p in known or points[p.place, role][0] >= 0 or not (likely or p.numeric)
            for p, role in zip(pair, ROLES, strict=True)
        )

    def score(pair: tuple[Profile, Profile]) -> tuple[int, int]:
        each = [points.get((p.place, role), (0, 0)) for p, role in zip(pair, ROLES, strict=True)]
        return each[0][0] + each[1][0], each[0][1] + each[1][1]

    best: list[tuple[Profile, Profile]] = []
    every = [(u, i) for u in users for i in items if among.fit(u, i)]
    pairs = [pair for pair in every if may_stand(pair, likely=True)]
    pairs = pairs or [pair for pair in every if may_stand(pair, likely=False)]
    for u, i in sorted(pairs, key=score, reverse=True):
        if best and score((u, i))[0] < score(best[0])[0]:
            break
        if not any(among.is_one_with(u, a) and among.is_one_with(i, b) for a, b in best):
            best.append((u, i))
    found: list[dict[Role, str]] = [{"user": u.name, "item": i.name} for u, i in best]
    if best and not any(p.label for p in best[0]):
        found = found[:1]  # without names the first is the user
    if not 0 < len(found) < 3:
        chosen = zip(ROLES, (user, item), strict=True)
        found = [{role: p.name for role, p in chosen if p is not None}]
    when = time_of(time, pool, best[0] if best else known)
    return [each | when for each in found]


def is_told(profile: Profile, role: Person) -> bool:
    """Whether a column that was taken for a role is known for it, so that a hint keeps it."""
    if not profile.label:
        return True
    return profile.rank(role) >= 0 and not numbers_rows(profile)


def may_be(profile: Profile) -> bool:
    """Whether a column may hold ids of users or items, by its values and by what it is called."""
    if profile.is_list:
        return profile.distinct > 1
    if not profile.may_be_id or is_clock(profile) or profile.is_row_number:
        return False
    many = len(profile.column.cells) > SMALL_SAMPLE
    if many and (profile.distinct == len(profile.values) or not is_varied(profile)):
        return False
    if profile.wordy and profile.distinct > 0.7 * len(profile.values):
        return False  # texts
    words = set(vocabulary.words_of(profile.label))
    hints = [by_name(profile, role) + by_values(profile, role) for role in ROLES]
    timed = profile.rank("time") >= 0 and not is_called_id(profile)
    strange = (vocabulary.NOT_MOMENTS | {*PIECES, *COUNTERS}) - vocabulary.LEANING["item"]
    counter = words & strange and max(hints) < 3
    if timed or counter or profile.rank("rating") >= 0 or profile.rank("position") >= 0:
        return False
    if profile.rank("event") >= 0:
        return profile.distinct > MOST_KINDS
    if profile.label and not any(hints) and not is_called_id(profile) and is_scale(profile):
        return False
    return is_like_ids(profile) or any(hints)


def evidence(profile: Profile, role: Person) -> int:
    """How much a column itself says that it is the user, or the item."""
    other: Person = "item" if role == "user" else "user"
    against = by_name(profile, other) + max(0, by_values(profile, other) - 1)
    found = by_name(profile, role) + by_values(profile, role) - against
    return found + is_called_id(profile) - is_measure(profile)


def by_name(profile: Profile, role: Person) -> int:
    """How much the name says that a column is this."""
    rank = profile.rank(role)
    words = set(vocabulary.words_of(profile.label))
    if rank >= 0 and not is_generic(profile):
        return 4 if is_surely(profile, role) else 3
    if words & vocabulary.LEANING[role] and len(words) <= LONGEST_NAME:
        return 2
    if role == "user" and profile.rank("session") >= 0:
        return 1
    return int(bool({word.rstrip("s") for word in words} & vocabulary.PARTS[role]))


def by_values(profile: Profile, role: Person) -> int:
    """How much the values say that a column is this."""
    values = profile.values
    if role == "item":
        return 2 * (profile.is_asin or profile.is_isbn or all(map(PATH.fullmatch, values)))
    if is_address(profile):
        return 3
    if not all(map(PERSON.fullmatch, values)):
        return 0
    return 3 if vocabulary.TITLED.intersection(vocabulary.words_of(profile.label)) else 1


def is_called_id(profile: Profile) -> bool:
    named = vocabulary.IDS.intersection(vocabulary.words_of(profile.label))
    return bool(named) or vocabulary.compared(profile.label).endswith("id")


def is_measure(profile: Profile) -> bool:
    """Whether it looks like a number of something, or is called so or another thing."""
    if is_scale(profile):
        return True
    if vocabulary.compared(profile.label) in ("", "event") or by_values(profile, "user"):
        return False
    if not is_unnamed(profile) and profile.rank("session") < 0:
        return True
    words = set(vocabulary.words_of(profile.label))
    counted = profile.numeric and profile.rank("event") < 0
    return (counted or bool(words & vocabulary.NOT_IDS)) and not is_called_id(profile)


def is_scale(profile: Profile) -> bool:
    """Whether they are small numbers, as ratings and places are."""
    return profile.numeric and max(profile.numbers) <= MOST_OF_A_SCALE


def is_varied(profile: Profile) -> bool:
    """Whether there are some values, and none is in most of the rows."""
    ((_, most),) = Counter(profile.values).most_common(1)
    return profile.distinct > 2 and most < 0.5 * len(profile.values)


def time_of(
    time: Moment | None, pool: Sequence[Profile], ids: Sequence[Profile]
) -> dict[Role, str]:
    """The time, if it is one column: of several the time is made when they are read.

    Where none is known, a date of another thing is one that neither user nor item has but once.
    """
    if time is not None:
        return {"time": time.name} if len(time.columns) == 1 else {}
    for profile in pool:
        dated = profile.date_forms or profile.column.kind.endswith("moment")
        if dated and not any(depends(profile, p) for p in ids):
            return {"time": profile.name}
    return {}
