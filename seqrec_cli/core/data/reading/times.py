"""Times of interactions: what forms they are written in, and how the engine reads each.

Times come out as int64 in a stated unit, never as float32, whose steps are 128 s wide today.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading.casts import Kind, number_sql
from seqrec_cli.core.data.reading.dates import (
    LONGEST,
    formats_of,
    month_word,
    respelled,
    spelled_sql,
)
from seqrec_cli.core.data.reading.engine import quoted
from seqrec_cli.core.data.reading.units import (
    BLOCK_ROWS,
    EARLIEST,
    LIMIT,
    SECONDS,
    finer,
    guess_unit,
    rows_of_our_age,
)
from seqrec_cli.errors import InputError

WHOLE_NUMBERS = "whole numbers"
MILLION = 10**6
FIRST_LOOK = 20  # cells
MOST_FORMATS = 24

CLOCK = r"(?P<hour>[0-9]{1,2}):[0-9]{2}(?P<second>:[0-9]{2}(?P<fraction>\.[0-9]{1,9})?)?"
ZONE = r"(?P<zone> ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}))"
ISO = re.compile(
    rf"(?:1[5-9]|2[01])[0-9]{{2}}([-/])[0-9]{{1,2}}\1[0-9]{{1,2}}(?:[ T]{CLOCK}{ZONE}?)?"
)
# Digits alone that are dates: how many, the format.
COMPACT = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
COMPACT[17] = COMPACT[14] + "%g"
COMPACT_DATE = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9](?:[0-9]{3})?)?)?)?(?:\.0+)?"
)
SHORT = re.compile(r"[0-9]{2}([-/.])[0-9]{2}\1[0-9]{2}(?![0-9])")
FRAMED = re.compile(r"(?:/Date\(|['\"]|[A-Za-z_]{1,20}[:=] ?)([0-9]{9,19})(?:\)/|['\"]|)")
DIGIT = re.compile("[0-9]")
# A time of day with a word behind it.
HALVES = re.compile(
    r"\b(?P<hour>[0-9]{1,2}):[0-9]{2}(?::[0-9]{2})?(?: ?(?P<behind>[^\W\d]{1,4}))?(?![^\W\d])"
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
        apart: how many seconds two that differ are apart at least, as those of weeks.
    """

    name: str
    sql: Callable[[str], str]
    scale: int = 1
    unit: str = ""
    order: str = ""
    apart: float = 0.0


def forms_of(cells: Sequence[str]) -> list[TimeForm]:
    """The forms that dates of a sample may have: none, one, or more where days may be months.

    Numbers are not looked at, see `number_form`, but for those in a frame as `/Date(1560000000)/`.
    """
    if not any(map(DIGIT.search, cells)):  # soon, as a file may have a hundred thousand columns
        return forms_in_other_digits(cells)
    enough = least_of(len(cells))
    if sum(ISO.fullmatch(cell) is not None for cell in cells) >= enough:
        return [iso_form(cells)]
    cells, used = respelled(cells)
    if is_unknown_half_day(cells):
        return []
    dated = any(formats_of(cell, english=False) for cell in cells[:FIRST_LOOK])
    # Of all cells: a log may begin in months that are called the same in English.
    word = month_word(cells) if dated else 0
    fitting: dict[str, int] = {}
    formats: dict[str, dict[str, None]] = {}
    for cell in cells if dated else ():
        for order, written in formats_of(cell, english=not word).items():
            fitting[order] = fitting.get(order, 0) + 1
            formats.setdefault(order, {})[written] = None
    orders = {order for order, count in fitting.items() if count >= enough}
    # Where the days tell, a few dates that could be read either way do not make it a question.
    orders = {order for order in orders if fitting[order] == max(fitting.values())}
    if len(orders) > 1:
        orders = with_steady_years(cells, orders)
    forms = [
        strptime_form(tuple(formats[order])[:MOST_FORMATS], order if len(orders) > 1 else "")
        for order in ("dmy", "mdy", "ymd")
        if order in orders
    ]
    if not (used or word):
        return forms or framed_numbers(cells)
    return [respelled_form(form, used, word) for form in forms]


def forms_in_other_digits(cells: Sequence[str]) -> list[TimeForm]:
    """The forms of dates in the digits of another script, such as Arabic ones."""
    if not any(letter.isdecimal() for cell in cells[:FIRST_LOOK] for letter in cell[:LONGEST]):
        return []
    found = "".join(sorted({letter for cell in cells for letter in cell if letter.isdecimal()}))
    zeros = {chr(ord(letter) - int(letter)) for letter in found}
    if len(zeros) != 1:
        return []
    digits = "".join(chr(ord(next(iter(zeros))) + n) for n in range(10))
    table = str.maketrans(digits, "0123456789")
    forms = forms_of([cell.translate(table) for cell in cells])
    plain = f"{quoted(digits)}, '0123456789'"

    def in_plain_digits(form: TimeForm) -> TimeForm:
        return replace(form, sql=lambda text: form.sql(f"translate({text}, {plain})"))

    return [in_plain_digits(form) for form in forms]


