"""Times of day in columns of their own, beside one with the dates."""

import re
from collections.abc import Callable

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.storage.text import is_digits

DAY = 86_400
CLOCKS = frozenset(
    {"hour", "hourmin", "hhmm", "hhmmss", "time", "timeofday", "transtime", "clock", "hourminute"}
    | {"uhrzeit", "heure", "hora", "ordertime", "transactiontime", "orderhourofday", "eventtime"}
    | {"purchasetime", "invoicetime", "saletime", "visittime", "timeframe", "msofday"}
)
HALF_DAY = re.compile(r"(?:0?[1-9]|1[0-2]):[0-5][0-9](?::[0-5][0-9])? ?[AaPp][Mm]")
MILLIS = frozenset({"timeframe", "msofday"})
MANY = 30  # values


def is_named_clock(profile: Profile) -> bool:
    """Whether the name says that a column holds times of day."""
    plain = vocabulary.compared(profile.label)
    return plain in CLOCKS or vocabulary.words_of(profile.label)[-1:] == ["hour"]


def is_plain_clock(profile: Profile) -> bool:
    """Whether a column whose name says nothing holds what can be nothing but times of day."""
    words = set(vocabulary.words_of(profile.label))
    if words & (vocabulary.NOT_MOMENTS | vocabulary.IDS):
        return False
    if all(value.count(":") == 2 or value.count(".") == 2 for value in profile.values):
        return not profile.label or profile.distinct > 0.5 * len(profile.values)
    six = all(len(value) == 6 and is_digits(value) for value in profile.values)
    return six and len(profile.values) > MANY and profile.distinct > 0.5 * len(profile.values)


def is_clock(profile: Profile) -> bool:
    """Whether a column holds times of day without a date."""
    return is_named_clock(profile) and clock_sql(profile) is not None


def clock_sql(profile: Profile) -> Callable[[str], str] | None:
    """SQL of the seconds since midnight in a column of times of day; None where it is none."""
    if profile.column.listed or not profile.values:
        return None
    if all(
        len(parts := value.split(":") if ":" in value else value.split(".")) in (2, 3)
        and all(is_digits(part) and len(part) < 3 for part in parts)
        and int(parts[0]) < 24
        for value in profile.values
    ):
        return lambda text: (
            f"CAST(extract('epoch' FROM TRY_CAST(replace({text}, '.', ':') AS TIME)) AS BIGINT)"
        )
    if all(HALF_DAY.fullmatch(value) for value in profile.values):
        formats = "['%I:%M %p', '%I:%M:%S %p', '%I:%M%p', '%I:%M:%S%p']"
        return lambda text: (
            f"CAST(extract('epoch' FROM try_strptime({text}, {formats})::TIME) AS BIGINT)"
        )
    if not all(is_digits(value) and len(value) <= 8 for value in profile.values):
        return None
    numbers = [int(value) for value in profile.values]
    if vocabulary.compared(profile.label) in MILLIS and DAY <= max(numbers) < 1000 * DAY:
        return lambda text: f"(({number_sql(text, 'BIGINT')}) / 1000.0)"
    hours = vocabulary.compared(profile.label).endswith(("hour", "hourofday"))
    if max(numbers) < 24 and hours:
        return lambda text: f"({number_sql(text, 'BIGINT')}) * 3600"
    if all(n // 100 < 24 and n % 100 < 60 for n in numbers):
        return lambda text: hours_sql(number_sql(text, "BIGINT"), with_seconds=False)
    if all(n // 10000 < 24 and n // 100 % 100 < 60 and n % 100 < 60 for n in numbers):
        return lambda text: hours_sql(number_sql(text, "BIGINT"), with_seconds=True)
    return None


def hours_sql(number: str, *, with_seconds: bool) -> str:
    """SQL of the seconds since midnight of a number as 1205 or, with seconds, 120530."""
    if with_seconds:
        return f"(({number}) // 10000 * 3600 + ({number}) // 100 % 100 * 60 + ({number}) % 100)"
    return f"(({number}) // 100 * 3600 + ({number}) % 100 * 60)"
