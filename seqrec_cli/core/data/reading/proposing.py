"""What the columns of a log probably are, where it cannot be told: for a hint.

A column that may hold ids has points for each role: for what it says itself and for what the other
columns say of it. The pair of columns with the most is proposed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.choosing import WIDEST, whole_of
from seqrec_cli.core.data.reading.evidence import (
    ROLES,
    Person,
    evidence,
    is_called_id,
    is_money,
    may_be,
    name_points,
)
from seqrec_cli.core.data.reading.judging import depends, is_full_name, is_surely, numbers_rows
from seqrec_cli.core.data.reading.moments import Moment, Order
from seqrec_cli.core.data.reading.options import Role
from seqrec_cli.core.data.reading.profiles import Profile

MOST = 16  # columns, each compared with each other
MOST_TOLD = 40  # columns that may follow from others
LIKELY = (0, 0)  # points, and those of numbers
LEAST = (-3, -1)  # where nothing else may be
TWINS = 2  # people of one name, on average at most
VISITS = 4  # points less for what numbers visits, which may be all that is known of who came


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
    known = {r: p for r, p in zip(ROLES, (user, item), strict=True) if p is not None}
    if len(pool) > WIDEST and not any(p.label for p in pool):
        return [{}]  # of so many columns any two might be
    free = [p for p in pool if p not in known.values() and may_be(p)]
    free.sort(key=lambda p: -max(name_points(p, "user"), name_points(p, "item"), is_called_id(p)))
    free = sorted(free[:MOST], key=lambda p: p.place)
    rest = [p for p in pool if p not in free][:MOST_TOLD]
    best = Candidates(tuple(free), known, tuple(rest), order).likeliest()
    if best and not any(p.label for p in best[0]):
        best = best[:1]  # without names the first is the user
    best = [(u, whole_of(i, pool, [])) for u, i in best] if item is None else best
    best = [(identified(u, i, pool, time), i) for u, i in best] if user is None else best
    found: list[dict[Role, str]] = [{"user": u.name, "item": i.name} for u, i in best]
    if not 0 < len(found) < 3:
        found = [{role: p.name for role, p in known.items()}]
    when = time_of(time, pool, best[0] if best else [*known.values()])
    return [each | when for each in found]


def identified(
    user: Profile, item: Profile, pool: Sequence[Profile], time: Moment | None
) -> Profile:
    """The user, or where it is a name that several people have: a number that tells them apart.

    A number of an order does so too, and each has one time.
    """
    if not is_full_name(user):
        return user
    apart = [p for p in pool if p not in (user, item) and p.may_be_id and depends(user, p)]
    apart = [p for p in apart if max(p.rank("item"), p.rank("session")) < 0 and not is_money(p)]
    apart = [p for p in apart if user.distinct < p.distinct <= TWINS * user.distinct]
    apart = [p for p in apart if time is None or not depends(time.columns[0], p)]
    return min(apart, key=lambda p: (p.wordy, p.place), default=user)


def is_told(profile: Profile, role: Person) -> bool:
    """Whether a column that was taken for a role is known for it, so that a hint keeps it."""
    return not profile.label or (profile.rank(role) >= 0 and not numbers_rows(profile))


@dataclass(frozen=True)
class Candidates:
    """The columns that may be the user or the item.

    Attributes:
        free: those of which one is to be chosen.
        known: those that are known, by role.
        others: what else there is, which may follow from them.
        order: the numbers of the rows of the sample by time, the first one first; None without one.
    """

    free: tuple[Profile, ...]
    known: Mapping[Person, Profile]
    others: tuple[Profile, ...]
    order: Order | None

    @property
    def columns(self) -> tuple[Profile, ...]:
        return (*self.known.values(), *self.free)

    def likeliest(self) -> list[tuple[Profile, Profile]]:
        """The pairs of a user and an item for which the most speaks; of each thing one column."""
        points = {
            (p.place, role): self.points(p, role) for role in ROLES for p in self.choices(role)
        }
        every = [pair for pair in product(*map(self.choices, ROLES)) if self.fit(*pair)]
        scored = [
            ([points[p.place, role] for p, role in zip(pair, ROLES, strict=True)], pair)
            for pair in every
        ]
        for least, pardoned in ((LIKELY, 0), (LEAST, 0), (LIKELY, VISITS)):
            left = [
                (sum(each[0] for each in own), sum(each[1] for each in own), pair)
                for own, pair in scored
                if all(
                    each[0] + pardoned * self.numbers_visits(p) >= least[p.numeric]
                    for each, p in zip(own, pair, strict=True)
                )
            ]
            if left:
                break
        best: list[tuple[Profile, Profile]] = []
        left.sort(key=lambda each: (-each[0], -each[1]))
        for total, _, (user, item) in left:
            same = (self.is_one_with(user, u) and self.is_one_with(item, i) for u, i in best)
            if total == left[0][0] and not any(same):
                best.append((user, item))
        return best

    def choices(self, role: Person) -> list[Profile]:
        """The columns that may have a role: the known one, and the tracks of a known artist."""
        known = self.known.get(role)
        other: Person = "item" if role == "user" else "user"
        if known is None:  # by no hint is what is surely the one the other
            return [p for p in self.free if p.rank(role) >= 0 or not is_surely(p, other)]
        if role == "user" or vocabulary.compared(known.label) not in vocabulary.CONTAINERS:
            return [known]
        return [known, *(p for p in self.free if known in self.coarser(p))]

    def points(self, profile: Profile, role: Person) -> tuple[int, int]:
        """How much speaks for a column to be the user, or the item; of one thing, which column."""
        if profile is self.known.get(role):
            return 0, 0
        user = self.known.get("user")
        about = {*vocabulary.words_of(user.label)} if user is not None else set()
        if role == "item" and about and about < {*vocabulary.words_of(profile.label)}:
            return 4, 4  # whom the user follows: `target_user_id`
        own = evidence(profile, role)
        found = max(evidence(p, role) for p in self.columns if self.is_one_with(profile, p))
        found += any(place == profile.place for _, place in self.follows)  # it has attributes
        if self.numbers_visits(profile):
            return found - VISITS, own
        finer = (p for p in self.columns if profile in self.coarser(p))
        if any(not self.numbers_visits(p) for p in finer):
            found -= 2 if role == "item" else 1
        return found, own

    def fit(self, user: Profile, item: Profile) -> bool:
        """Whether each says something that the other does not."""
        both = {(user.place, item.place), (item.place, user.place)}
        return user is not item and not both & self.follows

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
        if self.order is None or profile.column.listed or not profile.label:
            return False
        cells = profile.column.cells
        wholes: list[Sequence[object]] = [[None] * len(cells)]
        wholes += [
            p.column.cells for p in self.coarser(profile) if 2 * p.distinct < profile.distinct
        ]
        return any(comes_in_runs(cells, whole, self.order) for whole in wholes)


def comes_in_runs(cells: Sequence[object], whole: Sequence[object], order: Order) -> bool:
    """Whether, within each value of `whole`, equal cells are next to each other in this order."""
    pairs = [(str(whole[n]), cells[n]) for n in order if cells[n] is not None]
    pairs.sort(key=lambda pair: pair[0])  # stable
    different = len(set(pairs))
    repeats = len(pairs) - different
    runs = sum(a != b for a, b in pairwise(pairs)) + 1
    return repeats > 2 < different and runs - different < 0.2 * repeats


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