def is_unknown_half_day(cells: Sequence[str]) -> bool:
    """Whether one of two words behind the time of day says which half of the day it is.

    The engine knows AM and PM; to read past others would be twelve hours off.
    """
    matches = [match for cell in cells if len(cell) <= LONGEST and (match := HALVES.search(cell))]
    words = {match["behind"].lower() for match in matches if match["behind"]}
    early = all(int(match["hour"]) <= 12 for match in matches)
    return early and len(words) == 2 and not words & {"am", "pm"}


def respelled_form(form: TimeForm, used: Sequence[tuple[str, str]], word: int) -> TimeForm:
    return replace(form, sql=lambda text: form.sql(spelled_sql(text, used, word)))


def with_steady_years(cells: Sequence[str], orders: set[str]) -> set[str]:
    """The orders of two-digit years under which the years differ less than the days do."""
    numbers = [match[0].split(match[1]) for match in map(SHORT.match, cells) if match]
    if not numbers:
        return orders
    first, _, last = (len(set(column)) for column in zip(*numbers, strict=True))
    wrong = {"ymd"} if first > 3 * last else {"dmy", "mdy"} if last > 3 * first else set()
    return orders - wrong


def framed_numbers(cells: Sequence[str]) -> list[TimeForm]:
    """The form of counts since 1970 in quotes, behind a word, or as .NET writes them in JSON."""
    matches = [FRAMED.fullmatch(cell) for cell in cells]
    form = number_form([match[1] for match in matches if match]) if all(matches) else None
    if form is None:
        return []
    return [replace(form, sql=lambda text: form.sql(f"regexp_extract({text}, '-?[0-9]+')"))]


def least_of(count: int) -> int:
    """How many of a sample must be of a form: one in ten may be otherwise, and one of a few."""
    return count - max(1, count // 10) if count > 3 else count


def iso_form(cells: Sequence[str]) -> TimeForm:
    """ISO 8601 and what is near it; a time without zone is UTC."""
    fractions = [match["fraction"] or "" for match in map(ISO.fullmatch, cells) if match]
    fine = any(len(fraction) > 7 for fraction in fractions)

    def sql(text: str) -> str:
        # Of itself the engine would read `infinity` and `epoch`, and no space before an offset.
        tight = f"regexp_replace({text}, ' (Z|[+-][0-9:]+)$', '\\1')"
        digit = f"ascii({text}) BETWEEN 48 AND 57"
        spaced = any(mark in cell for cell in cells for mark in (" +", " -", " Z"))
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


def chosen_form(time_format: str, cells: Sequence[str]) -> TimeForm:
    """The form that the user named, for cells such as these.

    Raises:
        InputError: it is no format of strptime.
    """
    if "%" not in time_format or not any(f"%{letter}" in time_format for letter in "YymdsBbjf"):
        raise InputError(
            f"`{time_format}` is not a time format",
            "write it as for strptime: `--time-format '%d.%m.%Y %H:%M'`",
        )
    _, used = respelled(cells)
    form = strptime_form((time_format,))
    return respelled_form(form, used, 0) if used else form


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
    scale = scale_of(cells)
    kind: Kind = "DECIMAL(38, 9)" if scale <= 10**9 else "DECIMAL(38, 18)"
    return TimeForm(
        "numbers",
        lambda text: f"TRY(CAST({number_sql(text, kind)} * {scale} AS BIGINT))",
        scale,
    )


def scale_of(cells: Sequence[str]) -> int:
    """The finest part of numbers with fractions that is told apart: what is written, if int64 has
    room for it, also where the times to come are far larger than those of the sample."""
    numbers = [float(cell) for cell in cells]
    largest = max(map(abs, numbers))
    usual = MILLION if largest < 1e12 else 1000 if largest < 1e15 else 1
    decimals = max(decimals_of(cell) for cell in cells)
    # Seconds since 1970 in float64 are exact to seven decimals: those behind six are noise.
    thousands = decimals // 3 if largest >= EARLIEST else -(-decimals // 3)
    # What counts from 0 grows; what a small part of a range is left of does not.
    growth = 10**3 if min(numbers) > 0.9 * largest else MILLION
    room = next((n for n in (6, 5, 4, 3) if largest * growth * 1000**n < LIMIT), 0)
    finest: int = 1000 ** min(thousands, room)
    return max(usual, finest)


def decimals_of(number: str) -> int:
    """How many digits behind the point a number needs."""
    mantissa, _, exponent = number.lower().partition("e")
    fraction = mantissa.partition(".")[2].rstrip("0")
    return max(0, len(fraction) - int(exponent or 0))


def is_compact(cells: Sequence[str]) -> bool:
    """Whether all are dates in digits alone, as many each."""
    lengths = {len(cell.partition(".")[0]) for cell in cells}
    return (
        len(lengths) == 1
        and lengths.issubset(COMPACT)
        and all(COMPACT_DATE.fullmatch(cell) for cell in cells)
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
    unit = form.unit or guess_unit(rows_of_our_age(times, factor))
    return times, finer(unit, factor)
