"""Which columns are the user and the item: by name, else by what they look like."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.lists import cut_values, list_form
from seqrec_cli.core.data.reading.moments import Moment
from seqrec_cli.core.data.reading.options import Role
from seqrec_cli.core.data.reading.profiles import FEW, Profile
from seqrec_cli.core.data.reading.relations import Cell

SURE = 1000  # a name of a better rank is one that columns really have
SMALL_SAMPLE = 10  # values, of which little can be told
MOST_COMPARED = 50  # columns, each with each other
USUAL = 20  # names of a better rank say what they hold even where all rows have the same value
TITLES = frozenset({"title", "movietitle", "itemtitle", "producttitle", "booktitle"})
MANY = 30  # rows of which each has another value: those are numbers of the rows


def unfolded(profile: Profile) -> Profile:
    """The same column, with its lists in cells as lists, if it has such."""
    form = list_form(profile.values)
    if form is None:
        return profile
    separator, cut = form
    cells: list[Cell] = [
        None if cell is None or isinstance(cell, list) else [*cut_values(cell, separator)]
        for cell in profile.column.cells
    ]
    column = replace(profile.column, sql=cut(profile.column.sql), listed=True, cells=tuple(cells))
    return Profile(column, profile.place)


def choose_rating(
    pool: Sequence[Profile], user: Profile | None, item: Profile | None
) -> Profile | None:
    """The column of ratings by name; without names, small numbers of few values."""
    named = [(p.rank("rating"), p) for p in pool if p.rank("rating") >= 0]
    fitting = [(rank, p) for rank, p in named if p.numeric or p.comma_numeric]
    if fitting:
        return min(fitting, key=lambda pair: pair[0])[1]
    unnamed = [p for p in pool if not p.label and p.numeric and p is not user and p is not item]
    if any(p.label for p in pool) or len(pool) < 3 - (user is not None) - (item is not None):
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
    if user is None and session is not None:
        notes.append(
            f"no column is known as the user: each `{session.name}` is taken for one, with a "
            "history of its own"
        )
    user = user or session
    if user is None and item is not None and item.name.endswith("[]"):
        user = next((p for p in pool if is_generic(p)), None)
    if item is not None and not item.column.listed:
        item = unfolded(item) if user is None or item_lists(item, user) else item
    if user is None and item is not None and is_generic(item):
        item = None  # it may be of the users as well
    if user is not None and item is None:
        item = title_of(pool, notes)
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
        return by_look(rest, pool, notes)
    # A name that nobody knows may be of anything: then it is proposed, not taken.
    if len(rest) == 1 and not rest[0].label:
        (last,) = rest
        role = "user" if user is None else "item"
        notes.append(
            f"`{last.name}` was taken for the {role}: it is the only column left that may be"
        )
        if user is None:
            return last, item
        return user, unfolded(last)
    return user, item


def title_of(pool: Sequence[Profile], notes: list[str]) -> Profile | None:
    """A column of titles, which name the items where nothing else does."""
    titles = [p for p in pool if vocabulary.compared(p.label) in TITLES and p.distinct > 1]
    titles = [p for p in titles if not numbers_rows(p)]
    if len(titles) != 1 or titles[0].column.listed:
        return None
    notes.append(f"`{titles[0].name}` was taken for the item: no other column is one")
    return titles[0]


def item_lists(item: Profile, user: Profile) -> bool:
    """Whether a column of items holds lists: they look so, and each user has about one row."""
    return list_form(item.values) is not None and user.distinct > 0.5 * len(user.values)


def is_unnamed(profile: Profile) -> bool:
    """Whether the name does not say that a column is something else than an id."""
    if not profile.label:
        return True
    return not (
        vocabulary.compared(profile.label) in vocabulary.KNOWN
        and profile.rank("user") < 0
        and profile.rank("item") < 0
    )


def by_name(
    pool: Sequence[Profile], role: vocabulary.Named, other: Profile | None
) -> Profile | None:
    """The column whose name says best that it is this, among those that may be ids at all."""
    ranked = []
    fullest = max((profile.filled for profile in pool), default=0.0)
    for profile in pool:
        rank = profile.rank(role)
        if rank < 0 or profile is other:
            continue
        sure = rank < SURE and profile.numeric  # ids such as 1026454.0000000006
        if not (profile.may_be_id or sure or profile.column.listed or list_form(profile.values)):
            continue
        if role != "item" and profile.column.listed:
            continue
        many = len(profile.values) > SMALL_SAMPLE
        if role != "item" and profile.is_flag and many and rank >= USUAL:
            continue
        if rank >= USUAL and profile.distinct < 2 and len(profile.values) > MANY:
            continue
        if role == "session" and numbers_rows(profile):
            continue  # each row would be a session
        generic = is_generic(profile) and any(
            p.name.endswith("[]") and p.rank("item") >= 0 for p in pool
        )
        # No user has but one row, and no item is missing in most rows, if another column fits.
        odd = numbers_rows(profile) if role == "user" else profile.filled < 0.5 * fullest
        odd |= is_of_the_row(profile)
        ranked.append(
            ((generic and role == "item", is_nested(profile), odd, rank, profile.place), profile)
        )
    if not ranked:
        return None
    best = min(ranked, key=lambda pair: pair[0])[1]
    unique = is_generic(best) and best.distinct == len(best.values) > 20
    if unique:
        others = [(key, p) for key, p in ranked if p is not best]
        return min(others, key=lambda pair: pair[0])[1] if others else None
    return best


def numbers_rows(profile: Profile) -> bool:
    """Whether no value comes twice, in a sample in which some would."""
    return profile.distinct == len(profile.values) > MANY


def is_of_the_row(profile: Profile) -> bool:
    """Whether it numbers the rows, whatever it is called."""
    return profile.is_row_number and len(profile.values) > 20


def without_attributes(profiles: Sequence[Profile]) -> list[Profile]:
    """The columns that are not told by another one and coarser, as a category by the item."""
    if len(profiles) > MOST_COMPARED:
        return list(profiles)
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
    rest: Sequence[Profile], pool: Sequence[Profile], notes: list[str]
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
    ids = [p for p in ids if not numbers_rows(p)] if len(ids) > 2 else ids
    if len(ids) != 2:
        return None, None
    first, second = ids
    if first.whole and not second.numeric:
        notes.append(
            f"the columns have no names: `{first.name}`, the first with ids, was taken for the "
            f"user; if it is the item: `--columns user={second.name},item={first.name}`"
        )
    if (first.is_asin or first.is_isbn) and not second.is_asin_like:
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


def is_varied(profile: Profile) -> bool:
    """Whether there are some values, and none is in most of the rows."""
    ((_, most),) = Counter(profile.values).most_common(1)
    return profile.distinct > 2 and most < 0.5 * len(profile.values)


def is_nested(profile: Profile) -> bool:
    return profile.column.listed and "[]" in profile.name


def is_generic(profile: Profile) -> bool:
    """Whether it is called `id` alone, so that anything may have it."""
    return vocabulary.compared(profile.label) == "id"


def is_called_id(profile: Profile) -> bool:
    return bool(vocabulary.IDS.intersection(vocabulary.words_of(profile.label)))


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
    plain = [p for p in ids if not p.wordy and is_varied(p) and not numbers_rows(p)] or ids
    # What is called an id comes first; a list within a record is an item rather than a user.
    plain = sorted(plain, key=lambda p: (is_nested(p), not is_called_id(p), p.place))
    guess: dict[Role, str] = {}
    for role, profile in (("user", user), ("item", item)):
        if profile is None:
            other: vocabulary.Named = "item" if role == "user" else "user"
            left = [p for p in ids if p.name not in guess.values()]
            plain = plain or sorted(left, key=lambda p: -p.distinct)
            fitting = [p for p in plain if p.rank(other) < 0 or is_generic(p) or not p.label]
            profile = fitting[0] if fitting else None
        if profile is not None:
            guess[role] = profile.name  # type: ignore[index]
            # What says no more than another column does, such as a user's name or city, is no id.
            telling = profile.distinct < 0.9 * len(profile.values)
            plain = [p for p in plain if p is not profile and not (telling and depends(p, profile))]
    if time is not None and len(time.columns) == 1:
        guess["time"] = time.name
    return guess
