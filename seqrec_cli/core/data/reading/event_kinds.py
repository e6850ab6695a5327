"""Which columns say what kind of event a row is, or whether it was meant well, and what to leave
out by them."""

import re
from collections.abc import Iterable, Mapping

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.dates import unaccented
from seqrec_cli.core.data.reading.doings import DOINGS, name_words, says_action, says_something_done
from seqrec_cli.core.data.reading.judging import depends, is_told_by
from seqrec_cli.core.data.reading.profiles import TRUTHS, Profile
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import Plan
from seqrec_cli.core.data.reading.statuses import is_undone, says_status
from seqrec_cli.core.data.reading.wording import where_option, without_options

MOST_EVENTS = 20  # values of a column that may be a type of event
MOST_ANSWERS = 6  # that somebody may give
MOST_WORDS = 6  # of a column without a name
# What people say no with, in any column.
DECLINED = frozenset(
    {"against", "contra", "gegen", "contre", "dislike", "disliked", "dismiss", "dismissed"}
    | {"not interested", "skipped", "downvote", "downvoted", "oppose", "opposed", "nope"}
    | {"thumbs down", "unlike", "unliked", "unfollow", "unfollowed", "unsubscribe"}
    | {"check in", "checkin", "checked in", "swipe left"}
)
# The same in a column that is called an answer.
NO = vocabulary.words(
    "no nein non nao nej nie нет 否 아니오 いいえ left down false negative hidden hide skip "
    "reject rejected decline declined block blocked returned return 0 -1 0.0 -1.0"
)
ANSWERS = vocabulary.words(
    "label target converted read like buy "
    "vote votes vot ballot response rsvp reaction decision direction swipe feedback opinion "
    "sentiment verdict answer positive liked accepted approved interested recommended clicked "
    "click purchased bought ordered watched selected"
)
SIGNS = frozenset({"-1", "0", "1", "-1.0", "0.0", "1.0"})
FLAGS = frozenset({"0", "1", "0.0", "1.0"})
FALSE = frozenset({"false", "no", "f", "n", "0", "0.0"})
# A column called so says yes to what was not wanted, or to what nobody did.
UNWANTED = vocabulary.words(
    "skipped skip dismissed disliked dislike hidden hide blocked block unfollow unlike removed "
    "deleted bot robot test fraud spam internal"
)
PLACES = vocabulary.words("direction")  # what numbers say no answer of


def event_columns(relation: Relation, plan: Plan) -> list[Profile]:
    """The columns that look like a type of event or a label, the likeliest first."""
    used = plan.used()
    found = []
    for place, column in enumerate(relation.columns):
        profile = Profile(column, place)
        if column.name in used or not profile.values or not is_of_rows(profile, plan):
            continue
        rank = profile.rank("event")
        few = 1 < profile.distinct <= MOST_EVENTS
        words = not profile.label and few and not profile.numeric and len(profile.values) > 20
        unnamed = words and profile.distinct <= MOST_WORDS
        if few and (rank >= 0 or unnamed or says_kinds(profile) or says_what_came(profile, plan)):
            found.append(((rank if rank >= 0 else 500, place), profile))
    return [profile for _, profile in sorted(found, key=lambda pair: pair[0])]


def is_of_rows(profile: Profile, plan: Plan) -> bool:
    """Whether a column has a value for each row, or one for all of its list, as the event that some
    items were shown at once; what it says of a user is no kind of event."""
    column, rows = profile.column, plan.unfolded
    if rows is None:
        return not column.listed
    if column.listed:
        return column.parent == rows.column.parent
    lists = any(isinstance(cell, list) for cell in plan.item.column.cells)
    return lists and not depends(profile, plan.user)


def says_kinds(profile: Profile) -> bool:
    """Whether the name or the values say that rows are of several kinds."""
    parts = name_words(profile.label)
    if (profile.is_flag or profile.is_truth) and parts[:1] in (["is"], ["has"]):
        return True
    values = {compared_value(value) for value in profile.values}
    if parts[-1:] == ["status"] or 0 < sum(map(is_undone, values)) < len(values):
        return True
    if any_but_all(values, DECLINED) and len(values) <= MOST_ANSWERS:
        return True
    if len(values & DOINGS) > 1 and 2 * len(values & DOINGS) >= len(values):
        return True
    signs = profile.numeric and {-1.0, 1.0} <= set(profile.numbers) <= {-1.0, 0.0, 1.0}
    return signs or (any_but_all(values, NO) and is_answer(parts, values))


def is_answer(parts: list[str], values: set[str]) -> bool:
    """Whether a column is called as one with answers, and has no more than there are."""
    numbers = any(value.lstrip("-").replace(".", "").isdigit() for value in values)
    if numbers and (not SIGNS.issuperset(values) or PLACES.intersection(parts)):
        return False
    return len(values) <= MOST_ANSWERS and (not ANSWERS.isdisjoint(parts) or is_unwanted(parts))


def says_what_came(profile: Profile, plan: Plan) -> bool:
    """Whether the name says what was done in a row or what came of it, and not what its user or
    item is."""
    if profile.is_flag or profile.is_truth:
        said = says_something_done(profile.label)
    else:
        said = not profile.numeric and (says_status(profile.label) or says_action(profile.label))
    return said and not any(is_told_by(profile, owner) for owner in (plan.user, plan.item))


def is_unwanted(parts: Iterable[str]) -> bool:
    """Whether the words of a name say what was undone, or not wanted."""
    return any(part in UNWANTED or is_undone(part) for part in parts)


def compared_value(value: str) -> str:
    """A value as it is compared with words; numbers keep their signs."""
    text = unaccented(value).strip()
    return text if text in SIGNS else re.sub("[_-]", " ", text).strip()


def any_but_all(values: set[str], words: frozenset[str]) -> bool:
    return bool(values & words) and not values <= words


def option_for(name: str, counts: Mapping[str, int]) -> str:
    """The option that chooses rows by a column: those without what was undone or not wanted, where
    words say which these are; else the most frequent kind."""
    values = {value: compared_value(value) for value in counts if value}
    unwanted = unwanted_of(name, {*values.values()})
    out = [value for value, word in values.items() if word in unwanted]
    if out and len(out) < len(counts):
        return without_options(name, out)
    return where_option(name, next(iter(counts)))


def unwanted_of(name: str, values: set[str]) -> frozenset[str]:
    """Which values of a column are of what was undone or not wanted, by its name and by theirs."""
    if values <= TRUTHS or values <= FLAGS:
        parts = name_words(name)
        if is_unwanted(parts):
            return frozenset((TRUTHS | FLAGS) - FALSE)
        return FALSE if says_something_done(name) or not ANSWERS.isdisjoint(parts) else frozenset()
    found = DECLINED.union(filter(is_undone, values))
    codes = any(value.isdigit() and value not in SIGNS for value in values)
    return NO if found.isdisjoint(values) and not codes else found
