"""Which users are asked about, with which history and targets."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.randomness import Purpose, stream
from seqrec_cli.errors import DatasetError

EvaluatedPart = Literal["valid", "test"]
# What is predicted: what follows a user's history, as one set (of a session its last item), or
# each item of the part from everything before it; or a number: the next so many events, as one set.
Targets = Literal["last", "all"] | int

MOST_HISTORY = 1 << 24  # items in the histories that are asked about at a time


@dataclass(frozen=True, eq=False)
class Queries:
    """Who is evaluated: their histories, and what they did next.

    Attributes:
        users: int64 (Q,), indices into the dataset's users.
        histories: what the model reads, Q histories of 1 or more items.
        targets: what it should find, Q sets of 1 or more items.
        repeated: how many targets were the same item of the same user again.
        skipped: users left out, by reason.
    """

    users: NDArray[np.int64]
    histories: Sequences
    targets: Sequences
    repeated: int
    skipped: dict[str, int]


def queries(
    dataset: SequenceDataset,
    part: EvaluatedPart,
    most_users: int | None = None,
    seed: int = 0,
    next_events: int | None = None,
) -> Queries:
    """Collect who can be asked about `part`: valid is asked after train, test after both.

    With `most_users`, more are cut to a seeded random sample of that many; with `next_events` the
    targets are so many of each user, at most.

    Raises:
        DatasetError: nobody can be asked.
    """
    targets = dataset.targets(part, next_events)
    histories = dataset.histories(part, next_events or 1)
    asked, known = targets.lengths > 0, histories.lengths > 0
    users = np.flatnonzero(asked & known)
    skipped = {
        f"nothing in the {part} part": int((~asked).sum()),
        "no history before it": int((asked & ~known).sum()),
    }
    if not len(users):
        raise nobody_to_ask(dataset, part)
    if most_users is not None and len(users) > most_users:
        skipped[f"not in the random sample of {most_users:,}"] = len(users) - most_users
        users = np.sort(stream(seed, Purpose.USERS).choice(users, most_users, replace=False))
    wanted = targets.take(users)
    distinct = wanted.distinct()
    moments = None if wanted.times is None else wanted.times[wanted.offsets[:-1]]
    return Queries(
        users,
        replace(histories.take(users), moments=moments),
        distinct,
        len(wanted.items) - len(distinct.items),
        {reason: count for reason, count in skipped.items() if count},
    )


def nobody_to_ask(dataset: SequenceDataset, part: EvaluatedPart) -> DatasetError:
    return DatasetError(
        f"the dataset `{dataset.name}` has no user with a history and an item in its {part} part",
        "prepare it with another split (`--split sessions` where users are sessions), or from more "
        "data",
    )


def position_queries(
    dataset: SequenceDataset, part: EvaluatedPart, most_users: int | None = None, seed: int = 0
) -> Iterator[Queries]:
    """A query for each item of `part`, whose history is everything that the user did before it:
    each earlier item of the part too. The first item of a session has no history.

    They come user by user, in blocks of at most MOST_HISTORY items of history. With `most_users`,
    more are cut to a seeded random sample of that many.

    Raises:
        DatasetError: nobody can be asked.
    """
    held_out = dataset.held_out(part)
    if held_out is None:
        raise ValueError("this dataset was loaded without its test part")
    before = dataset.learnt()
    if part == "test":
        before = before.followed_by(dataset.valid)
    whole = before.followed_by(held_out)
    first = np.maximum(before.lengths, 1)  # the first place that has a history
    counts = np.where(held_out.lengths > 0, whole.lengths - first, 0)
    someone = np.flatnonzero(counts)
    if not len(someone):
        raise nobody_to_ask(dataset, part)
    left_out = {}
    if most_users is not None and len(someone) > most_users:
        left_out[f"not in the random sample of {most_users:,}"] = len(someone) - most_users
        chosen = stream(seed, Purpose.USERS).choice(someone, most_users, replace=False)
        counts[np.setdiff1d(someone, chosen)] = 0
    users = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    skipped = {
        f"nothing in the {part} part": int((held_out.lengths == 0).sum()),
        "no history before it": int((held_out.lengths > 0).sum()) - len(someone),
        **left_out,
    }
    skipped = {reason: count for reason, count in skipped.items() if count}
    ends, start = np.cumsum(places), 0
    while start < len(users):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + MOST_HISTORY, side="right")))
        rows, lengths = users[start:stop], places[start:stop]
        own = whole.offsets[rows] + lengths
        targets = Sequences(np.arange(len(rows) + 1), whole.items[own])
        moments = None if whole.times is None else whole.times[own]
        histories = replace(whole.take(rows).cut(lengths)[0], moments=moments)
        yield Queries(rows, histories, targets, 0, skipped)
        start = stop


def with_others(asked: Queries, num_items: int, name: str) -> Queries:
    """Leave out those who have every item, so that there is nothing to sample for them."""
    known = asked.histories.followed_by(asked.targets).distinct()
    left = np.flatnonzero(known.lengths < num_items)
    if len(left) == len(asked.users):
        return asked
    if not len(left):
        raise DatasetError(
            f"every user of `{name}` has every item, so that no candidates can be sampled",
            "use `--protocol full`",
        )
    return replace(
        asked,
        users=asked.users[left],
        histories=asked.histories.take(left),
        targets=asked.targets.take(left),
        skipped=asked.skipped | {"has every item": len(asked.users) - len(left)},
    )
