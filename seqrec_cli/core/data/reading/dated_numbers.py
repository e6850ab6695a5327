"""Numbers that are dates by their size, and where that is not enough, by their name: months and
weeks in digits, days as spreadsheets count them, ticks since 1601, days ago."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.times import (
    MILLION,
    TimeForm,
    decimals_of,
    number_form,
    strptime_form,
)
from seqrec_cli.core.data.reading.units import OUR_AGE, SECONDS, UNKNOWN
from seqrec_cli.core.storage.text import is_digits

DAY = 86_400
WEEK, MONTH = 7 * DAY, 30 * DAY
# What the parts of a name say: that it is a week, another period, a day of the year, or something
# that was done, as in `Checked in`.
WEEK_WORDS = vocabulary.words(
    "week wk kw kalenderwoche woche semaine semana settimana vecka uke uge viikko tydzien tyden "
    "hafta неделя 周 週 주 주차 yearweek isoweek weekno yyyyww yw"
)
PERIOD_WORDS = vocabulary.words(
    "month monat mois mes mese maand miesiac mesic maaned manad ay месяц 月 월 period periode "
    "periodo yearmonth monthyear yyyymm ym anomes annomese jahrmonat quarter quartal trimestre "
    "trimester kvartal kwartal kwartaal qtr quarteryear yearquarter yyyyq term semester semestre "
    "semestr termin lukukausi 学期 學期"
)
DAYS_OF_YEAR = ("julian", "yyddd", "yyjjj", "doy", "dayofyear", "yearday")
JD_EDWARDS = ("trdj", "drqj", "addj", "upmj", "pddj", "opdj", "rsdj", "ivd", "dgj")
DEEDS = vocabulary.DONE | vocabulary.words(
    "booked arrived visited checked borrowed loaned lent seen attended entered issued started sent "
    "opened streamed heard sold paid placed submitted posted liked saved added joined finished "
    "logged scanned einlass eintritt entrada ingresso entree gelesen gesehen gekauft bestellt lu "
    "vu achete leido visto comprado"
)
NO_DATES = frozenset({"candidate", "mandate", "validate", "update"})
BARE_COUNTS = frozenset(
    {"time", "timestamp", "ts", "tstamp", "t", "step", "timestep", "epoch", "unixtime"}
)
# What fractions of the size of days may be as well.
MEASURES = vocabulary.AMOUNTS | vocabulary.words(
    "price cost total value amount salary income revenue sales net gross tax fee balance budget "
    "lat lon lng latitude longitude distance weight area population km miles meters metres steps "
    "x y z score rating preis betrag summe umsatz prix montant precio importe prezzo importo valor"
)
# The days since 1900 that are taken: from 1968, and without a time of day from 2000, to 2034. Not
# to a day that today tells: a log is read the same on any day.
FIRST_DAY, FIRST_WHOLE_DAY, LAST_DAY = 25_000, 36_526, 49_309
FEWEST_DECIMALS = 3  # a time of day is no price
MOST_BY_CHANCE = 10  # different values that are of a form though nothing says what they are
LONGEST_SPAN = 8000  # days
UNIX_SERIAL = 25_569  # the day of 1970 in spreadsheets
# What is counted back, in seconds.
UNITS_AGO = {
    "year": 365 * DAY,
    "month": MONTH,
    "week": WEEK,
    "day": DAY,
    "hour": 3600,
    "minute": 60,
}
# Ticks since long before 1970: the seconds from there, how many a second has, what counts so.
TICKS = (
    (11_644_473_600, 10**6, "microseconds since 1601, as Chrome counts"),
    (11_644_473_600, 10**7, "tenths of microseconds since 1601, as Windows counts"),
    (62_135_596_800, 10**7, "ticks since the year 1, as .NET counts"),
)
CJK = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
ROC = 1911  # the year before the first of the calendar of Taiwan


@dataclass(frozen=True)
class Dated:
    """How numbers are read as dates.

    Attributes:
        form: how.
        resolution: seconds between two of them that differ.
        rivals: other forms that fit as well.
        solid: whether they are points in time, not counted from a day that nobody knows.
        instead: how they are read if some row is not of this form, the next best first.
        by_look: whether nothing but the look of the sample says that they are dates.
    """

    form: TimeForm
    resolution: float
    rivals: tuple[TimeForm, ...] = ()
    solid: bool = True
    instead: tuple["Dated", ...] = ()
    by_look: bool = False


def says_when(label: str) -> bool:
    """Whether a name says that its column is of a date, a month, a week and so on."""
    words = set(vocabulary.words_of(label))
    plain = vocabulary.compared(label)
    if not label or words & vocabulary.NOT_MOMENTS or words & NO_DATES:
        return False
    ends = plain.endswith(("date", "datum", "yyyy")) and not plain.endswith(tuple(NO_DATES))
    named = words & (WEEK_WORDS | PERIOD_WORDS) or unit_ago(label) or is_jd_edwards(plain)
    return bool(ends or named or vocabulary.rank(label, "time") >= 0)


def says_done(label: str) -> bool:
    """Whether a name says when something was done, as `Ordered On` and `Checked in` do."""
    words = vocabulary.words_of(label)
    behind = words[-1:] in (["at"], ["on"]) and len(words) > 1
    return (behind or bool(DEEDS.intersection(words))) and not vocabulary.IDS.intersection(words)


def dated(label: str, cells: Sequence[str]) -> Dated | None:
    """How the numbers of a column are dates; None where they are not, or may be anything else."""
    if not cells:
        return None
    if size := unit_ago(label):
        return counted_back(size, cells)
    if not all(is_digits(cell) for cell in cells):
        return serial_days(label, cells)
    lengths = {len(cell) for cell in cells}
    if lengths <= {17, 18} and (says_when(label) or says_done(label)):
        return ticks(cells)
    counted = vocabulary.compared(label) in BARE_COUNTS
    if lengths == {6} and says_when(label) and not counted:
        return months_or_weeks(label, cells) or days_of_years(label, cells)
    if lengths <= {7, 8} and (found := days_in_digits(label, cells)):
        return found
    if len(lengths) == 1 and not counted and (found := days_of_years(label, cells)):
        return found
    if lengths == {7} and says_when(label) and not counted:
        return years_from(1900, cells) if not CJK.search(label) else years_from(ROC, cells)
    return serial_days(label, cells)


def unit_ago(label: str) -> float:
    """The seconds of what a name says is counted back, as days of `days_ago`; 0 for none."""
    words = vocabulary.words_of(label)
    behind = [before for before, word in pairwise(words) if word == "ago"]
    return float(next((UNITS_AGO[w] for b in behind if (w := b.rstrip("s")) in UNITS_AGO), 0))


def counted_back(size: float, cells: Sequence[str]) -> Dated | None:
    """Counts of days ago, say, of `size` seconds each: the larger, the earlier."""
    form = number_form(cells)
    if form is None or any(cell.startswith("-") for cell in cells):
        return None
    back = replace(form, name="counted back", unit=UNKNOWN, sql=lambda text: f"-({form.sql(text)})")
    return Dated(back, size, solid=False)


def months_or_weeks(label: str, cells: Sequence[str]) -> Dated | None:
    """A year and a month, or a year and a week, in six digits: by the name, else by how far the
    last two go, in all rows."""
    plain = vocabulary.compared(label)
    last = [int(cell[4:]) for cell in cells]
    if not all(1970 <= int(cell[:4]) <= 2060 for cell in cells) or min(last) < 1 or max(last) > 53:
        return None
    numbers = as_numbers(cells)
    named = bool(WEEK_WORDS.intersection(vocabulary.words_of(label))) or "week" in plain

    def monday(text: str) -> str:
        text = unpadded_sql(text)
        return monday_sql(f"left({text}, 4)", f"right({text}, 2)")

    form = TimeForm("year and week", lambda text: f"epoch_us({monday(text)})", MILLION, SECONDS)
    weeks = Dated(form, float(WEEK), instead=numbers)
    if max(last) > 12 or named:
        return weeks
    months = strptime_of("%Y%m%d", lambda text: f"{text} || '01'", "%Y%m")
    return Dated(months, float(MONTH), instead=(weeks, *numbers))


def monday_sql(year: str, week: str) -> str:
    """SQL of the Monday of a week as ISO 8601 counts them; a 53rd that a year lacks is the first
    of the next."""
    first = f"try_strptime({year} || '-01-1', '%G-%V-%u')"
    number = f"TRY_CAST({week} AS INTEGER)"
    return f"CASE WHEN {number} BETWEEN 1 AND 53 THEN {first} + to_days(7 * ({number} - 1)) END"


def as_numbers(cells: Sequence[str]) -> tuple[Dated, ...]:
    """How digits that have the order of the times are read if they are no dates: as they are."""
    form = number_form(cells)
    return () if form is None else (Dated(form, 1.0, solid=False),)


def strptime_of(written: str, spelled: Callable[[str], str], name: str) -> TimeForm:
    """A format of strptime, for texts that are spelled otherwise."""
    form = strptime_form((written,))
    return replace(form, name=name, sql=lambda text: form.sql(f"({spelled(unpadded_sql(text))})"))


def unpadded_sql(text: str) -> str:
    """SQL of a number in digits without the fraction that a table may have given it."""
    return f"regexp_replace({text}, '\\.0+$', '')"


def days_in_digits(label: str, cells: Sequence[str]) -> Dated | None:
    """Days as 03152023, in eight digits or seven where the first is 0; the year comes last."""
    full = [cell.zfill(8) for cell in cells]
    if not all(1990 <= int(cell[4:]) <= 2060 for cell in full):
        return None
    plain = vocabulary.compared(label)
    orders = ["mdy"] if "mmdd" in plain else ["dmy"] if "ddmm" in plain else ["dmy", "mdy"]
    places = {"dmy": (2, 0), "mdy": (0, 2)}
    written = {"dmy": "%d%m%Y", "mdy": "%m%d%Y"}
    fitting = [order for order in orders if all(is_day(cell, *places[order]) for cell in full)]
    numbered = not vocabulary.IDS.isdisjoint(vocabulary.words_of(label))
    if numbered or len(set(cells)) <= MOST_BY_CHANCE:
        fitting = fitting if says_when(label) else []
    if not fitting:
        return None
    forms = [
        strptime_of(written[order], lambda text: f"lpad({text}, 8, '0')", written[order])
        for order in fitting
    ]
    if len(forms) > 1:
        forms = [replace(form, order=order) for form, order in zip(forms, fitting, strict=True)]
    return Dated(forms[0], float(DAY), tuple(forms[1:]), by_look=not says_when(label))


def is_day(cell: str, month: int, day: int) -> bool:
    """Whether two digits of a cell are a month and two others a day."""
    return 1 <= int(cell[month : month + 2]) <= 12 and 1 <= int(cell[day : day + 2]) <= 31


def is_jd_edwards(plain: str) -> bool:
    """Whether a name is one that JD Edwards gives to dates: two letters of the table before it."""
    return len(plain) in (5, 6) and plain[2:] in JD_EDWARDS


def days_of_years(label: str, cells: Sequence[str]) -> Dated | None:
    """A year and the number of its day: 2023074, 23074, or 123074 with a digit for the century."""
    plain, digits = vocabulary.compared(label), len(cells[0])
    if not all(1 <= int(cell[-3:]) <= 366 for cell in cells):
        return None
    named = any(word in plain for word in DAYS_OF_YEAR)
    if digits == 7 and (named or says_when(label)):
        if all(1970 <= int(cell[:4]) <= 2060 for cell in cells):
            form = strptime_of("%Y%j", str, "%Y%j")
            return Dated(form, float(DAY), instead=as_numbers(cells))
    elif digits == 5 and named:
        return Dated(strptime_of("%Y%j", lambda text: f"'20' || {text}", "%y%j"), float(DAY))
    elif digits == 6 and (named or is_jd_edwards(plain)) and {cell[0] for cell in cells} == {"1"}:
        century = strptime_of("%Y%j", lambda text: f"'20' || right({text}, 5)", "century and %y%j")
        return Dated(century, float(DAY), instead=as_numbers(cells))
    return None


def years_from(start: int, cells: Sequence[str]) -> Dated | None:
    """Days of which the year is counted from another than ours, as 1231231 from 1900."""
    if not all(is_day(cell, 3, 5) and 90 <= int(cell[:3]) <= 150 for cell in cells):
        return None

    def spelled(text: str) -> str:
        return (
            f"CAST(TRY_CAST(left({text}, 3) AS INTEGER) + {start} AS VARCHAR) || right({text}, 4)"
        )

    form = strptime_of("%Y%m%d", spelled, f"year since {start}, %m%d")
    return Dated(form, float(DAY), instead=as_numbers(cells))


def ticks(cells: Sequence[str]) -> Dated | None:
    """Counts of the small parts of a second since long before 1970."""
    numbers = [int(cell) for cell in cells]
    for start, per_second, name in TICKS:
        low, high = ((start + limit) * per_second for limit in OUR_AGE)
        if low <= min(numbers) and max(numbers) < high:
            part = per_second // MILLION

            def sql(text: str, start: int = start, part: int = part) -> str:
                return f"({number_sql(text, 'BIGINT')} // {part} - {start * MILLION})"

            return Dated(TimeForm(name, sql, MILLION, SECONDS), 1e-6)
    return None


def is_serial(cells: Sequence[str]) -> bool:
    """Whether numbers have the size of days since 1900, within some years."""
    numbers = [float(cell) for cell in cells]
    first = FIRST_DAY if any(map(decimals_of, cells)) else FIRST_WHOLE_DAY
    latest = min(LAST_DAY + 1, min(numbers) + LONGEST_SPAN)
    return first <= min(numbers) and max(numbers) < latest


def serial_days(label: str, cells: Sequence[str]) -> Dated | None:
    """Days since 1900, as spreadsheets count, under a name that says when, or if they have times
    of day that something was done."""
    words = set(vocabulary.words_of(label))
    if words & (MEASURES | vocabulary.NOT_MOMENTS) or not is_serial(cells):
        return None
    decimals = max(map(decimals_of, cells))
    named = says_when(label) and not words & BARE_COUNTS
    if not named and not (decimals >= FEWEST_DECIMALS and says_done(label)):
        return None
    scale = 1 if decimals <= 5 else 1000  # five decimals are a second, what is beyond nine is noise

    def sql(text: str) -> str:
        number = number_sql(text, "DECIMAL(38, 18)" if decimals > 9 else "DECIMAL(38, 9)")
        return f"TRY(CAST(round(({number} - {UNIX_SERIAL}) * {DAY * scale}) AS BIGINT))"

    form = TimeForm("days since 1900, as spreadsheets count", sql, scale, SECONDS)
    return Dated(form, 1.0 if decimals else float(DAY))
