"""Dates in the names of files, which tell the order of those whose rows have none."""

import re
from collections.abc import Sequence
from datetime import date

from seqrec_cli.core.data.reading.dates import LETTER, MONTH, unaccented

Day = tuple[int, int, int]  # year, month, day; 1 where there is no day
YEAR, NUMBER, BREAK = "((?:19|20)[0-9]{2})", "([0-9]{1,2})", "[-_. ]?"
WORD = f"({LETTER}{{3,12}})"
YEARS = re.compile("(?<![0-9])(?:19|20)[0-9]{2}")
# What stands in a name, and which of its groups are year, month and day; the clearest first.
FORMS = tuple(
    (re.compile(rf"(?<![0-9]){pattern}(?![0-9])"), groups)
    for pattern, groups in (
        (f"{YEAR}([-_. ]?)([0-9]{{2}})\\2([0-9]{{2}})", (1, 3, 4)),
        (f"{NUMBER}([-_. ]){NUMBER}\\2{YEAR}", (4, 3, 1)),
        (f"{NUMBER}([-_. ]){NUMBER}\\2{YEAR}", (4, 1, 3)),
        (f"([0-9]{{2}})([0-9]{{2}}){YEAR}", (3, 2, 1)),
        (f"([0-9]{{2}})([0-9]{{2}}){YEAR}", (3, 1, 2)),
        (f"{NUMBER}{BREAK}{WORD}{BREAK}{YEAR}", (3, 2, 1)),
        (f"{YEAR}{BREAK}{WORD}{BREAK}{NUMBER}", (1, 2, 3)),
        (f"{WORD}{BREAK}{YEAR}", (2, 1)),
        (f"{YEAR}{BREAK}{WORD}", (1, 2)),
        (f"{YEAR}[-_. ]?([0-9]{{2}})", (1, 2)),
        (f"([0-9]{{1,2}})[-_. ]?{YEAR}", (2, 1)),
    )
)


def order_of_dates(names: Sequence[str]) -> list[int] | None:
    """The places of names in the order of the dates in them; None where not every name has one
    date of the same form, or the dates could be read in two ways that differ in order."""
    if any(len(YEARS.findall(name)) > 1 for name in names):
        return None  # of stretches of time, or of more than dates
    orders: list[list[int]] = []
    for pattern, groups in FORMS:
        if orders and len(groups) < 3:
            break  # what has a day is no month
        days = [day_in(name, pattern, groups) for name in names]
        if not all(days):
            continue
        order = sorted(range(len(days)), key=lambda place: days[place] or (0, 0, 0))
        orders += [order] if order not in orders else []
    return orders[0] if len(orders) == 1 else None


def day_in(name: str, pattern: re.Pattern[str], groups: Sequence[int]) -> Day | None:
    """The only date of a form in a name."""
    found = list(pattern.finditer(name))
    if len(found) != 1:
        return None
    year, month, *day = (found[0][group] for group in groups)
    number = int(month if month.isdecimal() else MONTH.get(unaccented(month), "0"))
    numbers = (int(year), number, int(day[0]) if day else 1)
    try:
        date(*numbers)
    except ValueError:
        return None
    return numbers
