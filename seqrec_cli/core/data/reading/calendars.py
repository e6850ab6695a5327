"""Dates of other calendars than days and months of our years: weeks, quarters and terms, the eras
of Japan, the years of Taiwan and Thailand, the days of Iran."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.dated_numbers import CJK, DAY, ROC, WEEK, monday_sql, says_when
from seqrec_cli.core.data.reading.dates import LONGEST
from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.times import MILLION, TimeForm, forms_of, least_of
from seqrec_cli.core.data.reading.units import SECONDS

QUARTER, TERM = 90 * DAY, 120 * DAY
YEAR = "(?P<Y>(?:19|20)[0-9]{2})"
# Weeks; their year and number, perhaps the day.
WEEK_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^{YEAR}[- /]?(?:[Ww]|KW|CW|[Ww][Kk]|[Ww]eek)[- ]?(?P<n>[0-9]{{1,2}})$",
        rf"^{YEAR}-?W(?P<n>[0-9]{{2}})-?(?P<d>[1-7])$",
        rf"^(?:[Ww]|KW|CW|[Ww][Kk]|[Ww]eek|Woche|[Uu]ge|[Vv]ecka)\.? ?(?P<n>[0-9]{{1,2}})"
        rf"(?: ?[,/.-] ?| ){YEAR}$",
        rf"^{YEAR}年 ?第? ?(?P<n>[0-9]{{1,2}}) ?[週周]$",
    )
)
# Quarters, and halves where the letter is H or S: the year, the letter and the number.
QUARTERS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^{YEAR}[ ./-]?(?P<q>[QqTKHS])(?P<n>[1-4])$",
        rf"^(?P<q>[QqTKHS])(?P<n>[1-4])[ ./-]{YEAR}$",
        rf"^(?P<q>[Qq])(?P<n>[1-4]){YEAR}$",
        rf"^(?P<n>[1-4])\.? ?(?P<q>[Qq])[A-Za-z]{{0,8}}\.?[ ./-]?{YEAR}$",
    )
)
# The months from which terms are counted, so that those of a year have their order.
TERMS = {
    name: month
    for month, names in (
        (1, "winter wi win invierno inverno hiver"),
        (2, "fs frühjahrssemester"),
        (3, "spring spr sp frühjahr frühling printemps primavera vt vår lente wiosna"),
        (4, "ss sose sommersemester"),
        (6, "summer sum su sommer été verano estate lato zomer sommar"),
        (9, "fall autumn fa aut herbst hs herbstsemester automne otoño autunno ht höst jesień"),
        (10, "ws wise wintersemester"),
    )
    for name in names.split()
}
TERM_WORD = r"(?P<word>[^\W\d_]{2,17})(?:[ -](?:[Tt]erm|[Ss]emester|[Qq]uarter))?"
TERM_YEARS = rf"{YEAR}(?:[/-](?:20)?[0-9]{{2}})?"
TERM_FORMS = (
    re.compile(rf"^{TERM_WORD}[ -]?{TERM_YEARS}$"),
    re.compile(rf"^{TERM_YEARS}[ -]?{TERM_WORD}$"),
)
TWO_YEARS = re.compile("[0-9]{4}[/-](?:20)?[0-9]{2}")
# The years before the first of each.
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "R": 2018, "H": 1988, "S": 1925} | {
    "民國": ROC,
    "民国": ROC,
    "中華民國": ROC,
}
ERA = re.compile(
    r"^(令和|平成|昭和|大正|(?:中華)?民國|民国|[RHS])\.? ?(元|[0-9]{1,3})([年./-].{1,40})$"
)
OF_TAIWAN = re.compile(r"^()((?:[6-9][0-9])|1[0-4][0-9])([年./-] ?[0-9]{1,2}[月./-].{1,40})$")
OF_THAILAND = re.compile(r"\b(25[3-9][0-9])\b")
THAI = re.compile("[\u0e00-\u0e7f]")
BUDDHIST = 543
# Years in use for what is logged; the same numbers are of other years in the Islamic calendar.
OF_IRAN = re.compile(
    r"^(1(?:3[89]|40)[0-9]|141[0-5])[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})((?:\D.{1,30})?)$"
)
DIGITS_OF_IRAN = "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789"
ARABIC = re.compile("[\u0600-\u06ff]")
BEFORE_1970 = 1075196  # days, as `day_of_iran` counts them


def forms_by_calendar(label: str, cells: Sequence[str]) -> list[TimeForm]:
    """The forms of dates of other calendars that a column has; none where its name says that it
    holds items, users or their numbers, and of weeks, quarters and terms if it does not say when:
    a vehicle may have a quarter too."""
    if not cells or max(map(len, cells)) > LONGEST or is_of_another_thing(label):
        return []
    found = None
    if says_when(label):
        found = week_form(cells) or quarter_form(cells) or term_form(cells)
    return [found] if found else forms_of_eras(label, cells) or of_iran(label, cells)


def is_of_another_thing(label: str) -> bool:
    """Whether a name is of an item, a user or a number of one, and not of a date."""
    if says_when(label):
        return False
    named: tuple[vocabulary.Named, ...] = ("item", "user", "title")
    ids = vocabulary.IDS.intersection(vocabulary.words_of(label))
    return bool(label) and (bool(ids) or any(vocabulary.rank(label, each) >= 0 for each in named))


def fitting(patterns: Sequence[re.Pattern[str]], cells: Sequence[str]) -> re.Pattern[str] | None:
    """The first pattern that nearly all cells are of."""
    for pattern in patterns:
        if sum(map(bool, map(pattern.fullmatch, cells))) >= least_of(len(cells)):
            return pattern
    return None


def part_sql(text: str, pattern: re.Pattern[str], group: str | int) -> str:
    """SQL of what a group of a pattern has of a text."""
    number = pattern.groupindex[group] if isinstance(group, str) else group
    return f"regexp_extract({text}, {quoted(pattern.pattern)}, {number})"


def week_form(cells: Sequence[str]) -> TimeForm | None:
    """Weeks as ISO 8601 counts them, from their Mondays."""
    pattern = fitting(WEEK_PATTERNS, cells)
    if pattern is None or not all(0 < int(m["n"]) < 54 for m in matches(pattern, cells)):
        return None

    def sql(text: str) -> str:
        year, week = part_sql(text, pattern, "Y"), part_sql(text, pattern, "n")
        monday = monday_sql(year, week)
        if "d" not in pattern.groupindex:
            return f"epoch_us({monday})"
        return f"epoch_us({monday} + to_days(CAST({part_sql(text, pattern, 'd')} AS INTEGER) - 1))"

    if "d" in pattern.groupindex:
        return TimeForm("days of weeks", sql, MILLION, SECONDS)
    return TimeForm("weeks", sql, MILLION, SECONDS, apart=WEEK)


def quarter_form(cells: Sequence[str]) -> TimeForm | None:
    """Quarters and halves of years, from their first days."""
    pattern = fitting(QUARTERS, cells)
    if pattern is None:
        return None
    if any(m["q"] in "HS" and int(m["n"]) > 2 for m in matches(pattern, cells)):
        return None

    def sql(text: str) -> str:
        letter, number = part_sql(text, pattern, "q"), part_sql(text, pattern, "n")
        months = f"CASE WHEN {letter} IN ('H', 'S') THEN 6 ELSE 3 END"
        month = f"(TRY_CAST({number} AS INTEGER) - 1) * {months} + 1"
        return first_day(part_sql(text, pattern, "Y"), month)

    return TimeForm("quarters", sql, MILLION, SECONDS, apart=QUARTER)


def term_form(cells: Sequence[str]) -> TimeForm | None:
    """Terms of universities, by their season: of two years it is the first one's."""
    pattern = fitting(TERM_FORMS, cells)
    if pattern is None or not all(m["word"].lower() in TERMS for m in matches(pattern, cells)):
        return None
    both = TWO_YEARS.pattern
    months = ", ".join(f"{quoted(name)}: {month}" for name, month in TERMS.items())

    def sql(text: str) -> str:
        word = f"lower({part_sql(text, pattern, 'word')})"
        # A winter of two years begins in the first of them.
        late = f"{word} = 'winter' AND regexp_matches({text}, {quoted(both)})"
        month = f"CASE WHEN {late} THEN 10 ELSE map {{{months}}}[{word}] END"
        return first_day(part_sql(text, pattern, "Y"), month)

    name = "terms: winter, spring, summer and fall of each year in this order, WS after them"
    return TimeForm(name, sql, MILLION, SECONDS, apart=TERM)


