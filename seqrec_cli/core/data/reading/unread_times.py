"""What says when by its name and is of no form that is read: to be said where the order of the file
counts instead, as an export often has the newest first."""

from collections.abc import Iterator

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.clocks import is_clock
from seqrec_cli.core.data.reading.dated_numbers import MEASURES, says_done, says_when
from seqrec_cli.core.data.reading.moments import is_category
from seqrec_cli.core.data.reading.profiles import Profile
from seqrec_cli.core.data.reading.relations import Relation
from seqrec_cli.core.data.reading.roles import NONE, Plan
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.wording import typed

MOSTLY = 0.5  # of the values that are there


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
    if profile.counts:
        return says_when(profile.label)
    told = sum(any(letter.isdigit() for letter in value) for value in values)
    named = says_when(profile.label) or says_done(profile.label)
    return named and told > MOSTLY * len(values)
