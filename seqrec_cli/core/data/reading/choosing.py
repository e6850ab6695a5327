"""Which columns are the user and the item: by name, else by what they look like."""

from collections.abc import Sequence

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.clocks import is_clock
from seqrec_cli.core.data.reading.judging import (
    MANY,
    MOST_OF_COPIES,
    SMALL_SAMPLE,
    depends,
    distinct_pairs,
    has_another,
    has_few_in_turn,
    has_sessions_as_rows,
    holds_items,
    holds_lengths,
    is_address,
    is_contact,
    is_full_name,
    is_generic,
    is_how_many,
    is_kind,
    is_less,
    is_like_ids,
    is_mostly_nobody,
    is_nested,
    is_number_of,
    is_of_a_title,
    is_of_part,
    is_of_the_row,
    is_recipient,
    is_surely,
    is_unnamed,
    item_lists,
    numbers_many_rows,
    numbers_rows,
)
from seqrec_cli.core.data.reading.lists import list_form
from seqrec_cli.core.data.reading.moments import Moment
from seqrec_cli.core.data.reading.profiles import FEW, Profile
from seqrec_cli.core.data.reading.unfolding import is_of_several, unfolded
from seqrec_cli.wording import typed

WIDEST = 10  # columns without names among which users and items can be told
MOST_COMPARED = 50  # columns, each with each other
TIMES_MORE = 4  # whom somebody serves than those who do
DEVICES = vocabulary.KINDS | {"agent"}  # which a user has, and no buyer is
USUAL = 20  # names of a better rank say what they hold even where all rows have the same value
TITLES = frozenset(
    {"title", "movietitle", "itemtitle", "producttitle", "booktitle"}
    | {"itemdescription", "productdescription"}
)


def choose_rating(
    pool: Sequence[Profile], user: Profile | None, item: Profile | None
) -> Profile | None:
    """The column of ratings by name; without names, small numbers of few values."""
    named = [(p.rank("rating"), p) for p in pool if p.rank("rating") >= 0]
    fitting = [(rank, p) for rank, p in named if p.numeric or p.comma_numeric]
    if fitting:
        # One that all rows have alike says less than another, but may be one: a log may be sorted.
        return min(fitting, key=lambda pair: (pair[1].distinct < 2, pair[0]))[1]
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
    """The user and the item, those that were said and others by name, else by what the columns
    look like."""
    said = item is not None
    if user is None:
        user = whose_orders(by_name(pool, "user", item), pool, notes, time)
        user = by_contact(who_bought(user, pool, notes), pool, notes)
        user = whom_they_serve(user, pool, notes)
    session = None if user else by_name(pool, "session", item)
    if item is None and (named := by_name(pool, "item", user or session)) is not None:
        item = whole_of(named, pool, notes)
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
    if user is None and item is not None and is_generic(item) and not said:
        item = None  # it may be of the users as well
    if user is not None and not said and (item is None or is_of_part(item)):
        item = title_of(pool, user, notes) or item
    if user is not None and item is not None:
        return user, item
    rest = [p for p in pool if p not in (user, item) and not p.is_row_number and is_unnamed(p)]
    rest = [p for p in without_attributes(rest) if p.may_be_id or list_form(p.values)]
    lists = [p for p in pool if p is not user and p.is_list and not p.is_moment and p.distinct > 1]
    if item is None and user is not None and len(lists) == 1 and lists[0].rank("event") < 0:
        notes.append(f"`{lists[0].name}` was taken for the item: it is the only column of lists")
        return user, lists[0] if lists[0].column.listed else unfolded(lists[0])
    if user is None:
        rest = [p for p in rest if not p.column.listed]
    if user is None and item is None:
        return by_look(rest, pool, notes)
    # A name that nobody knows may be of anything: then it is proposed, not taken.
    last = rest[0] if len(rest) == 1 else None
    if user is not None and item is None and len(pool) == 2 and last is None:
        last = next(p for p in pool if p is not user)  # of two columns, as `uid,sid`
        last = last if last.rank("session") >= 0 and last.may_be_id else None
    if last is not None and (last.rank("session") >= 0 or not last.label):
        role = "user" if user is None else "item"
        notes.append(
            f"`{last.name}` was taken for the {role}: it is the only column left that may be"
        )
        if user is None:
            return last, item
        return user, unfolded(last)
    return user, item


def whose_orders(
    user: Profile | None, pool: Sequence[Profile], notes: list[str], time: Moment | None
) -> Profile | None:
    """The user, or where each has but one time and several are of one other user: that one.

    They are orders then, whatever they are called.
    """
    if user is None or time is None or not depends(time.columns[0], user):
        return user
    people = [p for p in pool if p is not user and p.rank("user") >= 0 and p.may_be_id]
    people = [p for p in people if p.distinct < user.distinct and p.filled >= user.filled]
    people = [p for p in people if depends(p, user) and not depends(time.columns[0], p)]
    if not people:
        return user
    found = min(people, key=lambda p: p.rank("user"))
    notes.append(f"each `{user.name}` has one time, so `{found.name}` was taken for the user")
    return found


