"""What a column is, by its name, its values and the columns beside it: an id of rows, a kind, a
contact, a length of time.

Each question is asked of the sample alone.
"""

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.baskets import pieces_repeat
from seqrec_cli.core.data.reading.lists import list_form, looks_nested
from seqrec_cli.core.data.reading.profiles import FEW, GROUPED, Profile
from seqrec_cli.core.data.reading.unfolding import AUTHORS

LONGEST_OF_IDS = 60  # characters on average; longer ones are texts
SMALL_SAMPLE = 10  # values, of which little can be told
# What an item may be called, and much else.
GENERIC = frozenset({"id", "uuid", "guid", "objectid", "reference", "url", "link", "thing"})
MOST_PARTS = 1000  # of a whole
FEW_OF_MANY = 8  # values
MOST_OF_COPIES = 0.9  # how many books there may be for each: more are mostly one of one
MANY = 30  # rows of which each has another value: those are numbers of the rows
LENGTH = re.compile(
    r"[0-9]{1,3}:[0-5][0-9](?::[0-5][0-9])?|(?:[0-9]+(?:时|小时))?[0-9]+分(?:[0-9]+秒)?"
)
NUMBERS = re.compile(r"[0-9]+(?:, ?[0-9]+)*")
# What is counted beside visitors, of whom there are so many then.
VISITED = frozenset({"views", "pageviews", "visits", "sessions", "hits", "clicks", "bounces"})


def distinct_pairs(one: Profile, other: Profile) -> int:
    """How many pairs of values two columns have."""
    return len({*zip(map(str, one.column.cells), map(str, other.column.cells), strict=True)})


def is_full_name(profile: Profile) -> bool:
    """Whether they are names as people have them, and not what they are called in one place."""
    plain = not any(sign.isdigit() or sign in "@_" for value in profile.values for sign in value)
    return plain and sum(" " in value for value in profile.values) > 0.3 * len(profile.values)


def is_contact(profile: Profile) -> bool:
    """Whether they are addresses of mail, or numbers of telephones by what they are called."""
    named = vocabulary.CONTACTS.intersection(vocabulary.words_of(profile.label))
    return is_address(profile) or (bool(named) and profile.distinct > FEW)


def is_recipient(profile: Profile) -> bool:
    """Whether it is called as who gets something, whoever bought it."""
    return bool(vocabulary.RECIPIENTS & {*vocabulary.words_of(profile.label)})


def holds_items(profile: Profile) -> bool:
    """Whether it is called as what has several items of its own, as a shop, an artist or a show."""
    made = vocabulary.MAKERS.intersection(vocabulary.words_of(profile.label))
    return bool(made) or vocabulary.compared(profile.label) in vocabulary.CONTAINERS


def item_lists(item: Profile, user: Profile) -> bool:
    """Whether a column of items holds lists: they are in brackets, have `|` or `;` between them, or
    are whole numbers with commas that are no groups of digits.

    Texts with other signs look so as well: then each user has about one row, or what is between
    the commas comes again and again while whole cells hardly do.
    """
    form = list_form(item.values)
    sure = form is not None and (form[0] in "|;" or looks_nested(item.values))
    numbers = all(map(NUMBERS.fullmatch, item.values))
    sure |= numbers and sum(not GROUPED.fullmatch(v) for v in item.values) > 0.5 * len(item.values)
    sure |= form is not None and form[0] == "," and pieces_repeat(item.values, ",")
    return sure or (form is not None and user.distinct > 0.5 * len(user.values))


def is_unnamed(profile: Profile) -> bool:
    """Whether the name does not say that a column is something else than an id."""
    if not profile.label:
        return True
    if profile.rank("event") >= 0 and (profile.distinct > FEW or profile.column.listed):
        return True  # so many kinds of events there are not; what was bought is items
    return not (
        vocabulary.compared(profile.label) in vocabulary.KNOWN
        and profile.rank("user") < 0
        and profile.rank("item") < 0
    )


