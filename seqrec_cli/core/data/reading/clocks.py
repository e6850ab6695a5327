"""Times of day in columns of their own, beside one with the dates."""

import re
from collections.abc import Callable, Sequence

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.profiles import FEW, Profile
from seqrec_cli.core.storage.text import is_digits

DAY = 86_400
CLOCKS = frozenset(
    {"hour", "hourmin", "hhmm", "hhmmss", "time", "timeofday", "transtime", "clock", "hourminute"}
    | {"uhrzeit", "heure", "hora", "ordertime", "transactiontime", "orderhourofday", "eventtime"}
    | {"purchasetime", "invoicetime", "saletime", "visittime", "timeframe"}
    | {"ora", "orario", "tijd", "tijdstip", "klokkeslett", "klockslag", "saat", "godzina", "hodina"}
    | {"cas", "время", "час", "ωρα", "时刻", "時刻", "시각", "시간", "時間", "时间"}
)
HOURS = frozenset({"hour", "hr", "hh", "stunde"})  # the last word of a name
# What they are called beside an hour, the last word of a name; in seconds.
PARTS_OF_HOURS = (
    (60, frozenset({"minute", "min", "mi", "mm", "minuto", "minuut", "minuta"})),
    (1, frozenset({"second", "sec", "ss", "segundo", "seconde", "secondo", "sekunde", "sekunda"})),
)
# What is counted since midnight, in seconds: how many one of it is.
SINCE_MIDNIGHT = {
    f"{unit}{more}": size
    for units, size in (
        ("hour", 3600.0),
        ("minute min", 60.0),
        ("second sec", 1.0),
        ("millisecond millis milli ms", 0.001),
    )
    for stem in units.split()
    for unit in (stem, f"{stem}s")
    for more in ("ofday", "oftheday", "ofthisday", "aftermidnight", "frommidnight", "sincemidnight")
}
# The last words of names that also have numbers for a time of day, as 1753, beside a date.
STARTS = frozenset({"start", "begin", "beginn", "from", "von", "on", "in", "at"})
STOPS = frozenset({"end", "ende", "stop", "to", "bis", "until", "off", "out", "finish", "due"})
TIMED = frozenset({"time", "tm", "uhrzeit", "zeit", "heure", "hora", "ora", "tijd", "tid", "clock"})
TIMES = ("time", "tday")  # how other names end, as those of IBM's and JD Edwards' tables
LATEST_HOUR = 30  # stations count on after midnight: 2530 is half past one, of the day before
HALF_DAY = re.compile(r"(?:0?[1-9]|1[0-2]):[0-5][0-9](?::[0-5][0-9])? ?[AaPp][Mm]")
PAIR = re.compile("[0-9][:hH][0-9]")
SHORT = re.compile("(?:[01]?[0-9]|2[0-3])[:hH][0-5][0-9]")
# What is put around a time of day, and between its parts; in the words of engine and Python alike.
HOUR = re.compile(r"^([0-9]{1,2}) ?(?:[Uu]hr|[Hh]|[时時點点시])\.?$")
AROUND = re.compile(
    r"^(?:[Kk][Ll]\.?|[Uu][Mm]|[Aa][Tt]) | ?(?:[Uu][Hh][Rr]|[Hh][Rr]?[Ss]?|[分분])\.?$"
)
BETWEEN = re.compile(r"([0-9]) ?(?:[Uu]hr|h|[时時點点시]) ?([0-9])")
WORDED = re.compile(
    r"[0-9] ?(?:[Uu][Hh][Rr]|[时時點点시분分]|[Hh][Rr]?[Ss]?\.?$)|^[KkUuAa][LlMmTt]"
)
SLOTS = 100  # times of day, of which there are only so many
MILLIS = frozenset({"timeframe"})
MANY = 30  # values
FEWEST_HOURS = 3  # that times of day are of
# Words before `time` of what is measured, not dated.
DURATIONS = vocabulary.words(
    "screen prep preparation cook cooking bake baking response reaction read reading lead play "
    "playing watch watching travel travelling wait waiting delivery transit process processing run "
    "running ride riding drive driving flight work working session load loading build total active "
    "idle dwell elapsed view viewing listen listening completion average avg mean rest sleep usage "
    "page site boot turnaround handling service cycle lap finish solve solving spent"
)