def who_bought(user: Profile | None, pool: Sequence[Profile], notes: list[str]) -> Profile | None:
    """The user, or where it is who got something: who bought it, or how they are reached."""
    if user is None or not is_recipient(user):
        return user
    named = [p for p in pool if vocabulary.PARTS["user"] & {*vocabulary.words_of(p.label)}]
    named = [p for p in named if not DEVICES & {*vocabulary.words_of(p.label)}]
    people = [p for p in named if p.rank("user") >= 0 or is_contact(p)]
    people = [p for p in people if not is_recipient(p) and p.filled >= user.filled]
    people = [p for p in people if p.may_be_id and not numbers_rows(p) and p.distinct > FEW]
    if not people:
        return user
    found = min(people, key=lambda p: (p.rank("user") < 0, p.rank("user"), p.place))
    notes.append(
        f"`{user.name}` may get what others buy, so `{found.name}` was taken for the user; if it "
        f"is who gets it: `{typed('--columns', f'user={user.name}')}`"
    )
    return found


def by_contact(user: Profile | None, pool: Sequence[Profile], notes: list[str]) -> Profile | None:
    """The user, or where it is a name that several people have: how they are reached."""
    if user is None or not is_full_name(user):
        return user
    reached = [p for p in pool if p is not user and is_contact(p) and p.filled >= user.filled]
    reached = [p for p in reached if not depends(p, user) and not numbers_rows(p)]
    # Of somebody else, as of the doctor, each has many names.
    reached = [p for p in reached if distinct_pairs(p, user) <= 2 * p.distinct]
    if not reached:
        return user
    notes.append(
        f"several `{reached[0].name}` have one `{user.name}`, so `{reached[0].name}` was taken for "
        f"the user; if it is the name: `{typed('--columns', f'user={user.name}')}`"
    )
    return reached[0]


def whom_they_serve(
    user: Profile | None, pool: Sequence[Profile], notes: list[str]
) -> Profile | None:
    """The user, or where so few have so many rows that they rather sell, lend or answer: whom they
    do it for, who are many more and not always of the same one."""
    if user is None or not has_few_in_turn(user):
        return user
    people = [p for p in pool if p is not user and is_of_people(p) and p.may_be_id]
    people = [p for p in people if p.distinct >= TIMES_MORE * user.distinct and not numbers_rows(p)]
    people = [p for p in people if p.filled >= 0.5 * user.filled]
    if is_of_people(user):
        served = vocabulary.SERVED
        people = [p for p in people if served.intersection(vocabulary.words_of(p.label))]
        people = [p for p in people if not depends(user, p)]
    what = by_name(pool, "item", user)
    people = [p for p in people if what is None or not depends(p, what)]  # an author is of a book
    people = [p for p in people if not is_number_of(p, pool)]
    if not people:
        return user
    found = min(people, key=lambda p: (p.rank("user") < 0, p.rank("user"), p.place))
    notes.append(
        f"`{user.name}` has but {user.distinct} values in the first {len(user.values)} rows, so "
        f"`{found.name}` was taken for the user; if it is those: "
        f"`{typed('--columns', f'user={user.name}')}`"
    )
    return found


def is_of_people(profile: Profile) -> bool:
    """Whether it says who somebody is, and not by which device, program or card."""
    if profile.column.listed or profile.rank("item") >= 0:
        return False
    words = {*vocabulary.words_of(profile.label)} - vocabulary.IDS
    named = profile.rank("user") >= 0 and not words <= vocabulary.KINDS
    return named or (bool(profile.values) and is_address(profile))


def whole_of(item: Profile, pool: Sequence[Profile], notes: list[str]) -> Profile:
    """The item, or where it is one of several copies the book that they are of."""
    copies = vocabulary.COPIES & {*vocabulary.words_of(item.label)}
    books = [
        p
        for p in pool
        if vocabulary.BOOKS.intersection(vocabulary.words_of(p.label))
        or (copies and p.distinct < MOST_OF_COPIES * item.distinct and is_of_works(p))
    ]
    books = [p for p in books if p.may_be_id and not p.column.listed and p is not item]
    books = [p for p in books if p.filled >= item.filled and p.distinct < item.distinct]
    books = [p for p in books if depends(p, item)]
    if not books:
        return item
    book = min(books, key=lambda p: (p.wordy, -p.distinct, p.place))
    notes.append(
        f"several `{item.name}` are of one `{book.name}`, so `{book.name}` was taken for the item; "
        f"if each counts for itself: `{typed('--columns', f'item={item.name}')}`"
    )
    return book


