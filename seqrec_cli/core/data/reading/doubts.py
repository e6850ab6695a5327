"""What makes one doubt that the columns and rows of a log are what they were taken for."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.baskets import SEPARATORS, is_cut, separator_of
from seqrec_cli.core.data.reading.clocks import is_clock
from seqrec_cli.core.data.reading.evidence import ROLES, Person, is_called_id, name_points
from seqrec_cli.core.data.reading.judging import (
    MOST_OF_COPIES,
    depends,
    has_few,
    has_few_in_turn,
    holds_items,
    is_generic,
    is_how_many,
    is_like_ids,
    is_recipient,
    numbers_many_rows,
    numbers_rows,
)
from seqrec_cli.core.data.reading.loading import Loaded
from seqrec_cli.core.data.reading.moments import is_category
from seqrec_cli.core.data.reading.profiles import FEW, Profile
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.units import UNKNOWN, early_year
from seqrec_cli.core.data.reading.wording import where_option, without_option
from seqrec_cli.wording import typed, verb

ROUNDED = re.compile(r"-?[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+")
LEAST_OF_COPIES = 0.25  # how many books there must be for each: fewer are rather kinds
NUMBERS = frozenset({"0", "-1"})  # of which somebody may be the bearer


def doubts_of(relation: Relation, plan: Plan, rows: Loaded, where: Sequence[str] = ()) -> list[str]:
    """The doubts about a log that was read, a sentence each, with what to type if they are right;
    `where` are the conditions that rows were chosen by.

    They are told by the sample; of all rows only what their arrays say at once.
    """
    rest = [Profile(c, n) for n, c in enumerate(relation.columns) if c.name not in plan.used()]
    found: list[str] = []
    for role, profile in zip(ROLES, (plan.user, plan.item), strict=True):
        found += doubts_of_ids(role, profile, plan, rest)
    if not relation.named and not plan.asked:
        found += doubts_without_names(plan, rest)
    if plan.time is None:
        found += doubts_without_time(relation, plan, rest)
    found += doubts_of_times(plan, rows)
    if not plan.unfolded:
        found += doubts_of_baskets(plan.item)
        found += doubts_of_positions(plan, rest)
        found += doubts_of_kinds(relation, plan, rows)
    found += doubts_of_amounts([p for p in rest if not any(p.name in each for each in where)])
    return found


def doubts_of_ids(
    role: Person, profile: Profile, plan: Plan, rest: Sequence[Profile]
) -> Iterator[str]:
    """Doubts about the column that was taken for the user or the item."""
    if profile.values and all(ROUNDED.fullmatch(value) for value in profile.values):
        yield (
            f"the {role}s in `{profile.name}`, such as `{profile.values[0]}`, look rounded by "
            "a spreadsheet: different ones may have become the same"
        )
    if nobody := stands_for_nobody(profile) or (role == "user" and most_of_all(profile)):
        yield (
            f"`{nobody}` is the {role} of {profile.values.count(nobody)} of the first "
            f"{len(profile.values)} rows, here and there between others: if it stands for a "
            f"missing one, `{without_option(profile.name, nobody)}`"
        )
    if role == "user" and (member := member_of(profile, rest)):
        both = f"user={profile.name}+{member.name}"
        yield (
            f"`{member.name}` tells several of one `{profile.name}` apart: if each of them is a "
            f"user, `{typed('--columns', both)}`"
        )
    if role in plan.asked:
        return
    if role == "item" and numbers_rows(profile):
        again = next((p for p in rest if comes_again(p, plan)), None)
        other = "" if again is None else typed("--columns", f"item={again.name}")
        yield (
            f"no value of `{profile.name}` comes twice in the first rows: perhaps it numbers "
            "the rows rather than the items"
            + (f"; if another column is the item: `{other}`" if other else "")
        )
    if has_few_in_turn(profile) if role == "user" else is_a_kind(profile):
        yield few_values(role, profile, plan, rest)
        return
    if role == "item" and (passed := passed_over(profile, rest)):
        yield (
            f"no value of `{passed.name}` comes twice in the first {len(passed.values)} rows, so "
            f"`{profile.name}` was taken for the item; if it is that one: "
            f"`{typed('--columns', f'item={passed.name}')}`"
        )
    if role == "item" and (whole := whole_of_several(profile, rest)):
        yield (
            f"several `{profile.name}` are of one `{whole.name}`, as copies or kinds of it are; if "
            f"that is the item: `{typed('--columns', f'item={whole.name}')}`"
        )
    others = [p for p in rest if may_be_instead(p, role, profile)]
    if role == "item":
        others = [p for p in others if not depends(p, plan.user)]
    if others:
        names = " or ".join(f"`{typed('--columns', f'{role}={p.name}')}`" for p in others[:3])
        yield f"the {role} may be another column than `{profile.name}`: {names}"


def few_values(role: Person, profile: Profile, plan: Plan, rest: Sequence[Profile]) -> str:
    """What to say of a user or item of few values: which columns of more may be it."""
    other = plan.item if role == "user" else plan.user
    finer = [p for p in rest if is_finer(p, profile, role) and not depends(p, other)]
    few, size = profile.distinct, len(profile.values)
    found = (
        f"`{profile.name}` has but {few} values in the first {size} rows: perhaps they are kinds "
        "of items"
    )
    if role == "user":
        finer = [p for p in finer if not vocabulary.NOT_IDS & {*vocabulary.words_of(p.label)}]
        found = (
            f"the users in `{profile.name}` are but {few} in the first {size} rows: perhaps "
            "histories are of somebody else"
        )
    if not finer:
        return found
    names = " or ".join(f"`{typed('--columns', f'{role}={p.name}')}`" for p in finer[:3])
    return f"{found}; if another column is the {role}: {names}"


def member_of(user: Profile, rest: Sequence[Profile]) -> Profile | None:
    """A column of few values that tells people of one home or account apart."""
    if not vocabulary.HOMES.intersection(vocabulary.words_of(user.label)):
        return None
    for profile in rest:
        named = vocabulary.MEMBERS.intersection(vocabulary.words_of(profile.label))
        few = 1 < profile.distinct <= FEW and profile.distinct < user.distinct
        apart = not (depends(profile, user) or depends(user, profile))
        if named and few and apart and profile.filled > 0.9 and not profile.column.listed:
            return profile
    return None


def comes_again(profile: Profile, plan: Plan) -> bool:
    """Whether a column that is called an id has values that come again, of items by all signs."""
    likely = profile.may_be_id and is_like_ids(profile) and not profile.column.listed
    named = profile.rank("item") >= 0 or is_called_id(profile)
    other = profile.rank("user") >= 0 or numbers_rows(profile) or depends(profile, plan.user)
    return likely and named and not other and profile.distinct > FEW


def whole_of_several(item: Profile, rest: Sequence[Profile]) -> Profile | None:
    """A column that each item has one of and several have alike, as copies have of a book."""
    for profile in rest:
        words = {*vocabulary.words_of(profile.label)}
        named = profile.rank("item") >= 0 or bool(words & (vocabulary.TITLE | vocabulary.BOOKS))
        named |= is_called_id(profile)
        others = vocabulary.LOOSE | vocabulary.NOT_IDS - vocabulary.TITLE
        if not named or words & others or holds_items(profile) or profile.column.listed:
            continue
        some = LEAST_OF_COPIES <= profile.distinct / item.distinct <= MOST_OF_COPIES
        likely = some and profile.may_be_id and profile.filled > 0.9 and profile.distinct > FEW
        if likely and depends(profile, item):
            return profile
    return None


def passed_over(taken: Profile, rest: Sequence[Profile]) -> Profile | None:
    """A column with a better name for the item, of which no value comes again."""
    named = (p for p in rest if 0 <= p.rank("item") < taken.rank("item") and p.may_be_id)
    return next((p for p in named if numbers_many_rows(p) and not is_generic(p)), None)


def is_a_kind(profile: Profile) -> bool:
    """Whether there are so few values that they are rather kinds of items."""
    return has_few(profile) and not profile.column.listed


def is_finer(profile: Profile, taken: Profile, role: Person) -> bool:
    """Whether a column may be the user or item, not the other, rather than one of few values."""
    likely = profile.may_be_id and is_like_ids(profile) and not profile.column.listed
    other = profile.rank("item" if role == "user" else "user") >= 0
    other |= profile.numeric and not name_points(profile, role)
    return likely and not (other or numbers_rows(profile)) and profile.distinct > taken.distinct


def doubts_without_names(plan: Plan, rest: Sequence[Profile]) -> Iterator[str]:
    """Doubts about which of the columns without names are which."""
    others = [p for p in rest if p.may_be_id and is_like_ids(p) and p.distinct > FEW]
    others = [p for p in others if not p.wordy and not numbers_rows(p) and not p.is_row_number]
    if others:
        names = " or ".join(f"`{typed('--columns', f'item={p.name}')}`" for p in others[:3])
        yield (
            f"the columns have no names, and the item may be another than {plan.item.name}: "
            + names
        )


def doubts_of_baskets(item: Profile) -> Iterator[str]:
    """Doubts that a cell is one item: it may have all that somebody bought at once."""
    if separator := separator_of(item.values):
        remedy = "write a row for each, so that each counts"
        if is_cut(item.values, separator):
            remedy = f"`{typed('--columns', f'item={item.name}')}` makes a row of each"
        yield (
            f"cells of `{item.name}` have several values with {SEPARATORS[separator]} between "
            f"them, which come far more often than whole cells do: if these are the items, {remedy}"
        )


def may_be_instead(profile: Profile, role: Person, taken: Profile) -> bool:
    """Whether a column says by its name that it is this as well, and tells more than that one."""
    if profile.rank(role) < 0 or is_generic(profile) or not profile.may_be_id:
        return False
    if is_how_many(profile) or (role == "user" and has_few_in_turn(profile)):
        return False
    if is_recipient(profile):
        return False
    if profile.distinct < 3 or numbers_rows(profile) or profile.wordy or profile.filled < 0.5:
        return False
    return not profile.column.listed and not depends(profile, taken)


def stands_for_nobody(profile: Profile) -> str:
    """A value that often stands for a missing one, if it comes between others; or ""."""
    counts = Counter(profile.values)
    for value, count in counts.most_common(30):
        if value.lower() not in vocabulary.NOBODY or profile.column.listed or len(counts) < 3:
            continue
        runs = sum(key == value for key, _ in itertools.groupby(profile.values))
        often = count > 2 * len(profile.values) / len(counts)
        if runs > 3 and (often or value not in NUMBERS):
            return value
    return ""


def most_of_all(profile: Profile) -> str:
    """The value that most rows have, where there are many; or ""."""
    ((value, count),) = Counter(profile.values).most_common(1)
    usual = profile.distinct > FEW and not profile.column.listed
    return value if usual and 0.5 * len(profile.values) < count else ""


def doubts_without_time(relation: Relation, plan: Plan, rest: Sequence[Profile]) -> Iterator[str]:
    """Doubts that there is no time."""
    if not relation.named:
        many = [p for p in rest if p.numeric and not p.label and p.distinct > 0.5 * len(p.values)]
        if many and not many[-1].is_row_number:
            name = many[-1].name
            yield (
                f"column {name} has many different numbers and is not used: if it is the time, "
                f"`--columns time={name}`"
            )
    for profile in rest:
        dated = profile.is_moment and not profile.is_epoch
        if profile.label and dated and not profile.column.listed:
            yield (
                f"`{profile.name}` holds dates and is not taken for the time, by its name; if it "
                f"is: `{typed('--columns', f'time={profile.name}')}`"
            )
        elif profile.label and is_clock(profile):
            yield (
                f"`{profile.name}` holds times of day without a date, such as "
                f"`{profile.values[0]}`, and is not used: the order of the rows counts; write a "
                "column with the date, if it is in the name of the file, say"
            )
        elif profile.label and profile.rank("time") >= 0 and is_category(profile, plan.user):
            yield (
                f"`{profile.name}` takes {profile.distinct} values over and over and is not taken "
                f"for the time; if it is: `{typed('--columns', f'time={profile.name}')}`"
            )


def doubts_of_times(plan: Plan, rows: Loaded) -> Iterator[str]:
    """Doubts about the times."""
    others = [moment for moment in plan.other_times[:4] if moment.solid]
    if plan.time is not None and others:
        names = ", ".join(f"`{moment.name}`" for moment in others)
        yield (
            f"{names} {verb(len(others), 'looks like a time', 'look like times')} too, and "
            f"`{plan.time.name}` was taken; if another is it: "
            f"`{typed('--columns', f'time={others[0].columns[0].name}')}`"
        )
    times = rows.times
    if times is None or not len(times):
        return
    if rows.time_unit == UNKNOWN and (year := early_year(times)):
        yield (
            f"the times, if they counted from 1970, would be of {year}, so their unit is not told: "
            "perhaps they count from 2001, as Apple's do, or in ticks; their order holds"
        )
    if len(times) > 1 and times.min() == times.max():
        yield "all rows have the same time: the order of the file counts"


def doubts_of_positions(plan: Plan, rest: Sequence[Profile]) -> Iterator[str]:
    """Doubts about the order of rows without a time, or with the same, where a column has it."""
    for profile in rest:
        named = vocabulary.POSITIONS.intersection(vocabulary.words_of(profile.label))
        if not named or profile.column.listed or not profile.whole_valued:
            continue
        if not is_another_order(profile, plan):
            continue
        if plan.time is None:
            yield (
                f"`{profile.name}` numbers the rows of each `{plan.user.name}`, in another order "
                f"than the file's; to order by it: `{typed('--columns', f'time={profile.name}')}`"
            )
        else:
            yield (
                f"`{profile.name}` numbers the rows of each `{plan.user.name}` with the same time, "
                "in another order than the file's, which counts: if it is their order, sort the "
                "file by it"
            )


def is_another_order(profile: Profile, plan: Plan) -> bool:
    """Whether numbers differ within each user, and each time if there is one, and do not grow."""
    keys = [plan.user, *(plan.time.columns if plan.time else ())]
    groups: dict[tuple[object, ...], list[float]] = {}
    cells = zip(*(key.column.cells for key in keys), profile.column.cells, strict=True)
    for *key, cell in cells:
        try:
            groups.setdefault(tuple(map(str, key)), []).append(float(str(cell)))
        except ValueError:
            return False
    several = [own for own in groups.values() if len(own) > 1]
    apart = all(len(set(own)) == len(own) for own in several)
    return apart and sum(own != sorted(own) for own in several) > 0.1 * len(several)


def doubts_of_kinds(relation: Relation, plan: Plan, rows: Loaded) -> Iterator[str]:
    """Doubts that the rows of each kind of event are with an item: words there, ids elsewhere."""
    for name in rows.counts:
        column = relation.column(name)
        assert column is not None
        numbers: dict[object, list[bool]] = {}
        for kind, item in zip(column.cells, plan.item.column.cells, strict=True):
            if isinstance(item, str) and item.strip():
                numbers.setdefault(kind, []).append(any(letter.isdigit() for letter in item))
        words = [str(kind) for kind, has in numbers.items() if not any(has)]
        if words and any(all(has) for has in numbers.values()):
            yield (
                f"where `{name}` is `{words[0]}`, `{plan.item.name}` holds words without digits "
                "and elsewhere ids: perhaps those rows are not with an item"
            )


def doubts_of_amounts(rest: Sequence[Profile]) -> Iterator[str]:
    """Doubts that all rows are of what somebody took: of some they took less than nothing."""
    for profile in rest:
        amount = vocabulary.AMOUNTS.intersection(vocabulary.words_of(profile.label))
        if not amount or not profile.numeric or profile.column.listed:
            continue
        below = sum(number < 0 for number in profile.numbers)
        if 0 < below < 0.5 * len(profile.numbers):
            yield (
                f"`{profile.name}` is below 0 in {below} of the first {len(profile.numbers)} rows, "
                "which count as interactions: if they are returns, "
                f"`{where_option(profile.name, '0', '>')}` leaves them out"
            )
