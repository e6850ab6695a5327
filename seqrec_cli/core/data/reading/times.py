"""Moments of interactions: seconds, milliseconds, fractions or ISO 8601 in, int64 out.

Never float32, whose steps are 128 s wide today.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.reading.columns import GrowingColumn
from seqrec_cli.core.data.reading.tables import NUMBER
from seqrec_cli.errors import InputError

SECONDS, MILLISECONDS, MICROSECONDS, NANOSECONDS = (
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
)
UNKNOWN = "as in the source"
PER_SECOND = {SECONDS: 1, MILLISECONDS: 10**3, MICROSECONDS: 10**6, NANOSECONDS: 10**9}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLION = 10**6
LIMIT = 2**63


class TimeColumn:
    """Collects moments, block by block, as whole numbers and millionths."""

    def __init__(self) -> None:
        self.is_iso: bool | None = None
        self._wholes = GrowingColumn(np.int64)
        self._millionths = GrowingColumn(np.int32)  # stays empty until there are some

    def add(self, wholes: NDArray[np.int64], millionths: NDArray[np.int64] | None = None) -> None:
        """Add int64 (rows,) wholes and millionths from 0 to 999,999."""
        if millionths is not None and millionths.any() and not len(self._millionths):
            self._millionths.append(np.zeros(len(self._wholes), np.int32))
        if len(self._millionths) or (millionths is not None and millionths.any()):
            some = np.zeros(len(wholes), np.int64) if millionths is None else millionths
            self._millionths.append(some.astype(np.int32))
        self._wholes.append(wholes)

    def parse(self, text: str) -> tuple[int, int]:
        """Read one moment as (whole, millionths); all of a column must be numbers, or all ISO.

        Raises:
            ValueError: with what the text is instead.
        """
        text = text.strip()
        is_iso = NUMBER.fullmatch(text) is None
        try:
            millionths = iso_millionths(text) if is_iso else round(Decimal(text) * MILLION)
        except ValueError:
            raise ValueError("is neither a number nor ISO 8601") from None
        except ArithmeticError:
            raise ValueError("is out of range") from None
        if self.is_iso not in (None, is_iso):
            before = "dates" if self.is_iso else "numbers"
            raise ValueError(f"is not like those before it, which are {before}")
        self.is_iso = is_iso
        if not -LIMIT <= millionths // MILLION < LIMIT:
            raise ValueError("is out of range")
        return divmod(millionths, MILLION)

    def finish(self) -> tuple[NDArray[np.int64], str]:
        """All moments, int64 (rows,), and their unit: the source's, or a finer one if it has
        fractions.

        Raises:
            ValueError: too large for a finer unit.
        """
        moments = self._wholes.finish()
        millionths = self._millionths.finish()
        factor = 1
        if len(millionths):
            factor = MILLION if (millionths % 1000).any() else 1000
            if extent(moments) >= LIMIT // factor - 1:
                raise ValueError("a time with a fraction is out of range")
            moments *= factor
            moments += millionths // (MILLION // factor)
        unit = SECONDS if self.is_iso else guess_unit(extent(moments) // factor)
        return moments, finer(unit, factor)


def extent(moments: NDArray[np.int64]) -> int:
    """The largest absolute value."""
    return max(-int(moments.min(initial=0)), int(moments.max(initial=0)))


def guess_unit(largest: int) -> str:
    """Tell the unit of moments since 1970 by their size."""
    for unit, low, high in (
        (SECONDS, 10**8, 10**11),
        (MILLISECONDS, 10**11, 10**14),
        (MICROSECONDS, 10**14, 10**17),
        (NANOSECONDS, 10**17, LIMIT),
    ):
        if low <= largest < high:
            return unit
    return UNKNOWN


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


def iso_millionths(text: str) -> int:
    """Read ISO 8601 as microseconds since 1970."""
    return (iso_moment(text) - EPOCH) // timedelta(microseconds=1)


def parse_moment(text: str, unit: str) -> int:
    """Read a moment from the command line: a number in `unit`, or ISO 8601.

    Raises:
        InputError: neither, or a date where the unit is not known.
    """
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    try:
        since = iso_millionths(text)
    except (ValueError, OverflowError):
        raise InputError(
            f"`{text}` is not a moment", "write a number, or a date as in 2024-05-31T12:00"
        ) from None
    if unit not in PER_SECOND:
        raise InputError(
            f"the date `{text}` cannot be compared with times whose unit is not known",
            "write a number, in the unit of the log",
        )
    return since * PER_SECOND[unit] // MILLION


def show_moment(moment: int, unit: str) -> str:
    """A moment for people: ISO 8601 in UTC where the unit is known, else the number."""
    if unit not in PER_SECOND:
        return str(moment)
    try:
        shown = EPOCH + timedelta(microseconds=moment * MILLION // PER_SECOND[unit])
    except OverflowError:
        return str(moment)
    return shown.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