def has_few(profile: Profile) -> bool:
    """Whether there are so few values in many rows that they are rather kinds of something."""
    return profile.distinct <= FEW_OF_MANY < len(profile.values) / FEW_OF_MANY


def has_few_in_turn(profile: Profile) -> bool:
    """Whether few have many rows each, and not all rows of one lie together, as of users in a log
    that is sorted by them."""
    runs = sum(1 for _ in itertools.groupby(profile.values))
    many = len(profile.values) > MANY * profile.distinct and not profile.column.listed
    return has_few(profile) and many and runs > 2 * profile.distinct


def is_how_many(profile: Profile) -> bool:
    """Whether it says how many, or the how manieth, by its name: `Pages`, `post_number`; such
    numbers are small."""
    parts = vocabulary.words_of(profile.label)
    many = any(word.endswith("s") and word[:-1] in vocabulary.PARTS["item"] for word in parts[-1:])
    placed = parts[-1:] in (["number"], ["no"], ["num"]) and {*parts[-2:-1]} <= vocabulary.NUMBERED
    most = MANY if many else MOST_PARTS
    return (many or (placed and len(parts) > 1)) and profile.whole and max(profile.numbers) < most


def is_kind(profile: Profile) -> bool:
    """Whether it is a kind of device, program or card: then one is that of most rows."""
    if vocabulary.compared(profile.label) not in vocabulary.KINDS or len(profile.values) <= MANY:
        return False
    ((_, most),) = Counter(profile.values).most_common(1)
    return most > 0.5 * len(profile.values)


def is_of_a_title(profile: Profile, pool: Sequence[Profile]) -> bool:
    """Whether they are authors of what the titles name, and not of the rows."""
    if not AUTHORS.intersection(vocabulary.words_of(profile.label)):
        return False
    titles = (p for p in pool if p.rank("title") >= 0 and p is not profile)
    return any(depends(profile, p) and p.distinct < 0.9 * len(p.values) for p in titles)


def is_number_of(profile: Profile, pool: Sequence[Profile]) -> bool:
    """Whether it says how many visitors there were, beside how many visits."""
    last = vocabulary.words_of(profile.label)[-1]
    if not (profile.numeric and last.endswith("s") and last[:-1] in vocabulary.PARTS["user"]):
        return False
    others = (p for p in pool if p is not profile and p.numeric and p.label)
    return any(VISITED.intersection(vocabulary.words_of(p.label)[-1:]) for p in others)


def holds_lengths(profile: Profile) -> bool:
    """Whether some are lengths of time, as of what was played."""
    lengths = sum(LENGTH.fullmatch(value) is not None for value in profile.values)
    return lengths > 0.1 * len(profile.values)


def is_mostly_nobody(profile: Profile) -> bool:
    """Whether most rows have a value that stands for nobody."""
    ((value, most),) = Counter(profile.values).most_common(1)
    return value.lower() in vocabulary.NOBODY and most > 0.5 * len(profile.values)


def has_sessions_as_rows(pool: Sequence[Profile]) -> bool:
    """Whether a row has all items of a session, so that none has two rows, and nothing else tells
    whose it is."""
    lists = any(p.rank("item") >= 0 and p.is_list for p in pool)
    flat = [p for p in pool if not p.is_list and p.rank("item") < 0 and is_unnamed(p)]
    # A title or a number of something is not whose the session is.
    flat = [
        p
        for p in flat
        if p.rank("user") >= 0 or not vocabulary.NOT_IDS & set(vocabulary.words_of(p.label))
    ]
    return lists and not any(
        p.distinct > FEW and p.may_be_id and not p.is_moment and not numbers_rows(p) for p in flat
    )