def is_of_works(profile: Profile) -> bool:
    """Whether it is called as a title or an item is, and not as what has several items."""
    titled = vocabulary.TITLE.intersection(vocabulary.words_of(profile.label))
    return (bool(titled) or profile.rank("item") >= 0) and not holds_items(profile)


def title_of(pool: Sequence[Profile], user: Profile | None, notes: list[str]) -> Profile | None:
    """A column of titles, which name the items where nothing else does; so do many names that are
    not the users' own."""
    titles = [p for p in pool if vocabulary.compared(p.label) in TITLES and p.distinct > 1]
    if not titles and user is not None:
        names = [p for p in pool if vocabulary.compared(p.label) == "name" and p.distinct > FEW]
        titles = [p for p in names if p.may_be_id and not depends(p, user)]
    titles = [p for p in titles if not numbers_rows(p)]
    if len(titles) != 1 or titles[0].column.listed:
        return None
    notes.append(f"`{titles[0].name}` was taken for the item: no other column is one")
    return titles[0]


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
        sure = rank < vocabulary.SURE and profile.numeric  # ids such as 1026454.0000000006
        if not (profile.may_be_id or sure or profile.column.listed or list_form(profile.values)):
            continue
        if role != "item" and (profile.column.listed or is_of_several(profile)):
            continue
        many = len(profile.values) > SMALL_SAMPLE
        if role == "user" and rank >= vocabulary.NAMED and profile.distinct < 4 and many:
            continue  # the name of a client program, say
        if role != "item" and profile.is_flag and many and rank >= USUAL:
            continue
        if rank >= USUAL and profile.distinct < 2 and len(profile.values) > MANY:
            continue
        if role == "item" and may_be_of_rows(profile) and numbers_rows(profile):
            continue
        if role == "session" and numbers_rows(profile) and not has_sessions_as_rows(pool):
            continue  # each row would be a session
        if (role == "user" and is_number_of(profile, pool)) or holds_lengths(profile):
            continue
        if (role == "user" and is_kind(profile)) or (role == "item" and is_how_many(profile)):
            continue
        generic = is_generic(profile) and any(
            p.name.endswith("[]") and p.rank("item") >= 0 for p in pool
        )
        # No user has but one row, and no item is missing in most rows, if another column fits.
        odd = numbers_rows(profile) if role == "user" else profile.filled < 0.5 * fullest
        odd |= role == "user" and (is_mostly_nobody(profile) or is_of_a_title(profile, pool))
        odd |= is_of_the_row(profile) or (role == "item" and is_less(profile, pool, other))
        odd |= numbers_rows(profile) and not is_surely(profile, role)
        odd |= role == "item" and numbers_many_rows(profile) and has_another(profile, pool)
        holds = role == "item" and vocabulary.compared(profile.label) in vocabulary.CONTAINERS
        key = (generic and role == "item", is_nested(profile), odd, rank, holds, profile.place)
        ranked.append((key, profile))
    if not ranked:
        return None
    best = min(ranked, key=lambda pair: pair[0])[1]
    unique = is_generic(best) and best.distinct == len(best.values) > 20
    if unique:
        others = [(key, p) for key, p in ranked if p is not best]
        return min(others, key=lambda pair: pair[0])[1] if others else None
    return best


def may_be_of_rows(profile: Profile) -> bool:
    """Whether it is called as what anything may have, a row as well."""
    return vocabulary.compared(profile.label) in ("uri", "guid")


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


def by_look(
    rest: Sequence[Profile], pool: Sequence[Profile], notes: list[str]
) -> tuple[Profile | None, Profile | None]:
    """Without names: the user first and the item second, if there are just two columns of ids."""
    if any(p.label and p.name == p.label for p in pool):
        return None, None
    if len(pool) > WIDEST:
        return None, None  # of so many columns any two might be
    if len(pool) == 2:
        rest = list(pool)
    ids = [p for p in rest if is_like_ids(p) or len(pool) == 2]
    ids = [p for p in ids if not is_clock(p)]
    lists = [p for p in ids[1:] if list_form(p.values)]
    if ids and len(lists) == 1:
        return ids[0], unfolded(lists[0])
    ids = [p for p in ids if not numbers_rows(p)] if len(ids) > 2 else ids
    if len(ids) != 2:
        return None, None
    first, second = ids
    between = [p for p in pool if first.place < p.place < second.place and p.whole]
    if between and first.numeric and second.numeric:
        return None, None  # of a triple such as head, relation and tail, any may be what
    if (first.is_asin or first.is_isbn) and not second.is_asin_like:
        return second, first
    if is_address(second) and not is_address(first):
        first, second = second, first
    if not second.numeric or first.place > second.place or (first.place > 0 and len(pool) > 2):
        notes.append(
            f"the columns have no names: `{first.name}` was taken for the user; if it is the "
            f"item: `--columns user={second.name},item={first.name}`"
        )
    return first, second
