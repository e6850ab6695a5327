"""Of several times of a row the one of what was done: what was sent, delivered, due or ended came
after it, whatever the columns are called."""

from collections.abc import Mapping, Sequence

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.clocks import MANY
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.judging import depends
from seqrec_cli.core.data.reading.moments import (
    Moment,
    is_unlikely,
    moment_of,
    steps_together,
    with_clock,
)
from seqrec_cli.core.data.reading.options import Role
from seqrec_cli.core.data.reading.profiles import Profile

NEARLY_ALL = 0.97  # of the rows
SOME = 0.1  # of the rows
AS_MANY = 0.7  # values as another time has; when a visit began has far fewer than its clicks
# Names before this one say of themselves that it is the time of the row.
SURELY = vocabulary.PLAIN["time"]["date"]
# What was earlier than the row, and not what it is of.
BEFORE = vocabulary.words(
    "made produced production manufactured upload uploaded added best expiry expires "
    "prescribed previous prev prior last first since valid birth born start begin session visit "
    "ultima ultimo derniere dernier letzte letzter letztes laatste ostatnia ostatni posledni"
)


def what_was_done(
    time: Moment, others: Sequence[Moment], owners: Sequence[Profile], engine: Engine
) -> tuple[Moment, list[Moment]]:
    """The time, or another of as many rows that is hardly ever later and often earlier; and the
    others then.

    Dates that a user or an item has but one of, as of a registration or a release, are earlier too.
    """
    first = time
    if len(time.columns) > 1:  # a date with the time of day of another column
        first = moment_of(time.columns[0], engine) or time
    found = first
    for other in others:
        if may_be_earlier(other, found, owners) and comes_before(other, found, engine):
            found = other
    if found is first:
        return time, [*others]
    return with_clock(found, time.columns[1:], engine), [
        moment for moment in (first, *others) if moment is not found
    ]


def may_be_earlier(moment: Moment, than: Moment, owners: Sequence[Profile]) -> bool:
    """Whether a time is as good as another by all but its values."""
    if len(moment.columns) > 1 or not (moment.solid and than.solid):
        return False
    own, other = moment.columns[0], than.columns[0]
    if own.column.listed or other.column.listed or moment.resolution != than.resolution:
        return False
    if how_sure(own) > how_sure(other) or BEFORE.intersection(vocabulary.words_of(own.label)):
        return False
    if (
        is_unlikely(own)
        or own.filled < 0.9 * other.filled
        or own.distinct < AS_MANY * other.distinct
    ):
        return False
    return not any(is_of_one(own, owner) for owner in owners)


def how_sure(profile: Profile) -> int:
    """0 where the name says that it is the time of the row, 1 where it is a name of times, 2 where
    it has a word for one, 3 where it does not."""
    rank = profile.rank("time")
    if rank < 0:
        return 3
    return 0 if rank < SURELY else 1 if rank < vocabulary.SURE else 2


def is_of_one(profile: Profile, owner: Profile) -> bool:
    """Whether each user, or item, has but one, or none comes again that could have another."""
    if owner.column.listed:
        return True
    seen: dict[object, set[object]] = {}
    for key, value in zip(owner.column.cells, profile.column.cells, strict=True):
        seen.setdefault(key, set()).add(value)
    again = len(owner.column.cells) - len(seen)
    return again < SOME * len(owner.column.cells) or depends(profile, owner)


def comes_before(moment: Moment, than: Moment, engine: Engine) -> bool:
    """Whether a time is at or before another in nearly all rows, and before it in some; not where
    the rows are in the order of the other alone."""
    pairs = steps_together(moment, than, engine)
    if len(pairs) <= MANY:
        return False
    early, late = zip(*pairs, strict=True)
    if [*late] == sorted(late) and [*early] != sorted(early):
        return False
    after = sum(own > other for own, other in pairs)
    before = sum(own < other for own, other in pairs)
    return after <= (1 - NEARLY_ALL) * len(pairs) and before > SOME * len(pairs)


def with_what_was_done(
    guess: dict[Role, str],
    time: Moment | None,
    others: Sequence[Moment],
    columns: Mapping[str, Profile],
    engine: Engine,
) -> dict[Role, str]:
    """A proposal of roles, whose time is that of what was done."""
    if time is None or guess.get("time") != time.name:
        return guess
    owners = [columns[guess[role]] for role in ("user", "item") if guess.get(role) in columns]
    return guess | {"time": what_was_done(time, others, owners, engine)[0].name}
