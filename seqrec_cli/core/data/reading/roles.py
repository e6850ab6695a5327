"""Which column of a log is the user, the item, the time, the rating: by content and by name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from seqrec_cli.core.data.reading import moments, vocabulary
from seqrec_cli.core.data.reading.engine import Engine, quoted
from seqrec_cli.core.data.reading.moments import Moment
from seqrec_cli.core.data.reading.nested import label_of, paths_of
from seqrec_cli.core.data.reading.options import Reading, Role
from seqrec_cli.core.data.reading.profiles import FEW, Profile, cut_values, list_form
from seqrec_cli.core.data.reading.relations import Cell, Column, Relation
from seqrec_cli.core.data.reading.times import chosen_form
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

MOST_SHOWN = 30
NONE = "none"  # what to say for a role that no column has
SURE = 1000  # a name of a better rank is one that columns really have
SMALL_SAMPLE = 10  # values, of which little can be told
MOST_PATHS = 40  # into one column of JSON
USUAL = 20  # names of a better rank say what they hold even where all rows have the same value
MANY = 30  # rows of which each has another value: those are numbers of the rows


class Undecided(Exception):
    """A role that cannot be told.

    Attributes:
        missing: the roles.
        guess: what the columns probably are, by role, for a hint; may lack one.
    """

    def __init__(self, missing: Sequence[Role], guess: dict[Role, str]) -> None:
        super().__init__(", ".join(missing))
        self.missing = tuple(missing)
        self.guess = guess


@dataclass
class Plan:
    """What is read of a log.

    Attributes:
        user, item: the columns of the ids; `item` may hold lists.
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

    def used(self) -> set[str]:
        """The names of the columns that are read."""
        named = [self.user, self.item, self.rating, self.fallback]
        names = {profile.name for profile in named if profile is not None}
        return names | {p.name for p in (self.time.columns if self.time else ())}


