"""What says when by its name and is of no form that is read: to be said where the order of the file
counts instead, as an export often has the newest first."""

import re
from collections.abc import Iterator
from itertools import pairwise

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.clocks import is_clock
from seqrec_cli.core.data.reading.dated_numbers import MEASURES, is_serial, says_done, says_when
from seqrec_cli.core.data.reading.moments import is_category
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import NONE, Plan
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.wording import typed

MOSTLY = 0.5  # of the values that are there
SMALLEST = 1000  # what counts less is the months of a loan, or a quarter
# What of a text may be of a date: a year, a day and a month, a time of day, or a number of days.
DATED = re.compile(
    r"(?<!\d)(?:19|20)[0-9]{2}(?!\d)|\d([-/.])\d{1,2}\1\d|\d:\d{2}"
    r"|\bFY ?-?[0-9]{2}|\b(?:day|week|month|tag|woche|monat|jour|semaine|mois) ?[0-9]",
    re.IGNORECASE,
)
# What can hardly be anything but a date, in any calendar and the digits of any script.
A_DATE = re.compile(r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{4})(?:\D.{0,40})?")
WORDS_OF_TEXTS = vocabulary.words("search query keyword keywords")


def unread_times(relation: Relation, plan: Plan) -> Iterator[str]:
    """The columns that may say when each row was and are not read, where nothing else does."""
    if plan.time is not None or "time" in plan.asked:
        return
    for place, column in enumerate(relation.columns):
        profile = Profile(column, place)
        if column.listed or column.name in plan.used() or not may_say_when(profile):
            continue
        start = f"`{profile.name}` may say when, and is not read: "
        if profile.counts:
            yield (
                f"{start}its numbers are no dates that are known; if they grow with the time: "
                f"`{typed('--columns', f'time={profile.name}')}`"
            )
        else:
            yield (
                f"{start}its values, such as `{shortened(profile.values[0], 40)}`, are in no known "
                "form; write them as 2024-05-31; or, if the order of the file is what counts: "
                f"`{typed('--columns', f'time={NONE}')}`"
            )


def may_say_when(profile: Profile) -> bool:
    """Whether a column may say when, by its name and by how its values vary."""
    values = profile.values
    if not profile.label or profile.distinct < 2 or profile.is_truth or profile.is_flag:
        return False
    if profile.is_moment or is_clock(profile) or MEASURES & {*vocabulary.words_of(profile.label)}:
        return False  # of those others speak
    if profile.rank("time") >= 0 and is_category(profile):
        return False
    if WORDS_OF_TEXTS & {*vocabulary.words_of(profile.label)}:
        return False
    done = says_done(profile.label)
    if profile.counts:
        large = max(map(float, profile.counts)) >= SMALLEST
        return large and (says_when(profile.label) or (done and is_in_order(profile)))
    if done or says_when(profile.label):
        return sum(DATED.search(value) is not None for value in values) > MOSTLY * len(values)
    return sum(A_DATE.fullmatch(value) is not None for value in values) > MOSTLY * len(values)


def is_in_order(profile: Profile) -> bool:
    """Whether numbers have the size of days since 1900 and the file is mostly sorted by them, as
    exports are: counts of streams are not."""
    if not is_serial(profile.counts):
        return False
    steps = [b - a for a, b in pairwise(map(float, profile.counts)) if a != b]
    return abs(sum(step > 0 for step in steps) - 0.5 * len(steps)) >= 0.4 * len(steps) > 0
