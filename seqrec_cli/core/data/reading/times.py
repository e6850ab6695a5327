"""Times of interactions: what forms they are written in, and how the engine reads each.

Times come out as int64 in a stated unit, never as float32, whose steps are 128 s wide today.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading.casts import number_sql
from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.units import SECONDS, extent, finer, guess_unit
from seqrec_cli.errors import InputError

BLOCK_ROWS = 1 << 20

WHOLE_NUMBERS = "whole numbers"
MILLION = 10**6
FIRST_LOOK = 20  # cells

CLOCK = r"(?P<hour>[0-9]{1,2}):[0-9]{2}(?P<second>:[0-9]{2}(?P<fraction>\.[0-9]{1,9})?)?"
# As log4j writes it, with a comma before the fraction, and Oracle, with dots between all.
ANY_CLOCK = (
    r"(?P<hour>[0-9]{1,2})(?P<k>[:.])[0-9]{2}"
    r"(?P<second>(?P=k)[0-9]{2}(?P<fraction>[.,][0-9]{1,9})?)?"
)
HALF = r"(?P<half> ?[AaPp][Mm])?"
ZONE = r"(?P<zone> ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}))"
ISO = re.compile(rf"[0-9]{{4}}([-/])[0-9]{{1,2}}\1[0-9]{{1,2}}(?:[ T]{CLOCK}{ZONE}?)?")
# A form of date: what it looks like, and the formats of strptime that may read it, by order.
DATES: tuple[tuple[str, dict[str, str]], ...] = (
    (r"[0-9]{4}(?P<s>[-/. ])[0-9]{1,2}(?P=s)[0-9]{1,2}", {"ymd": "%Y{s}%m{s}%d"}),
    (
        r"[0-9]{1,2}(?P<s>[-/. ])[0-9]{1,2}(?P=s)[0-9]{4}",
        {"dmy": "%d{s}%m{s}%Y", "mdy": "%m{s}%d{s}%Y"},
    ),
    (
        r"[0-9]{1,2}(?P<s>[-/.])[0-9]{1,2}(?P=s)[0-9]{2}",
        {"dmy": "%d{s}%m{s}%y", "mdy": "%m{s}%d{s}%y", "ymd": "%y{s}%m{s}%d"},
    ),
    (r"[0-9]{1,2} [0-9]{1,2}, ?[0-9]{4}", {"mdy": "%m %d, %Y", "dmy": "%d %m, %Y"}),
    (
        r"(?P<w>[A-Za-z]{3},? )?[0-9]{1,2}(?P<s>[-/ ])(?P<m>[A-Za-z]{3,9})(?P=s)[0-9]{4}",
        {"dmy": "{w}%d{s}{m}{s}%Y"},
    ),
    (r"[0-9]{1,2}(?P<s>[-/ ])(?P<m>[A-Za-z]{3,9})(?P=s)[0-9]{2}", {"dmy": "%d{s}{m}{s}%y"}),
    (
        r"(?P<w>[A-Za-z]{3},? )?(?P<m>[A-Za-z]{3,9})\.? [0-9]{1,2}(?P<c>,?) [0-9]{4}",
        {"mdy": "{w}{m} %d{c} %Y"},
    ),
    (r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日", {"ymd": "%Y年%m月%d日"}),
    (r"[0-9]{8}", {"ymd": "%Y%m%d"}),
)
PATTERNS = tuple(
    (re.compile(rf"(?P<date>{date})(?:(?P<gap>, |[ T:-]){ANY_CLOCK}{HALF}{ZONE}?)?"), formats)
    for date, formats in DATES
)
# The year behind the time of day, as in `Tue Apr 03 18:00:09 +0000 2012`.
YEAR_LAST = re.compile(
    r"[A-Za-z]{3} [A-Za-z]{3} [0-9 ]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?P<zone> [+-][0-9]{4}| [A-Z]{3,4})? [0-9]{4}"
)
HOURLY = re.compile(r"[0-9]{4}(?P<s>[-/])[0-9]{2}(?P=s)[0-9]{2} [0-9]{2}")
FRAMES = re.compile(r"(?P<before>[\[(]|[A-Za-z]+:? )?.*?(?P<after>[\])]|\.)?")
# Digits alone that are dates: how many, the format.
COMPACT = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
COMPACT_DATE = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9])?)?)?(?:\.0+)?"
)
WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True)
class TimeForm:
    """A form of times, and how they are read.

    Attributes:
        name: for people: a format of strptime, or words.
        sql: makes of an expression of a text one of BIGINT, NULL where it is not of this form.
        scale: how many of its units are one of `unit`.
        unit: what the times are in, "" where their size tells it.
        order: "dmy" or "mdy" where the same texts could be read either way.
    """

    name: str
    sql: Callable[[str], str]
    scale: int = 1
    unit: str = ""
    order: str = ""


def forms_of(cells: Sequence[str]) -> list[TimeForm]:
    """The forms that dates of a sample may have: none, one, or two where days may be months.

    Numbers are not looked at, see `number_form`. Dates may stand in brackets or behind a word, as
    in `Posted May 3, 2011.`, and have spaces before short numbers.
    """
    if not cells:
        return []
    forms = plain_forms(cells)
    match = FRAMES.fullmatch(cells[0]) if not forms else None
    if match is None:
        return forms
    before, after = match["before"] or "", match["after"] or ""
    least = least_of(len(cells))
    before = before if sum(cell.startswith(before) for cell in cells) >= least else ""
    after = after if sum(cell.endswith(after) for cell in cells) >= least else ""
    if not (before or after or "  " in "".join(cells[:FIRST_LOOK])):
        return []
    for start in dict.fromkeys((before, "")):  # all may begin with the same month
        frame = f"^{re.escape(start)}" + (f"|{re.escape(after)}$" if after else "")
        inner = plain_forms([re.sub(" +", " ", re.sub(frame, "", cell)) for cell in cells])
        if inner:
            break

    def unframed(form: TimeForm) -> Callable[[str], str]:
        bare = "regexp_replace(regexp_replace({}, " + quoted(frame) + ", '', 'g'), ' +', ' ', 'g')"
        return lambda text: form.sql(bare.format(text))

    return [replace(form, sql=unframed(form)) for form in inner]


def plain_forms(cells: Sequence[str]) -> list[TimeForm]:
    """The forms of dates with nothing around them."""
    enough = least_of(len(cells))
    if sum(ISO.fullmatch(cell) is not None for cell in cells) >= enough:
        return [iso_form(cells)]
    fitting: dict[str, int] = {}
    formats: dict[str, dict[str, None]] = {}
    for number, cell in enumerate(cells, 1):
        for order, written in formats_of(cell).items():
            fitting[order] = fitting.get(order, 0) + 1
            formats.setdefault(order, {})[written] = None
        if number == FIRST_LOOK and not fitting:
            return []
    orders = {order for order, count in fitting.items() if count >= enough}
    # Where the days tell, a few dates that could be read either way do not make it a question.
    orders = {order for order in orders if fitting[order] == max(fitting.values())}
    ambiguous = len(orders) > 1
    return [
        strptime_form(tuple(formats[order])[:8], order if ambiguous else "")
        for order in ("dmy", "mdy", "ymd")
        if order in orders
    ]


def least_of(count: int) -> int:
    """How many of a sample must be of a form: one in ten may be otherwise, and one of a few."""
    return count - max(1, count // 10) if count > 3 else count


def formats_of(cell: str) -> dict[str, str]:
    """The formats of strptime that read one cell, by the order of day, month and year."""
    if match := YEAR_LAST.fullmatch(cell):
        zone = match["zone"] or ""
        zone = " %z" if zone[1:2] in ("+", "-") else zone
        return {"mdy": f"%a %b %d %H:%M:%S{zone} %Y"}
    if match := HOURLY.fullmatch(cell):
        return {"ymd": f"%Y{match['s']}%m{match['s']}%d %H"}
    for pattern, written in PATTERNS:
        match = pattern.fullmatch(cell)
        if match is None:
            continue
        groups = match.groupdict()
        clock = clock_format(groups)
        fitting = {}
        for order, date in written.items():
            if fits(order, match["date"], date):
                fitting[order] = filled(date, groups) + clock
        return fitting
    return {}


def filled(date: str, groups: dict[str, str | None]) -> str:
    """A format of dates with its separators and names put in."""
    month, weekday = groups.get("m") or "", groups.get("w") or ""
    written = date.replace("{s}", groups.get("s") or "").replace("{c}", groups.get("c") or "")
    written = written.replace("{m}", "%b" if len(month) == 3 else "%B")
    return written.replace("{w}", re.sub("[A-Za-z]+", "%a", weekday))


def fits(order: str, text: str, date: str) -> bool:
    """Whether the numbers of a date can be a day and a month in this order."""
    numbers = [int(number) for number in re.findall("[0-9]+", text)]
    if "%m" not in date or len(numbers) < 3:
        return True
    places = {"dmy": (0, 1), "mdy": (1, 0), "ymd": (2, 1)}[order]
    return 1 <= numbers[places[0]] <= 31 and 1 <= numbers[places[1]] <= 12


def clock_format(groups: dict[str, str | None]) -> str:
    """The format of the time of day behind a date, with what is between."""
    if groups["hour"] is None:
        return ""
    half, fraction, zone = groups["half"], groups["fraction"], groups["zone"] or ""
    mark = groups["k"]
    written = f"{groups['gap']}{'%I' if half else '%H'}{mark}%M"
    if groups["second"]:
        written += f"{mark}%S"
    if fraction:
        written += f"{fraction[0]}{'%n' if len(fraction) > 7 else '%f'}"
    if half:
        written += " %p" if half.startswith(" ") else "%p"
    if zone:
        gap = " " if zone.startswith(" ") else ""
        written += gap + ("%z" if zone.strip()[0] in "+-" else zone.strip())
    return written


def iso_form(cells: Sequence[str]) -> TimeForm:
    """ISO 8601 and what is near it; a time without zone is UTC."""
    fractions = [match["fraction"] or "" for match in map(ISO.fullmatch, cells) if match]
    fine = any(len(fraction) > 7 for fraction in fractions)

    def sql(text: str) -> str:
        # Of itself the engine would read `infinity` and `epoch`, and no space before an offset.
        tight = f"regexp_replace({text}, ' ([+-][0-9:]+)$', '\\1')"
        digit = f"ascii({text}) BETWEEN 48 AND 57"
        spaced = any(" +" in cell or " -" in cell for cell in cells)
        moment = f"TRY_CAST({tight if spaced else text} AS TIMESTAMPTZ)"
        micros = f"CASE WHEN {digit} THEN epoch_us({moment}) END"
        if not fine:
            return micros
        rest = f"rpad(regexp_extract({text}, '\\.[0-9]{{6}}([0-9]{{1,3}})', 1), 3, '0')"
        return f"({micros}) * 1000 + CAST({rest} AS BIGINT)"

    return TimeForm("ISO 8601", sql, 10**9 if fine else MILLION, SECONDS)


def strptime_form(formats: Sequence[str], order: str = "") -> TimeForm:
    """Dates as the formats of strptime say, the first that fits; without zone UTC."""
    listed = ", ".join(quoted(written) for written in formats)
    fine = any("%n" in written for written in formats)

    def sql(text: str) -> str:
        moment = f"try_strptime({text}, [{listed}])"
        return f"epoch_ns({moment})" if fine else f"epoch_us({moment})"

    return TimeForm(" or ".join(formats), sql, 10**9 if fine else MILLION, SECONDS, order)


def chosen_form(time_format: str) -> TimeForm:
    """The form that the user named.

    Raises:
        InputError: it is no format of strptime.
    """
    if "%" not in time_format or not any(f"%{letter}" in time_format for letter in "YymdsBbjf"):
        raise InputError(
            f"`{time_format}` is not a time format",
            "write it as for strptime: `--time-format '%d.%m.%Y %H:%M'`",
        )
    return strptime_form((time_format,))


def number_form(cells: Sequence[str]) -> TimeForm | None:
    """How numbers of a sample are read as times: dates in digits, or counts since 1970.

    None where they are not numbers.
    """
    if not cells or not all(NUMBER.fullmatch(cell) for cell in cells):
        return None
    if is_compact(cells):
        digits = len(cells[0].partition(".")[0])
        written = COMPACT[digits]
        return TimeForm(
            written,
            lambda text: (
                f"epoch_us(try_strptime(regexp_replace({text}, '\\.0+$', ''), {quoted(written)}))"
            ),
            MILLION,
            SECONDS,
        )
    if all(WHOLE.fullmatch(cell) for cell in cells):
        return TimeForm(WHOLE_NUMBERS, whole_sql)
    largest = max(abs(float(cell)) for cell in cells)
    scale = MILLION if largest < 1e12 else 1000 if largest < 1e15 else 1
    return TimeForm(
        "numbers",
        lambda text: f"TRY_CAST({number_sql(text, 'DECIMAL(38, 9)')} * {scale} AS BIGINT)",
        scale,
    )


def is_compact(cells: Sequence[str]) -> bool:
    """Whether all are dates in digits alone, as many each."""
    lengths = {len(cell.partition(".")[0]) for cell in cells}
    return (
        len(lengths) == 1
        and lengths.issubset(COMPACT)
        and all(COMPACT_DATE.fullmatch(cell) for cell in cells)
        # Ten digits are seconds since 1970 far more often than hours.
        and lengths != {10}
    )


def whole_sql(text: str) -> str:
    """A whole number, also where it is written `12.0`; NULL if it has a fraction."""
    number = number_sql(text, "DECIMAL(38, 9)")
    exact = f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT) END"
    plain = f"CASE WHEN {text} SIMILAR TO '-?[0-9]{{1,18}}' THEN CAST({text} AS BIGINT) END"
    return f"coalesce({plain}, {exact})"


def in_coarsest_unit(times: NDArray[np.int64], form: TimeForm) -> tuple[NDArray[np.int64], str]:
    """Times in the coarsest unit that holds them all, int64 (rows,), and that unit.

    `times` are used for it: a copy of them would be the most that reading takes.
    """
    divisor = form.scale
    blocks = [times[start : start + BLOCK_ROWS] for start in range(0, len(times), BLOCK_ROWS)]
    while divisor > 1 and any((block % divisor).any() for block in blocks):
        divisor = divisor // 1000 if divisor >= 1000 else 1
    if divisor > 1:
        np.floor_divide(times, divisor, out=times)
    factor = form.scale // divisor
    unit = form.unit or guess_unit(extent(times) // factor)
    return times, finer(unit, factor)