def assign(relation: Relation, reading: Reading, engine: Engine) -> Plan:
    """Tell the roles of the columns; those in `reading.columns` are taken as said.

    Raises:
        InputError: a column that is not there.
        Undecided: the user or the item cannot be told.
    """
    profiles = [Profile(column, place) for place, column in enumerate(relation.columns)]
    absent = {
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
    if user is None or item is None:
        guess = guessed(user, item, pool, time, rating)
        raise Undecided([role for role, p in (("user", user), ("item", item)) if p is None], guess)  # type: ignore[list-item]
    if time is None and "time" not in absent:
        time = late_time(free, user, item, rating, engine)
        if time is None:
            refuse_unknown_times(relation, [p for p in free if p not in (user, item, rating)])
    return Plan(
        user=user,
        item=item,
        fallback=session if session is not None and session is not user else None,
        time=aligned(time, item),
        other_times=tuple(others),
        rating=rating,
        asked=frozenset(reading.columns),
        notes=notes,
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
    same = next((p for p in profiles if p.column is column), None)
    profile = same or Profile(column, len(profiles))
    if role in ("item", "time", "rating") and not profile.column.listed:
        return unfolded(profile)
    return profile


def column_in_text(base: Column, path: str) -> Column:
    """The column of the values at a path in a column whose text is JSON."""
    steps = "".join(
        f'."{step.removesuffix("[]")}"' + "[*]" * step.endswith("[]")
        for step in path.replace('"', "").split(".")
    )
    valid = f"CASE WHEN json_valid({base.sql}) THEN {base.sql} END"
    sql = f"json_extract_string({valid}, {quoted('$' + steps)})"
    label = f"{base.name}.{path}"
    parent = label.rpartition("[]")[0] if "[]" in path else ""
    cells = tuple(value_at(cell, path.split(".")) for cell in base.cells)
    return Column(label, sql, "[]" in path, parent, cells=cells, known=path)


def value_at(cell: Cell, path: Sequence[str]) -> Cell:
    """What a cell of JSON has at a path."""
    if not isinstance(cell, str):
        return None
    try:
        found = [json.loads(cell)]
    except (ValueError, RecursionError):
        return None
    for step in path:
        key = step.removesuffix("[]")
        found = [each[key] for each in found if isinstance(each, dict) and key in each]
        if step.endswith("[]"):
            found = [inner for each in found if isinstance(each, list) for inner in each]
    texts = [value if isinstance(value, str) else json.dumps(value) for value in found]
    if any(step.endswith("[]") for step in path):
        return list(texts)
    return texts[0] if texts else None


def with_texts_of_json(relation: Relation) -> Relation:
    """The relation with further columns for what is in columns whose text is JSON."""
    more = []
    for column in relation.columns:
        values = column.values[:50] if not column.listed else []
        if not values or not all(value.startswith("{") and value.endswith("}") for value in values):
            continue
        paths: dict[str, None] = {}
        for value in values:
            try:
                record = json.loads(value)
            except (ValueError, RecursionError):
                break
            paths |= dict.fromkeys(label_of(path) for path in paths_of(record, (), 4))
        else:
            more += [column_in_text(column, path) for path in list(paths)[:MOST_PATHS]]
    return replace(relation, columns=(*relation.columns, *more))


def path_in_text(relation: Relation, name: str) -> Column | None:
    """A path into a column whose text is JSON: `53.data[].sku`."""
    head, dot, rest = name.partition(".")
    base = relation.column(head)
    if base is None or not dot or not rest or base.listed:
        return None
    return column_in_text(base, rest)


def unfolded(profile: Profile) -> Profile:
    """The same column, with its lists in cells as lists, if it has such."""
    form = list_form(profile.values)
    if form is None:
        return profile
    separator, cut = form
    cells = tuple(
        None if cell is None or isinstance(cell, list) else list(cut_values(cell, separator))
        for cell in profile.column.cells
    )
    column = replace(profile.column, sql=cut(profile.column.sql), listed=True, cells=cells)
    return Profile(column, profile.place)


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
            return Moment((said,), chosen_form(reading.time_format)), inferred
        moment = moments.moment_of(said, engine)
        if moment is None:
            raise InputError(
                f"the values of `{said.name}`, such as `{(said.values or [''])[0]}`, are no times "
                "in a form that is known",
                "say how they are written: `--time-format '%d.%m.%Y %H:%M'`, or name another "
                "column: `--columns time=…`",
            )
        return moment, inferred
    if reading.time_format:
        named = [p for p in free if p.rank("time") >= 0] or [m.columns[0] for m in inferred]
        if named:
            best = min(named, key=lambda p: p.rank("time") if p.rank("time") >= 0 else 5000)
            return Moment((best,), chosen_form(reading.time_format)), []
    pieces = moments.from_pieces(free)
    if pieces is not None and not any(
        m.resolution < pieces.resolution for m in inferred if m.solid
    ):
        return pieces, inferred
    if not inferred or not inferred[0].solid:
        return (
            (inferred[0], inferred[1:]) if inferred and inferred[0].columns[0].label else (None, [])
        )
    first = moments.with_clock(inferred[0], free, engine)
    return first, [m for m in inferred[1:] if m.columns[0] not in first.columns]


def unfolded_time(profile: Profile) -> Profile:
    """A column with lists of times in its cells, as lists; any other as it is."""
    if profile.column.listed or not profile.values or profile.values[0][:1] not in "[({":
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
        known = profile.label and 0 <= profile.rank("time") < SURE
        if known and profile.values and not profile.column.listed and not moments.is_clock(profile):
            raise InputError(
                f"`{relation.place}`: the values of `{profile.name}`, such as "
                f"`{shortened(profile.values[0], 40)}`, are no times in a form that is known",
                "say how they are written, as in `--time-format '%d.%m.%Y %H:%M'`; or, if the order "
                f"of the file is what counts: `--columns time={NONE}`",
            )


def aligned(time: Moment | None, item: Profile) -> Moment | None:
    """The time, unless it is of other records than the items are."""
    if time is None or not time.columns[0].column.listed:
        return time
    own, other = time.columns[0].column, item.column
    if not other.listed:
        return None
    if (
        own.parent
        and other.parent
        and own.parent.partition("[]")[0] != other.parent.partition("[]")[0]
        and "[]" in own.name
    ):
        return None
    return time


def choose_rating(
    pool: Sequence[Profile], user: Profile | None, item: Profile | None
) -> Profile | None:
    """The column of ratings by name; without names, small numbers of few values."""
    named = [(p.rank("rating"), p) for p in pool if p.rank("rating") >= 0]
    fitting = [(rank, p) for rank, p in named if p.numeric or p.comma_numeric]
    if fitting:
        return min(fitting, key=lambda pair: pair[0])[1]
    unnamed = [p for p in pool if not p.label and p.numeric and p is not user and p is not item]
    if len(pool) < 3 - (user is not None) - (item is not None):
        return None
    for profile in reversed(unnamed):
        small = min(profile.numbers) >= -1 and max(profile.numbers) <= 10
        if small and 1 < profile.distinct <= 20 and profile.place >= 2:
            return profile
    return None


def choose_ids(
    user: Profile | None,
    item: Profile | None,
    pool: list[Profile],
    notes: list[str],
    time: Moment | None,
) -> tuple[Profile | None, Profile | None]:
    """The user and the item: by name, else by what the columns look like."""
    user = user or by_name(pool, "user", item)
    session = None if user else by_name(pool, "session", item)
    item = item or by_name(pool, "item", user or session)
    user = user or session
    if item is not None and not item.column.listed:
        item = unfolded(item) if user is None or item_lists(item, user) else item
    if user is not None and item is not None:
        return user, item
    rest = [p for p in pool if p not in (user, item) and not p.is_row_number and is_unnamed(p)]
    rest = [p for p in without_attributes(rest) if p.may_be_id or list_form(p.values)]
    lists = [p for p in pool if p is not user and p.is_list and not p.is_moment and p.distinct > 1]
    if item is None and user is not None and len(lists) == 1:
        notes.append(f"`{lists[0].name}` was taken for the item: it is the only column of lists")
        return user, lists[0] if lists[0].column.listed else unfolded(lists[0])
    if user is None:
        rest = [p for p in rest if not p.column.listed]
    if user is None and item is None:
        return by_look(rest, pool)
    if len(rest) == 1:
        (last,) = rest
        role = "user" if user is None else "item"
        notes.append(
            f"`{last.name}` was taken for the {role}: it is the only column left that may be"
        )
        if user is None:
            return last, item
        return user, unfolded(last)
    return user, item


def item_lists(item: Profile, user: Profile) -> bool:
    """Whether a column of items holds lists: they look so, and each user has about one row."""
    return list_form(item.values) is not None and user.distinct > 0.5 * len(user.values)


def is_unnamed(profile: Profile) -> bool:
    """Whether the name does not say that a column is something else than an id."""
    if not profile.label:
        return True
    return not (
        vocabulary.plain(profile.label) in vocabulary.KNOWN
        and profile.rank("user") < 0
        and profile.rank("item") < 0
    )


def by_name(
    pool: Sequence[Profile], role: vocabulary.Named, other: Profile | None
) -> Profile | None:
    """The column whose name says best that it is this, among those that may be ids at all."""
    ranked = []
    for profile in pool:
        rank = profile.rank(role)
        if rank < 0 or profile is other:
            continue
        sure = rank < SURE and profile.numeric  # ids such as 1026454.0000000006
        if not (profile.may_be_id or sure or profile.column.listed or list_form(profile.values)):
            continue
        if role != "item" and (profile.column.listed or profile.is_flag):
            continue
        if rank >= USUAL and profile.distinct < 2 and len(profile.values) > MANY:
            continue
        nested = profile.column.listed and "[]" in profile.name
        ranked.append(((nested, is_of_the_row(profile), rank, profile.place), profile))
    if not ranked:
        return None
    best = min(ranked, key=lambda pair: pair[0])[1]
    unique = vocabulary.plain(best.label) == "id" and best.distinct == len(best.values) > 20
    if unique:
        others = [(key, p) for key, p in ranked if p is not best]
        return min(others, key=lambda pair: pair[0])[1] if others else None
    return best


def is_of_the_row(profile: Profile) -> bool:
    """Whether it numbers the rows, whatever it is called."""
    return profile.is_row_number and len(profile.values) > 20


def without_attributes(profiles: Sequence[Profile]) -> list[Profile]:
    """The columns that are not told by another one and coarser, as a category by the item."""
    return [
        profile
        for profile in profiles
        if not any(
            other is not profile
            and other.distinct > profile.distinct
            and other.distinct < 0.9 * len(other.values)
            and depends(profile, other)
            for other in profiles
        )
    ]


def depends(profile: Profile, other: Profile) -> bool:
    """Whether the values of `other` say those of `profile`, in the sample."""
    seen: dict[object, object] = {}
    pairs = zip(other.column.cells, profile.column.cells, strict=True)
    return all(
        seen.setdefault(key, value) == value
        for key, value in pairs
        if not isinstance(key, list) and not isinstance(value, list)
    )


def by_look(
    rest: Sequence[Profile], pool: Sequence[Profile]
) -> tuple[Profile | None, Profile | None]:
    """Without names: the user first and the item second, if there are just two columns of ids."""
    if any(p.label and p.name == p.label for p in pool):
        return None, None
    if len(pool) == 2:
        rest = list(pool)
    ids = [p for p in rest if is_like_ids(p) or len(pool) == 2]
    lists = [p for p in ids[1:] if list_form(p.values)]
    if ids and len(lists) == 1:
        return ids[0], unfolded(lists[0])
    ids = [p for p in ids if not (p.distinct == len(p.values) > MANY)] if len(ids) > 2 else ids
    if len(ids) != 2:
        return None, None
    first, second = ids
    if first.is_asin and not second.is_asin_like:
        return second, first
    return first, second


def is_like_ids(profile: Profile) -> bool:
    """Whether values without a name are ids rather than flags, one constant or kinds of events."""
    if profile.numeric and not profile.whole and not profile.label:
        return False  # 12.0 without a name is an amount
    if len(profile.values) <= SMALL_SAMPLE:
        return True
    if profile.is_flag or profile.distinct < 2:
        return False
    many = len(profile.values) > 2 * FEW
    words = all("9" not in look for look in profile.shapes)
    return not (many and words and profile.distinct <= FEW)


def guessed(
    user: Profile | None,
    item: Profile | None,
    pool: Sequence[Profile],
    time: Moment | None,
    rating: Profile | None,
) -> dict[Role, str]:
    """What the columns probably are, for a hint; never a time or a fragment as an id."""
    ids = [
        p
        for p in pool
        if p not in (user, item)
        and (p.may_be_id or list_form(p.values))
        and not p.is_row_number
        and is_like_ids(p)
        and is_unnamed(p)
    ]
    plain = [
        p
        for p in ids
        if not p.wordy and p.distinct > 2 and not (p.distinct == len(p.values) > MANY)
    ]
    plain = sorted(plain or ids, key=lambda p: (p.column.listed and "[]" in p.name, p.place))
    guess: dict[Role, str] = {}
    for role, profile in (("user", user), ("item", item)):
        if profile is None and role == "item" and not plain:
            plain = sorted(
                (p for p in ids if p.name not in guess.values()), key=lambda p: -p.distinct
            )
        if profile is None and plain:
            profile = plain.pop(0)
        if profile is not None:
            guess[role] = profile.name  # type: ignore[index]
    if time is not None and len(time.columns) == 1:
        guess["time"] = time.name
    return guess


def listed(relation: Relation) -> str:
    """The columns of a relation for an error message."""
    columns = relation.columns[:MOST_SHOWN]
    more = ", …" if len(relation.columns) > MOST_SHOWN else ""
    if relation.named:
        return ", ".join(f"`{shortened(column.name, 30)}`" for column in columns) + more
    shown = []
    for column in columns:
        example = shortened((column.values or [""])[0], 20)
        shown.append(f"{column.name} (as in `{example}`)")
    return ", ".join(shown) + more
