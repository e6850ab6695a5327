"""What the columns of a log probably are, where it cannot be told: for a hint."""

from collections import Counter
from collections.abc import Mapping, Sequence

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.choosing import (
    WIDEST,
    depends,
    is_generic,
    is_like_ids,
    is_nested,
    is_unnamed,
    numbers_rows,
)
from seqrec_cli.core.data.reading.lists import list_form
from seqrec_cli.core.data.reading.moments import PIECES, Moment
from seqrec_cli.core.data.reading.options import Role
from seqrec_cli.core.data.reading.profiles import Profile


def guessed(
    user: Profile | None,
    item: Profile | None,
    pool: Sequence[Profile],
    time: Moment | None,
) -> list[dict[Role, str]]:
    """What the columns probably are, for a hint; never a time or a fragment as an id.

    Where another column is as likely a user as the first one, or an item, that is proposed next.
    """
    first, tied = guess_of(user, item, pool, time)
    return [first, guess_of(user, item, pool, time, tied)[0]] if tied is not None else [first]


def guess_of(
    user: Profile | None,
    item: Profile | None,
    pool: Sequence[Profile],
    time: Moment | None,
    rather: Profile | None = None,
) -> tuple[dict[Role, str], Profile | None]:
    """The likeliest columns, and one as likely as the first of those that are not known.

    `rather` is taken in place of that first one.
    """
    ids = [
        p
        for p in pool
        if p not in (user, item)
        and (p.may_be_id or list_form(p.values))
        and not p.is_row_number
        and (is_like_ids(p) or (leaning(p) and p.distinct > 2))
        and is_unnamed(p)
        and not (vocabulary.NOT_MOMENTS | {*PIECES}).intersection(vocabulary.words_of(p.label))
    ]
    if len(pool) > WIDEST and not any(p.label for p in pool):
        return {}, None  # of so many columns any two might be
    plain = [p for p in ids if not p.wordy and is_varied(p) and not numbers_rows(p)] or ids
    guess: dict[Role, str] = {}
    tied: Profile | None = None
    for role, profile in (("user", user), ("item", item)):
        if profile is None:
            profile, other = likeliest(role, plain, ids, pool, guess)
            if user is not None or role == "user":  # the first that is to be found
                profile, tied = (rather, None) if rather is not None else (profile, other)
        if profile is not None:
            guess[role] = profile.name  # type: ignore[index]
            # What says no more than another column does, such as a user's name or city, is no id.
            telling = profile.distinct < 0.9 * len(profile.values)
            plain = [p for p in plain if p is not profile and not (telling and depends(p, profile))]
    if time is not None and len(time.columns) == 1:
        guess["time"] = time.name
    return guess, tied


def likeliest(
    role: str,
    plain: Sequence[Profile],
    ids: Sequence[Profile],
    pool: Sequence[Profile],
    guess: Mapping[Role, str],
) -> tuple[Profile | None, Profile | None]:
    """The column to propose for a role: by words in its name, by being called an id, by place.

    Texts come last, those that repeat; of an item's category the item is taken. The second is a
    column of which nothing but the place says that it is less likely.
    """
    other: vocabulary.Named = "item" if role == "user" else "user"
    left = [p for p in ids if p.name not in guess.values()]
    texts = [p for p in left if not (p.wordy and numbers_rows(p))]
    pooled = plain or sorted(texts, key=lambda p: -p.distinct)
    fitting = [p for p in pooled if p.rank(other) < 0 or is_generic(p) or not p.label]
    words = set(vocabulary.words_of(guess.get("user", "")))
    if not fitting and words and role == "item":  # who follows whom: `user_id`, `target_user_id`
        fitting = [p for p in pooled if words < set(vocabulary.words_of(p.label))]
    if not fitting:
        return None, None

    def order(profile: Profile) -> tuple[bool, int, bool]:
        against = (leaning(profile) == other) - (leaning(profile) == role)
        return is_nested(profile), against, not is_called_id(profile)

    best, *others = sorted(fitting, key=order)
    tied = next((p for p in others if p.label and order(p) == order(best)), None)
    finer = (
        p
        for p in pool
        if role == "item"
        and best.label
        and p.name not in guess.values()
        and p.may_be_id
        and not p.wordy
        and not p.is_moment
        and best.distinct < p.distinct < 0.9 * len(p.values)
        and depends(best, p)
    )
    return next(finer, best), tied


def leaning(profile: Profile) -> str:
    """Whether a word of the name says that it rather is a user or an item, "" if none does."""
    words = set(vocabulary.words_of(profile.label))
    held = [role for role, known in vocabulary.LEANING.items() if words & known]
    return held[0] if len(held) == 1 else ""


def is_varied(profile: Profile) -> bool:
    """Whether there are some values, and none is in most of the rows."""
    ((_, most),) = Counter(profile.values).most_common(1)
    return profile.distinct > 2 and most < 0.5 * len(profile.values)


def is_called_id(profile: Profile) -> bool:
    return bool(vocabulary.IDS.intersection(vocabulary.words_of(profile.label)))
