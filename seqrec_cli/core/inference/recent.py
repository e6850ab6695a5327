"""What a user did lately: items seen since a moment, the only ones that `--exclude-seen since=`
leaves out."""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.reading.units import PER_SECOND, parse_moment
from seqrec_cli.core.data.sequences import PARTS, Sequences
from seqrec_cli.errors import ConfigError, InputError

DURATION = re.compile(r"([0-9]{1,9})(s|min|h|d|w)")
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
EXAMPLE = "write `--exclude-seen since=30d` (s, min, h, d or w), or a date: `since=2024-05-31`"


@dataclass(frozen=True)
class Since:
    """From when on seen items are left out.

    Attributes:
        text: as typed.
        window: how long before the moment of recommending, in the unit of the times; or None.
        moment: the moment itself, likewise; or None.
    """

    text: str
    window: int | None
    moment: int | None

    @classmethod
    def parse(cls, text: str, unit: str | None) -> "Since":
        """Read `since=30d` or `since=2024-05-31`, for times in `unit`; None: there are no times.

        Raises:
            ConfigError: there are no times.
            InputError: neither, or a duration where the unit is not known.
        """
        if unit is None:
            raise ConfigError(
                "these histories have no times, so nothing is seen lately or long ago",
                "leave out --exclude-seen, or bring a log with times",
            )
        word, _, value = text.partition("=")
        if word.strip() != "since" or not value.strip():
            raise InputError(f"`--exclude-seen {text}` does not say since when", EXAMPLE)
        value = value.strip()
        duration = DURATION.fullmatch(value)
        if duration is None:
            return cls(text, None, moment_since(text, value, unit))
        if unit not in PER_SECOND:
            raise InputError(
                f"`--exclude-seen {text}`: the unit of the log's times is not known",
                "write a time of the log itself: `--exclude-seen since=NUMBER`",
            )
        seconds = int(duration[1]) * SECONDS[duration[2]]
        return cls(text, seconds * PER_SECOND[unit], None)

    def first(self, now: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first time that counts, for each moment of recommending (users,)."""
        if self.window is not None:
            return now - self.window
        return np.full(len(now), self.moment, np.int64)


def moment_since(text: str, value: str, unit: str) -> int:
    """The moment that `text` names by its `value`, in `unit`.

    Raises:
        InputError: it is none; the hint says that a duration could be meant.
    """
    try:
        return parse_moment(value, unit)
    except InputError as error:
        remedy = error.hint if unit not in PER_SECOND else EXAMPLE
        raise InputError(f"`--exclude-seen {text}`: {error.message}", remedy) from None


def unit_of(dataset: SequenceDataset) -> str | None:
    """The unit of a dataset's times; None if it has none."""
    if "train" not in dataset.timestamps:
        return None
    return str((dataset.manifest.get("time") or {}).get("unit", ""))


def seen_since(
    histories: Sequences, times: NDArray[np.int64], since: Since, now: NDArray[np.int64]
) -> Sequences:
    """Those items of histories whose `times` (interactions,) are not before `since`; `now` (users,)
    is when the recommendation is made."""
    kept = times >= since.first(now)[histories.users]
    counts = np.bincount(histories.users[kept], minlength=len(histories))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Sequences(offsets, histories.items[kept])


def with_times(dataset: SequenceDataset) -> SequenceDataset:
    """The same dataset with the time of each interaction in the place of its item."""
    marks: dict[str, Any] = {}
    for part in PARTS:
        sequences = getattr(dataset, part)
        if sequences is not None:
            times: Any = dataset.timestamps[part]
            marks[part] = Sequences(sequences.offsets, times)
    return replace(dataset, **marks)


def at_the_end(
    dataset: SequenceDataset,
    histories: Sequences,
    users: NDArray[np.int64],
    before: Literal["end", "valid", "test"],
    since: Since,
) -> Sequences:
    """The histories of `users` before a part, for a recommendation that is made when the last of
    all users' interactions there has just happened."""
    known = with_times(dataset).histories(before)
    now = np.full(len(users), int(known.items.max(initial=0)), np.int64)
    times = np.asarray(known.take(users).items, np.int64)
    return replace(histories, barred=seen_since(histories, times, since, now))


def before_the_last(histories: Sequences, times: NDArray[np.int64], since: Since) -> Sequences:
    """Histories with the time of each item, for a recommendation that is made when the last of all
    these interactions has just happened."""
    now = np.full(len(histories), int(times.max(initial=0)), np.int64)
    return replace(histories, barred=seen_since(histories, times, since, now))


def at_the_targets(
    dataset: SequenceDataset,
    histories: Sequences,
    users: NDArray[np.int64],
    part: Literal["valid", "test"],
    since: Since,
    next_events: int | None = None,
) -> Sequences:
    """The histories of `users` before a part, for recommendations that are made when each user's
    first target happens."""
    timed = with_times(dataset)
    targets = timed.targets(part, next_events).take(users)
    now = np.asarray(targets.items[targets.offsets[:-1]], np.int64)
    times = np.asarray(timed.histories(part, next_events or 1).take(users).items, np.int64)
    return replace(histories, barred=seen_since(histories, times, since, now))