def matches(pattern: re.Pattern[str], cells: Sequence[str]) -> list[re.Match[str]]:
    return [match for match in map(pattern.fullmatch, cells) if match]


def first_day(year: str, month: str) -> str:
    """SQL of the first day of a month."""
    return f"epoch_us(TRY(make_timestamp(TRY_CAST({year} AS INTEGER), {month}, 1, 0, 0, 0)))"


def forms_of_eras(label: str, cells: Sequence[str]) -> list[TimeForm]:
    """The forms of dates whose years are counted from another one than ours."""
    enough = least_of(len(cells))
    chinese = bool(CJK.search(label)) or any(map(CJK.search, cells))
    if chinese or says_when(label):  # R5.01.01 is no version then
        if sum(map(bool, map(ERA.fullmatch, cells))) >= enough:
            return rewritten(ERA, cells)
        if sum(map(bool, map(OF_TAIWAN.fullmatch, cells))) >= enough:
            return rewritten(OF_TAIWAN, cells)
    thai = bool(THAI.search(label)) or any(map(THAI.search, cells))
    if thai and sum(map(bool, map(OF_THAILAND.search, cells))) >= enough:
        return of_thailand(cells)
    return []


def rewritten(pattern: re.Pattern[str], cells: Sequence[str]) -> list[TimeForm]:
    """The forms of cells with a year of ours in place of an era's."""

    def ours(match: re.Match[str]) -> str:
        return str(ERAS.get(match[1], ROC) + int(match[2].replace("元", "1"))) + match[3]

    eras = ", ".join(f"{quoted(name)}: {before}" for name, before in ERAS.items())

    def spelled(text: str) -> str:
        era, year, rest = (part_sql(text, pattern, n) for n in (1, 2, 3))
        before = f"coalesce(map {{{eras}}}[{era}], {ROC})"
        number = f"TRY_CAST(replace({year}, '元', '1') AS INTEGER)"
        return f"(CAST({before} + {number} AS VARCHAR) || {rest})"

    return spelled_before([pattern.sub(ours, cell) for cell in cells], spelled, "years of an era")


