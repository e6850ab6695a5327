"""Which column of a log is the user, the item, the time, the rating: by content and by name."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from seqrec_cli.core.data.reading import moments, vocabulary
from seqrec_cli.core.data.reading.baskets import of_each_item
from seqrec_cli.core.data.reading.choosing import choose_ids, choose_rating
from seqrec_cli.core.data.reading.clocks import is_clock
from seqrec_cli.core.data.reading.earlier_times import what_was_done, with_what_was_done
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.json_cells import path_in_text
from seqrec_cli.core.data.reading.judging import MANY, depends
from seqrec_cli.core.data.reading.moments import Moment, is_category
from seqrec_cli.core.data.reading.options import Reading, Role
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.proposing import guessed, is_told
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.unfolding import (
    is_of_several,
    of_each,
    unfolded,
    users_in_lists,
)
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError
from seqrec_cli.wording import typed

DIGITS = re.compile(r"\d+")  # of any script
MOST_SHOWN = 30
NONE = "none"  # what to say for a role that no column has


class Undecided(Exception):
    """A role that cannot be inferred.

    Attributes:
        missing: the roles.
        guesses: what the columns probably are, by role, for a hint, the likeliest first; each may
            lack one.
    """

    def __init__(self, missing: Sequence[Role], guesses: Sequence[dict[Role, str]]) -> None:
        super().__init__(", ".join(missing))
        self.missing = tuple(missing)
        self.guesses = guesses


@dataclass
class Plan:
    """Which columns are read, and as what.

    Attributes:
        user, item: the columns of the ids; one of them may hold lists.
        fallback: a column that stands for the user where that is missing.
        time: the time, or None.
        other_times: further columns that look like times.
        rating: the column of the ratings, or None.
        asked: the roles that the user named.
        notes: what should be known about the choice.
    """

    user: Profile
    item: Profile
    fallback: Profile | None = None
    time: Moment | None = None
    other_times: tuple[Moment, ...] = ()
    rating: Profile | None = None
    asked: frozenset[Role] = frozenset()
    notes: list[str] = field(default_factory=list)

    @property
    def unfolded(self) -> Profile | None:
        """The column of users or items whose lists are unfolded, a row for each value; or None."""
        return next((each for each in (self.item, self.user) if each.column.listed), None)

    def used(self) -> set[str]:
        """The names of the columns that are read."""
        named = [self.user, self.item, self.rating, self.fallback]
        there = [profile for profile in named if profile is not None]
        names = {profile.name for profile in there}
        names |= {name for profile in there for name in profile.column.made_of}
        return names | {p.name for p in (self.time.columns if self.time else ())}


def assign(relation: Relation, reading: Reading, engine: Engine) -> Plan:
    """Infer the roles of the columns; those in `reading.columns` are set.

    Raises:
        InputError: a column that is not there.
        Undecided: the user or the item cannot be told.
    """
    profiles = [Profile(column, place) for place, column in enumerate(relation.columns)]
    chosen, absent = named_by_user(relation, profiles, reading)
    taken = {profile.name for profile in chosen.values()}
    free = [profile for profile in profiles if profile.name not in taken]
    time, others = (None, []) if "time" in absent else choose_time(chosen, free, reading, engine)
    if time is not None:
        free = [profile for profile in free if profile not in time.columns]
    session = chosen.get("session")
    user, item = chosen.get("user") or session, chosen.get("item")
    notes: list[str] = []
    times = {profile.name for moment in others for profile in moment.columns if moment.solid}
    pool = [p for p in free if p.name not in times]
    if not relation.named and len(pool) > 2:
        pool = [p for p in pool if not (p.is_row_number and not p.label)]
    rating = chosen.get("rating")
    if rating is None and "rating" not in absent:
        rating = choose_rating(pool, user, item)
    pool = [profile for profile in pool if profile is not rating]
    user, item = choose_ids(user, item, pool, notes, time)
    several = user is not None and "user" not in chosen and is_of_several(user)
    if (user is None or several) and item is not None and not item.column.listed:
        user = users_in_lists(profiles, item, notes)
    if user is None or item is None:
        missing: list[Role] = ["user"] if user is None else []
        missing += ["item"] if item is None else []
        user = user if user and (user.name in taken or is_told(user, "user")) else None
        item = item if item and (item.name in taken or is_told(item, "item")) else None
        guesses = guessed(user, item, pool, time, moments.order_by(time, relation, engine))
        if "time" not in chosen:
            columns = {profile.name: profile for profile in profiles}
            guesses = [with_what_was_done(g, time, others, columns, engine) for g in guesses]
        raise Undecided(missing, guesses)
    if "rating" not in chosen:
        rating = unless_of_item(rating, item, notes)
    if time is not None and "time" not in chosen:
        more = item if rating is None else rating
        time, others = time_of_rows(time, others, user, item, more, notes, engine)
    elif time is None and "time" not in absent:
        time = late_time(free, user, item, rating, engine)
        if time is None:
            refuse_unknown_times(relation, [p for p in free if p not in (user, item, rating)])
    refuse_two_lists(relation, user, item)
    return Plan(
        user=user,
        item=item,
        fallback=session if session not in (None, user) and not user.column.listed else None,
        time=aligned(time, user if user.column.listed else item),
        other_times=tuple(others),
        rating=rating,
        asked=frozenset(reading.columns),
        notes=notes,
    )


def time_of_rows(
    time: Moment,
    others: list[Moment],
    user: Profile,
    item: Profile,
    more: Profile,
    notes: list[str],
    engine: Engine,
) -> tuple[Moment | None, list[Moment]]:
    """The times, first the one of what was done in each row; `more` is as in `of_the_record`."""
    best: Moment | None = time
    for role, owner in (("item", item), ("user", user)):
        if best is not None:
            best, others = without_those_of(role, owner, best, others, notes)
    if best is not None:
        best, others = what_was_done(best, others, (user, item), engine)
    best, others = of_the_record(best, others, user, more)
    if best is not None and is_category(best.columns[0], user):
        best = None
    return best, others


def unless_of_item(rating: Profile | None, item: Profile, notes: list[str]) -> Profile | None:
    """The rating, unless each item has but one: of those that come again there are several."""
    if rating is None or len(rating.values) <= MANY or not depends(rating, item):
        return rating
    times = Counter(map(str, item.column.cells))
    pairs = zip(item.column.cells, rating.column.cells, strict=True)
    again = {str(value) for key, value in pairs if times[str(key)] > 1}
    if len(again) < 2 or item.distinct >= 0.5 * len(item.values):
        return rating
    notes.append(
        f"`{rating.name}` is always the same for an item, so it is not taken for the rating; if it "
        f"is: `{typed('--columns', f'rating={rating.name}')}`"
    )
    return None


def named_by_user(
    relation: Relation, profiles: Sequence[Profile], reading: Reading
) -> tuple[dict[Role, Profile], set[Role]]:
    """The columns that `--columns` names, and the roles that it says nothing has."""
    absent: set[Role] = {
        role
        for role, name in reading.columns.items()
        if name == NONE and role in ("time", "rating") and relation.column(name) is None
    }
    chosen = {
        role: find(relation, profiles, role, name)
        for role, name in reading.columns.items()
        if role not in absent
    }
    refuse_doubles(relation, chosen)
    return chosen, absent


def refuse_two_lists(relation: Relation, user: Profile, item: Profile) -> None:
    """Refuse a log whose users and items both are in lists."""
    if user.column.listed and item.column.listed:
        raise InputError(
            f"`{relation.place}`: both `{user.name}` and `{item.name}` hold lists, and only one of "
            "user and item may",
            "name another column for one of them: `--columns user=…,item=…`",
        )


def find(relation: Relation, profiles: Sequence[Profile], role: Role, name: str) -> Profile:
    """The column that the user named: by name, by number from 1, or by a path into a text of JSON.

    Raises:
        InputError: there is none.
    """
    column = relation.column(name) or path_in_text(relation, name)
    if column is None:
        raise InputError(
            f"`{relation.place}` has no column `{name}` for the {role}; found {listed(relation)}",
            "name one of these, or give its number from 1",
        )
    if column.made_of and role not in ("user", "item"):
        raise InputError(
            f"`{relation.place}`: `{name}` puts columns together, which only a user or an item may "
            "be",
            f"name one column for the {role}; found {listed(relation)}",
        )
    if column.listed and role == "session":
        raise InputError(
            f"`{relation.place}`: `{column.name}` holds lists, which cannot be the {role}",
            f"name another column for the {role}; found {listed(relation)}",
        )
    same = next((p for p in profiles if p.column is column), None)
    profile = same or Profile(column, len(profiles))
    if role in ("item", "time", "rating") and not profile.column.listed:
        cut = unfolded(profile)
        return of_each_item(cut) if role == "item" else cut
    return of_each(profile) if role == "user" and is_of_several(profile) else profile


def refuse_doubles(relation: Relation, chosen: dict[Role, Profile]) -> None:
    holders: dict[str, Role] = {}
    for role, profile in chosen.items():
        other = holders.setdefault(profile.name, role)
        if other != role:
            raise InputError(
                f"`{relation.place}`: the column `{profile.name}` cannot be both the {other} and "
                f"the {role}",
                f"name another column for the {role}",
            )


def choose_time(
    chosen: dict[Role, Profile],
    free: Sequence[Profile],
    reading: Reading,
    engine: Engine,
) -> tuple[Moment | None, list[Moment]]:
    """The time, as said or inferred, and the other times there are."""
    said = chosen.get("time")
    inferred = moments.candidates([unfolded_time(profile) for profile in free], engine)
    if said is not None:
        if reading.time_format:
            said_so = moments.said_moment(said, reading.time_format)
            return moments.with_clock(said_so, free, engine), inferred
        moment = moments.moment_of(said, engine)
        if moment is None:
            raise InputError(
                f"the values of `{said.name}`, such as `{(said.values or [''])[0]}`, are no times "
                "in a form that is known",
                "set their format: `--time-format '%d.%m.%Y %H:%M'`, or name another "
                "column: `--columns time=…`",
            )
        return moments.with_clock(moment, free, engine), inferred
    if reading.time_format:
        named = [p for p in free if p.rank("time") >= 0 and not is_clock(p)]
        named = named or [m.columns[0] for m in inferred]
        if named:
            best = min(named, key=lambda p: p.rank("time") if p.rank("time") >= 0 else 5000)
            said_so = moments.said_moment(best, reading.time_format)
            return moments.with_clock(said_so, free, engine), []
    pieces = moments.from_pieces(free)
    if pieces is not None:
        pieces = moments.with_clock(pieces, free, engine)
        if not any(m.resolution < pieces.resolution for m in inferred if m.solid):
            return pieces, inferred
    if not inferred or not inferred[0].solid:
        return (
            (inferred[0], inferred[1:]) if inferred and inferred[0].columns[0].label else (None, [])
        )
    first = moments.with_clock(inferred[0], free, engine)
    return first, [m for m in inferred[1:] if m.columns[0] not in first.columns]


def without_those_of(
    role: str, owner: Profile, time: Moment, others: list[Moment], notes: list[str]
) -> tuple[Moment | None, list[Moment]]:
    """The times without those that each item has but one of, as the day it came out; so of users.

    Where no other is left, users may have one: they are orders, say.
    """
    if len(owner.values) <= MANY or not 4 < owner.distinct < 0.7 * len(owner.values):
        return time, others
    own = [m for m in (time, *others) if depends(m.columns[0], owner)]
    if not own or any(m.columns[0].distinct < 3 for m in own):
        return time, others
    left = [m for m in (time, *others) if m not in own]
    if role == "user" and not left:
        return time, others
    notes.append(
        f"`{own[0].name}` is always the same for {'an' if role == 'item' else 'a'} {role}, so it "
        f"is not taken for the time; if it is: "
        f"`{typed('--columns', f'time={own[0].columns[0].name}')}`"
    )
    return (left[0], left[1:]) if left else (None, [])


def of_the_record(
    time: Moment | None, others: list[Moment], user: Profile, more: Profile
) -> tuple[Moment | None, list[Moment]]:
    """The times, first the one of the record, as `reviews.date` beside `reviews.username`.

    `more` is another column of an interaction: so the record is one, and not the user's own.
    """
    record = user.name.rpartition(".")[0]
    if time is None or not record or more.name.rpartition(".")[0] != record:
        return time, others
    own = [m for m in (time, *others) if m.name.rpartition(".")[0] == record]
    own = [m for m in own if m.solid and not depends(m.columns[0], user)]
    if not own or own[0] is time:
        return time, others
    return own[0], [m for m in (time, *others) if m is not own[0]]


def unfolded_time(profile: Profile) -> Profile:
    """A column with lists of times in its cells, as lists; any other as it is."""
    if profile.column.listed or profile.numeric or profile.date_forms or not profile.values:
        return profile
    if profile.rank("time") < 0 and profile.values[0][:1] not in "[({":
        return profile
    return unfolded(profile)


def late_time(
    free: Sequence[Profile],
    user: Profile,
    item: Profile,
    rating: Profile | None,
    engine: Engine,
) -> Moment | None:
    """A time by the name alone, where nothing looks like one."""
    rest = [p for p in free if p not in (user, item, rating)]
    found = moments.candidates(rest, engine)
    return moments.with_clock(found[0], rest, engine) if found else None


def refuse_unknown_times(relation: Relation, rest: Sequence[Profile]) -> None:
    """Refuse a log whose times, by the name of their column, are of a form that is not known."""
    for profile in rest:
        if not profile.label or profile.rank("time") < 0 or not profile.values:
            continue
        if is_category(profile):
            continue  # weekday or weekend, say
        dated = all(len(DIGITS.findall(value)) > 2 for value in profile.values[:20])
        if (
            (profile.rank("time") < vocabulary.SURE or dated)
            and not profile.column.listed
            and not is_clock(profile)
        ):
            raise InputError(
                f"`{relation.place}`: the values of `{profile.name}`, such as "
                f"`{shortened(profile.values[0], 40)}`, are in no known time format",
                "set their format, as in `--time-format '%d.%m.%Y %H:%M'`; or, if the order of "
                f"the file is what counts: `--columns time={NONE}`",
            )


def aligned(time: Moment | None, item: Profile) -> Moment | None:
    """The time, unless it is of other records than the items are."""
    if time is None or not time.columns[0].column.listed:
        return time
    own, other = time.columns[0].column, item.column
    if not other.listed:
        return None
    if own.name.endswith("[]") and other.name.endswith("[]"):  # two lists side by side
        pairs = zip(own.cells, other.cells, strict=True)
        return time if all(len(a or ()) == len(b or ()) for a, b in pairs) else None
    if (
        own.parent
        and other.parent
        and own.parent.partition("[]")[0] != other.parent.partition("[]")[0]
        and "[]" in own.name
    ):
        return None
    return time


def listed(relation: Relation, *, examples: bool = False) -> str:
    """The columns of a relation for an error message; an example tells those without names."""
    shown = []
    for column in relation.columns[:MOST_SHOWN]:
        name = f"`{shortened(column.name, 30)}`" if relation.named else column.name
        example = shortened((column.values or [""])[0], 20)
        told = examples or not relation.named
        shown.append(f"{name} (as in `{example}`)" if told else name)
    return ", ".join(shown) + (", …" if len(relation.columns) > MOST_SHOWN else "")