def is_named_clock(profile: Profile) -> bool:
    """Whether the name says that a column holds times of day."""
    plain = vocabulary.compared(profile.label)
    words = vocabulary.words_of(profile.label)[-1:]
    return plain in CLOCKS or plain in SINCE_MIDNIGHT or not HOURS.isdisjoint(words)


def is_plain_clock(profile: Profile) -> bool:
    """Whether a column whose name says nothing holds what can be nothing but times of day."""
    words = set(vocabulary.words_of(profile.label))
    values = profile.values
    if not values or words & (vocabulary.NOT_MOMENTS | vocabulary.IDS):
        return False
    if all(map(HALF_DAY.fullmatch, values)):
        return True
    many = profile.distinct > 0.5 * min(len(values), SLOTS)
    if all(value.count(":") == 2 or value.count(".") == 2 for value in values):
        return not profile.label or many
    bare = [bare_clock(value) for value in values]
    if all(map(SHORT.fullmatch, bare)):  # no lengths: those are short, or have more minutes
        late = max(int(value[:-3]) for value in bare) > 12
        return late and len(values) > MANY and (many or profile.rank("time") >= 0)
    six = all(len(value) == 6 and is_digits(value) for value in values)
    six = six and len({value[:2] for value in values}) > 2  # 202351 is of a year, not of 8 p.m.
    return six and len(values) > MANY and many


def is_clock(profile: Profile) -> bool:
    """Whether a column holds times of day without a date."""
    known = is_named_clock(profile) or is_plain_clock(profile)
    return known and clock_sql(profile) is not None