def is_less(profile: Profile, pool: Sequence[Profile], user: Profile | None) -> bool:
    """Whether a column that sounds like an item says less than one: whose it is, or of what kind.

    So does an attribute of the user, and an artist where another column has the tracks.
    """
    if user is not None and depends(profile, user) and 4 < user.distinct < 0.7 * len(user.values):
        return True
    if vocabulary.compared(profile.label) in GENERIC and (
        numbers_rows(profile) or (user is not None and depends(user, profile))
    ):
        return True  # of a row, or of an order
    return vocabulary.compared(profile.label) in vocabulary.CONTAINERS and any(
        other is not profile
        and vocabulary.compared(other.label) not in vocabulary.CONTAINERS
        and other.rank("item") >= 0
        and other.may_be_id
        and other.distinct > profile.distinct
        for other in pool
    )


def is_surely(profile: Profile, role: vocabulary.Named) -> bool:
    """Whether the name says of itself that a column is this."""
    doubtful = vocabulary.compared(profile.label) in GENERIC | vocabulary.CONTAINERS
    return 0 <= profile.rank(role) < vocabulary.SURE and not doubtful


def numbers_rows(profile: Profile) -> bool:
    """Whether no value comes twice, in a sample in which some would."""
    return profile.distinct == len(profile.values) > MANY


def numbers_many_rows(profile: Profile) -> bool:
    """Whether no value comes twice in so many rows that nothing could be learned of items."""
    return profile.distinct == len(profile.values) > 3 * MANY


def has_another(profile: Profile, pool: Sequence[Profile]) -> bool:
    """Whether another column is called an item, is no artist of several, and comes again."""
    others = (p for p in pool if p is not profile and p.rank("item") >= 0 and p.may_be_id)
    others = (p for p in others if vocabulary.compared(p.label) not in vocabulary.CONTAINERS)
    return any(1 < p.distinct < 0.9 * len(p.values) and not is_how_many(p) for p in others)


def is_of_the_row(profile: Profile) -> bool:
    """Whether it numbers the rows, whatever it is called."""
    return profile.is_row_number and len(profile.values) > 20


def depends(profile: Profile, other: Profile) -> bool:
    """Whether the values of `other` say those of `profile`, in the sample; never of lists."""
    if profile.column.listed or other.column.listed:
        return False
    seen: dict[object, object] = {}
    pairs = zip(other.column.cells, profile.column.cells, strict=True)
    return all(seen.setdefault(key, value) == value for key, value in pairs)


def is_told_by(profile: Profile, owner: Profile) -> bool:
    """Whether each value of `owner`, which come again, has but one of `profile`: it is of them, and
    not of the rows."""
    again = not owner.column.listed and owner.distinct < 0.7 * len(owner.values)
    return again and depends(profile, owner)


def is_address(profile: Profile) -> bool:
    """Whether they are addresses of mail, which people have."""
    return all("@" in value[1:-1] for value in profile.values)


def is_like_ids(profile: Profile) -> bool:
    """Whether values without a name are ids rather than flags, one constant or kinds of events."""
    if profile.numeric and not profile.whole and not profile.label:
        return False  # 12.0 without a name is an amount
    if len(profile.values) <= SMALL_SAMPLE:
        return True
    if profile.is_flag or profile.distinct < 2:
        return False
    if profile.mean_length > LONGEST_OF_IDS and not profile.is_list:
        return False
    if not profile.label and profile.numeric and profile.distinct < 3:
        return False  # 0 and 4, say
    many = len(profile.values) > 2 * FEW
    words = all("9" not in look for look in profile.shapes)
    return not (many and words and profile.distinct <= FEW)


def is_of_part(profile: Profile) -> bool:
    """Whether it is what anything may have, of a part that is not called an item."""
    part = profile.name.partition("[]")[0].rpartition(".")[2]
    generic = vocabulary.compared(profile.label) in GENERIC
    return is_nested(profile) and generic and vocabulary.rank(part, "item") < 0


def is_nested(profile: Profile) -> bool:
    return profile.column.listed and "[]" in profile.name


def is_generic(profile: Profile) -> bool:
    """Whether it is called `id` alone, so that anything may have it."""
    return vocabulary.compared(profile.label) == "id"
