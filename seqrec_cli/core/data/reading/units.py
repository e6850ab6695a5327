"""Units of times, and times as people write and read them."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.errors import InputError

MILLION = 10**6

SECONDS, MILLISECONDS, MICROSECONDS, NANOSECONDS = (
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
)
UNKNOWN = "as in the source"
PER_SECOND = {SECONDS: 1, MILLISECONDS: 10**3, MICROSECONDS: 10**6, NANOSECONDS: 10**9}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LIMIT = 2**63
BLOCK_ROWS = 1 << 20
# Seconds of times whose unit is to be told: from 1996, as no log of a shop or a site is older, to
# 2103. What would be of the years before is counted from another start, as Apple does from 2001.
OUR_AGE = (820_454_400, 4_200_000_000)
FEWEST = 20  # times, of which it can be told that a few stand for missing ones
BEFORE_OUR_AGE = (300_000_000, OUR_AGE[0])
# Seconds of times that are given as numbers: 1973, as the unit is told from there on, to 2100.
EARLIEST, LATEST = 10**8, 4_102_444_800
# Dates in digits alone: a year, a month, a day, a time of day.
DIGITS = re.compile(
    r"((?:19|20)[0-9]{2}|[0-9]{4}(?![0-9]))(?:([0-9]{2})(?:([0-9]{2})([0-9]{4}(?:[0-9]{2})?)?)?)?"
)


def rows_of_our_age(times: NDArray[np.int64], factor: int = 1) -> NDArray[np.int64]:
    """How many times there are, and how many would be of our age in each unit, int64 (5,).

    `factor` of them are one of the source's.
    """
    counts = np.zeros(1 + len(PER_SECOND), np.int64)
    for first in range(0, len(times), BLOCK_ROWS):
        block = times[first : first + BLOCK_ROWS]
        low, high = int(block.min()), int(block.max())
        counts[0] += len(block)
        for place, each in enumerate(PER_SECOND.values(), 1):
            start, end = (min(limit * each * factor, LIMIT - 1) for limit in OUR_AGE)
            if start <= low and high < end:
                counts[place] += len(block)
            elif low < end and start <= high:
                counts[place] += np.count_nonzero((block >= start) & (block < end))
    return counts


def guess_unit(counts: NDArray[np.int64]) -> str:
    """Tell the unit of times since 1970: the one in which nearly all are of our age.

    Times since the start of a study, of which the first are about 0, are of an unknown one.
    """
    rows, *within = counts.tolist()
    enough = max(1, rows - max(1, rows // 10))  # a few may be missing, as 0
    return next((unit for unit, n in zip(PER_SECOND, within, strict=True) if n >= enough), UNKNOWN)


def early_year(times: NDArray[np.int64]) -> int:
    """The year of the middle one of times that would be of before our age, 0 if they would not."""
    middle = int(np.median(times[:: max(1, len(times) // 10_000)]))
    for each in PER_SECOND.values():
        if BEFORE_OUR_AGE[0] <= middle // each < BEFORE_OUR_AGE[1]:
            return (EPOCH + timedelta(seconds=middle // each)).year
    return 0


def placeholders(times: NDArray[np.int64], scale: int, unit: str) -> NDArray[np.bool_] | None:
    """Which times are 0 or -1 among others of our age, as written where a time is missing.

    `scale` of them are one of `unit`, "" where their size tells it. None where there are none, and
    of few times.
    """
    low = int(times.min(initial=1))
    if len(times) < FEWEST or low < -scale or low > 0:
        return None
    rare: NDArray[np.bool_] = (times == 0) | (times == -1) | (times == -scale)
    factor = scale // PER_SECOND.get(unit, 1)
    if not rare.any() or guess_unit(rows_of_our_age(times, factor)) == UNKNOWN:
        return None
    return rare


def units_mixed(counts: NDArray[np.int64]) -> list[str]:
    """The units of times that are in several: each has some, and all together have nearly all."""
    rows, *within = counts.tolist()
    several = [unit for unit, n in zip(PER_SECOND, within, strict=True) if n > 0.02 * rows]
    return several if len(several) > 1 and sum(within) >= 0.9 * rows else []


def finer(unit: str, factor: int) -> str:
    """The unit `factor` times finer."""
    if factor == 1:
        return unit
    if unit not in PER_SECOND:
        return f"1/{factor} of the source's"
    for name, each in PER_SECOND.items():
        if each == PER_SECOND[unit] * factor:
            return name
    return f"1/{factor} of {unit}"


def iso_moment(text: str) -> datetime:
    """Read ISO 8601; without a time zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_moment(text: str, unit: str, newest: int | None = None) -> int:
    """Read a time from the command line: a number in `unit`, or ISO 8601.

    `newest` is the last time of the log, if it is known: where even that is no moment of our age,
    such as the number of a step, any number is meant as it is.

    Raises:
        InputError: neither, or a date where the unit is not known.
    """
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        counted = newest is not None and not is_of_our_age(newest, unit)
        dated = unit in PER_SECOND and DIGITS.fullmatch(text) and not counted
        if not dated or is_of_our_age(int(text), unit):
            return int(text)
    try:
        since = (iso_moment(full_date(text)) - EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise InputError(
            f"`{text}` is not a time", "write a number, or a date as in 2024-05-31T12:00"
        ) from None
    if unit not in PER_SECOND:
        raise InputError(
            f"the date `{text}` cannot be compared with times whose unit is not known",
            "write a number, in the unit of the log",
        )
    return since * PER_SECOND[unit] // MILLION


def is_of_our_age(moment: int, unit: str) -> bool:
    """Whether a time is of the years 1973 to 2099, if its unit is known."""
    return unit in PER_SECOND and EARLIEST <= moment // PER_SECOND[unit] < LATEST


def full_date(text: str) -> str:
    """A year or a month as the date of its first day; dates in digits alone, as in 20240531."""
    if digits := DIGITS.fullmatch(text):
        year, month, day, clock = digits.groups()
        return f"{year}-{month or '01'}-{day or '01'}" + (f"T{clock}" if clock else "")
    return f"{text}-01" if re.fullmatch(r"[0-9]{4}-[0-9]{2}", text) else text


def show_moment(moment: int, unit: str) -> str:
    """A time for people: ISO 8601 in UTC where the unit is known, else the number."""
    if unit not in PER_SECOND:
        return str(moment)
    try:
        shown = EPOCH + timedelta(microseconds=moment * MILLION // PER_SECOND[unit])
    except OverflowError:
        return str(moment)
    return shown.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
