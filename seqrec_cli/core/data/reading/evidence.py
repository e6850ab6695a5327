"""What a column itself says of whether it is the user or the item: its name and its values."""

import re
from collections import Counter
from typing import Literal

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.clocks import is_clock
from seqrec_cli.core.data.reading.judging import (
    MANY,
    SMALL_SAMPLE,
    holds_lengths,
    is_address,
    is_generic,
    is_like_ids,
    is_surely,
    is_unnamed,
)
from seqrec_cli.core.data.reading.pieces import PIECE_NAMES, PIECES
from seqrec_cli.core.data.reading.profiles import Profile

Person = Literal["user", "item"]
ROLES: tuple[Person, Person] = ("user", "item")
MOST_KINDS = 6  # of events, and not rather of what was done
MOST_OF_A_SCALE = 10
MOSTLY_NEW = 0.9  # of the rows
LONGEST_NAME = 4  # words; of a question each may be by chance
UNITS = frozenset(
    {"seconds", "secs", "sec", "minutes", "mins", "min", "hours", "hrs", "ms", "msec"}
)
COUNTERS = frozenset({"position", "index", "rank", "step", "sequence", "hit", "line"})
STEP = re.compile(r"[.\[\]]+")  # of a path in nested data
NUMBERED = re.compile(r"([^\W\d_]{2,})[#:_/ -]?[0-9]+")  # as in `USER#0030`
CURRENCIES = (
    "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|KRW|BRL|MXN|ARS|CLP|COP|PEN|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK"
    "|HUF|RON|BGN|RSD|TRY|RUB|UAH|ILS|SAR|AED|EGP|KWD|QAR|IDR|MYR|SGD|THB|VND|PHP|TWD|HKD|ZAR|NGN"
    "|KES|PKR|BDT|LKR"
)
SIGN = rf"(?:{CURRENCIES}|US\$|R\$|[$€£¥₹₺₽₩₫₪฿]|kr|zł|Kč|Ft|lei|TL|ر\.س)"
MONEY = re.compile(rf"-?{SIGN} ?-?[0-9][0-9.,' ]*|-?[0-9][0-9.,' ]*{SIGN}")
PATH = re.compile(r"[a-z][a-z0-9+.-]*://\S+|/\S+")
PERSON = re.compile(r"[^\W\d_]{2,}(?:[ .'-]+[^\W\d_]+){0,2},? [^\W\d_]{2,}")


def may_be(profile: Profile) -> bool:
    """Whether a column may hold ids of users or items, by its values and by what it is called."""
    words = set(vocabulary.words_of(profile.label))
    hints = [name_points(profile, role) + value_points(profile, role) for role in ROLES]
    pieces = {*(PIECE_NAMES if profile.numeric else PIECES)}
    strange = (vocabulary.NOT_MOMENTS | pieces | COUNTERS) - vocabulary.LEANING["item"]
    strange = (strange | UNITS if profile.numeric else strange) - vocabulary.IDS
    if (words & strange and "id" not in words and max(hints) < 3) or (
        profile.rank("rating") >= 0
        or profile.rank("position") >= 0
        or (profile.rank("time") >= 0 and not is_called_id(profile))
    ):
        return False
    if profile.is_list:
        return profile.distinct > 1
    if is_money(profile):
        return False
    if not profile.may_be_id or is_clock(profile) or profile.is_row_number:
        return False
    if holds_lengths(profile):
        return False
    many = len(profile.column.cells) > SMALL_SAMPLE
    if many and (profile.distinct == len(profile.values) or not is_varied(profile)):
        return False
    if profile.wordy and profile.distinct > 0.7 * len(profile.values):
        return False  # texts
    if profile.rank("event") >= 0:
        return profile.distinct > MOST_KINDS
    if profile.label and not any(hints) and not is_called_id(profile) and is_scale(profile):
        return False
    return is_like_ids(profile) or any(hints)


def is_money(profile: Profile) -> bool:
    """Whether they are amounts of money, by the signs beside them or by what they are called."""
    if profile.values and all(map(MONEY.fullmatch, profile.values)):
        return True
    priced = vocabulary.PRICES.intersection(vocabulary.words_of(profile.label))
    return bool(priced) and not is_called_id(profile) and (profile.numeric or profile.comma_numeric)


def evidence(profile: Profile, role: Person) -> int:
    """How much a column itself says that it is the user, or the item."""
    other: Person = "item" if role == "user" else "user"
    against = name_points(profile, other) + max(0, value_points(profile, other) - 1)
    found = name_points(profile, role) + value_points(profile, role) - against
    found -= role == "user" and profile.column.listed
    # Who or what comes once is nothing to learn from.
    found -= 2 * (profile.distinct > MOSTLY_NEW * len(profile.values) > MOSTLY_NEW * MANY)
    return found + is_called_id(profile) - is_measure(profile)


def name_points(profile: Profile, role: Person) -> int:
    """How much the name says that a column is this."""
    rank = profile.rank(role)
    words = set(vocabulary.words_of(profile.label))
    if rank >= 0 and not is_generic(profile):
        return 4 if is_surely(profile, role) else 3
    if words & vocabulary.LEANING[role] and len(words) <= LONGEST_NAME:
        return 2
    if role == "user" and profile.rank("session") >= 0:
        return 1
    whole = [word for step in STEP.split(profile.label) for word in vocabulary.words_of(step)]
    return int(any(word.rstrip("s") in vocabulary.PARTS[role] for word in whole))


def value_points(profile: Profile, role: Person) -> int:
    """How much the values say that a column is this."""
    values = profile.values
    numbered = [NUMBERED.fullmatch(value) for value in values]
    kinds = {match[1].lower() for match in numbered if match}
    if all(numbered) and kinds <= vocabulary.PARTS[role]:
        return 3
    if role == "item":
        return 2 * (profile.is_asin or profile.is_isbn or all(map(PATH.fullmatch, values)))
    if is_address(profile):
        return 3
    if not profile.label or not all(map(PERSON.fullmatch, values)):
        return 0
    return 3 if vocabulary.TITLED.intersection(vocabulary.words_of(profile.label)) else 1


def is_called_id(profile: Profile) -> bool:
    named = vocabulary.IDS.intersection(vocabulary.words_of(profile.label))
    return bool(named) or vocabulary.compared(profile.label).endswith("id")


def is_measure(profile: Profile) -> bool:
    """Whether it looks like a number of something, or is called so or another thing."""
    if is_scale(profile):
        return True
    if vocabulary.compared(profile.label) in ("", "event") or value_points(profile, "user"):
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