def is_clock_in_digits(profile: Profile) -> bool:
    """Whether a column holds times of day as 1753, by its values, the last word of its name and the
    date that it stands beside."""
    words = vocabulary.words_of(profile.label)
    if not words or is_of_a_duration(words) or len(profile.values) < MANY:
        return False
    if not ((TIMED | STARTS | STOPS) & set(words[-1:]) or words[-1].endswith(TIMES)):
        return False
    if set(words) & (vocabulary.NOT_MOMENTS - {"until"}):
        return False
    shortest = 1 if profile.distinct >= FEW else 3  # 5 is a time of day among 1753 and the like
    if not all(is_digits(value) and shortest <= len(value) <= 6 for value in profile.values):
        return False
    # Of other numbers of that size, two in five have no such minutes.
    many = profile.distinct > 0.3 * min(len(profile.values), SLOTS)
    numbers = [int(value) for value in profile.values]
    part = 100 if max(numbers) < LATEST_HOUR * 100 else 10000
    hours, rest = {n // part for n in numbers}, {n % part for n in numbers}
    # The numbers from 1000 to 1059 are of one hour, and those of rooms of few minutes.
    spread = max(numbers) >= 1000 and len(hours) >= FEWEST_HOURS and len(rest) > 1
    return many and spread and clock_sql(profile) is not None


def is_of_a_duration(words: Sequence[str]) -> bool:
    """Whether a name in these words is of how long something took, as `prep_time` or `playtime`."""
    heads = {word.removesuffix("time").removesuffix("zeit") for word in words}
    return words[-1] not in STARTS | STOPS and not DURATIONS.isdisjoint(heads)


def clocks_beside(profiles: Sequence[Profile]) -> list[Profile]:
    """The columns that may be the time of day of a date, the likeliest first: one that its name or
    values make one, then when something began, and last when it ended."""

    def place(profile: Profile) -> int:
        words = set(vocabulary.words_of(profile.label))
        return 2 * bool(words & STOPS) + (not is_clock(profile))

    fitting = [each for each in profiles if is_clock(each) or is_clock_in_digits(each)]
    return sorted(fitting, key=place)


def bare_clock(text: str) -> str:
    """A time of day without what is around it: 8:40 of `8 Uhr 40` and `8:40 h`."""
    return BETWEEN.sub(r"\1:\2", AROUND.sub("", HOUR.sub(r"\1:00", text)))


def bare_sql(text: str) -> str:
    """SQL of a time of day without what is around it."""
    hour = f"regexp_replace({text}, {quoted(HOUR.pattern)}, '\\1:00')"
    outer = f"regexp_replace({hour}, {quoted(AROUND.pattern)}, '', 'g')"
    return f"regexp_replace({outer}, {quoted(BETWEEN.pattern)}, '\\1:\\2')"


def clock_sql(profile: Profile) -> Callable[[str], str] | None:
    """SQL of the seconds since midnight in a column of times of day; None where it is none."""
    if profile.column.listed or not profile.values:
        return None
    if any(map(WORDED.search, profile.values)) and not profile.numeric:
        values = [bare_clock(value) for value in profile.values]
        found = sql_of_clocks(profile, values)
        return found and (lambda text: found(bare_sql(text)))
    return sql_of_clocks(profile, profile.values)


def sql_of_clocks(profile: Profile, values: Sequence[str]) -> Callable[[str], str] | None:
    """SQL of the seconds since midnight in the values of a column; None where they are no times of
    day."""
    if all(
        len(parts := re.split("[:hH]" if PAIR.search(value) else "[.]", value)) in (2, 3)
        and all(is_digits(part) and len(part) < 3 for part in parts)
        and int(parts[0]) < 24
        for value in values
    ):
        return lambda text: (
            "CAST(extract('epoch' FROM "
            f"TRY_CAST(translate({text}, '.hH', ':::') AS TIME)) AS BIGINT)"
        )
    if all(HALF_DAY.fullmatch(value) for value in values):
        formats = "['%I:%M %p', '%I:%M:%S %p', '%I:%M%p', '%I:%M:%S%p']"
        return lambda text: (
            f"CAST(extract('epoch' FROM try_strptime({text}, {formats})::TIME) AS BIGINT)"
        )
    if not all(is_digits(value) and len(value) <= 8 for value in values):
        return None
    numbers = [int(value) for value in values]
    plain = vocabulary.compared(profile.label)
    if plain in SINCE_MIDNIGHT:
        size = SINCE_MIDNIGHT[plain]
        fits = max(numbers) * size <= DAY
        return (lambda text: within_sql(text, DAY / size, size)) if fits else None
    if plain in MILLIS and DAY <= max(numbers) < 1000 * DAY:
        return lambda text: f"(({number_sql(text, 'BIGINT')}) / 1000.0)"
    if max(numbers) < 24:  # hours, as not all is of the first minutes of a day
        return lambda text: within_sql(text, 23, 3600)
    if all(n // 100 < LATEST_HOUR and n % 100 < 60 for n in numbers):
        return lambda text: hours_sql(number_sql(text, "BIGINT"), with_seconds=False)
    if all(n // 10000 < 24 and n // 100 % 100 < 60 and n % 100 < 60 for n in numbers):
        return lambda text: hours_sql(number_sql(text, "BIGINT"), with_seconds=True)
    return None


def parts_of_hours(hour: Profile, profiles: Sequence[Profile]) -> list[tuple[Profile, int]]:
    """The columns with the minutes and the seconds of a time of day whose hour is in one of its
    own, and how many seconds one of each is; their names differ in the last word alone."""
    if not hour.whole_valued or max(hour.numbers) >= 24:
        return []
    before = vocabulary.words_of(hour.label)[:-1]
    found: list[tuple[Profile, int]] = []
    for size, names in PARTS_OF_HOURS:
        for profile in profiles:
            words = vocabulary.words_of(profile.label)
            named = words[:-1] == before and not names.isdisjoint(words[-1:])
            whole = profile.whole_valued and profile.filled >= hour.filled
            if named and whole and not profile.column.listed:
                if min(profile.numbers) < 0 or max(profile.numbers) >= 60:
                    return []
                found.append((profile, size))
                break
        else:
            return found  # seconds of no minute are no time
    return found


def within_sql(text: str, most: float, size: float) -> str:
    """SQL of a number from 0 to `most` as seconds, of which one of it is `size`."""
    number = number_sql(text, "BIGINT")
    return f"CASE WHEN ({number}) BETWEEN 0 AND {most} THEN ({number}) * {size} END"


def hours_sql(number: str, *, with_seconds: bool) -> str:
    """SQL of the seconds since midnight of a number as 1205 or, with seconds, 120530; NULL where
    it is none."""
    if with_seconds:
        whole = f"(({number}) // 10000 * 3600 + ({number}) // 100 % 100 * 60 + ({number}) % 100)"
        fits = f"({number}) < 240000 AND ({number}) // 100 % 100 < 60 AND ({number}) % 100 < 60"
    else:
        whole = f"(({number}) // 100 * 3600 + ({number}) % 100 * 60)"
        fits = f"({number}) < {LATEST_HOUR * 100} AND ({number}) % 100 < 60"
    return f"CASE WHEN ({number}) >= 0 AND {fits} THEN {whole} END"