def of_thailand(cells: Sequence[str]) -> list[TimeForm]:
    """The forms of dates in years since the Buddha."""

    def spelled(text: str) -> str:
        year = part_sql(text, OF_THAILAND, 1)
        return f"replace({text}, {year}, CAST(TRY_CAST({year} AS INTEGER) - {BUDDHIST} AS VARCHAR))"

    ours = [OF_THAILAND.sub(lambda m: str(int(m[1]) - BUDDHIST), cell) for cell in cells]
    return spelled_before(ours, spelled, "years of the Buddhist era")


def of_iran(label: str, cells: Sequence[str]) -> list[TimeForm]:
    """The forms of dates of Iran's calendar, also in its digits.

    A year has six months of 31 days and five of 30; leap years come eight times in 33.
    """
    if not (says_when(label) or ARABIC.search(label) or any(map(ARABIC.search, cells))):
        return []
    table = str.maketrans(*DIGITS_OF_IRAN)
    plain = [cell.translate(table) for cell in cells]
    found = matches(OF_IRAN, plain)
    if len(found) < least_of(len(cells)) or not all(map(is_day_of_iran, found)):
        return []

    def ours(match: re.Match[str]) -> str:
        days = day_of_iran(int(match[1]), int(match[2]), int(match[3])) - BEFORE_1970
        return f"{np.datetime64('1970-01-01') + np.timedelta64(days, 'D')}{match[4]}"

    def spelled(text: str) -> str:
        digits = f"translate({text}, {quoted(DIGITS_OF_IRAN[0])}, {quoted(DIGITS_OF_IRAN[1])})"
        year, month, day = (f"CAST({part_sql(digits, OF_IRAN, n)} AS INTEGER)" for n in (1, 2, 3))
        y = f"({year} + 1595)"
        days = (
            f"365 * {y} + {y} // 33 * 8 + ({y} % 33 + 3) // 4 + {day} + CASE WHEN {month} < 7 "
            f"THEN ({month} - 1) * 31 ELSE ({month} - 7) * 30 + 186 END - {BEFORE_1970}"
        )
        date = f"strftime(DATE '1970-01-01' + TRY(CAST({days} AS INTEGER)), '%Y-%m-%d')"
        return f"({date} || {part_sql(digits, OF_IRAN, 4)})"

    cells = [OF_IRAN.sub(ours, cell) for cell in plain]
    return spelled_before(cells, spelled, "days of Iran's calendar")


def is_day_of_iran(match: re.Match[str]) -> bool:
    month, day = int(match[2]), int(match[3])
    return 1 <= month <= 12 and 1 <= day <= 31 - (month > 6)


def day_of_iran(year: int, month: int, day: int) -> int:
    """The number of a day of Iran's calendar, one more than that of the day before."""
    y = year + 1595
    before = (month - 1) * 31 if month < 7 else (month - 7) * 30 + 186
    return 365 * y + y // 33 * 8 + (y % 33 + 3) // 4 + before + day


def spelled_before(
    cells: Sequence[str], spelled: Callable[[str], str], name: str
) -> list[TimeForm]:
    """The forms of cells that are spelled anew, for the texts that they were."""

    def anew(form: TimeForm) -> TimeForm:
        return replace(form, name=f"{name}, {form.name}", sql=lambda text: form.sql(spelled(text)))

    return [anew(form) for form in forms_of(cells)]
