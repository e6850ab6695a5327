"""Whom to recommend to: users of a dataset, or people who are in none, with a history each."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.identity import is_marked
from seqrec_cli.core.data.ordering import BLOCK_ROWS
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.names import Catalogue, Names
from seqrec_cli.core.inference.recommendation import Recommended
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.errors import InputError, RunError
from seqrec_cli.wording import counted, verb

Unknown = Literal["error", "skip", "popular"]
Before = Literal["end", "valid", "test"]

LARGEST_INPUT = 1 << 30  # bytes of histories on the standard input
NEVER = "never was in the log"
LEFT_OUT = "was in the log, but filters left all of it out"
NO_HISTORY = "has no history there"
NO_KNOWN_ITEM = "has no item that the run knows"
NOTHING_LEARNED = "has no item of which the run has learned anything"


@dataclass(frozen=True, eq=False)
class People:
    """Whom to recommend to.

    Attributes:
        labels: how each is called, in the order of the answer.
        histories: of those who have one, in the same order.
        known: bool (people,), who has one.
        dataset: the one that they are of; None if of none.
        missing: those without a history, by reason.
        times: of each item of the histories, int64, where there are any, in `unit`.
        notes: what the user should know about what was read.
    """

    labels: list[Any]
    histories: Sequences
    known: NDArray[np.bool_]
    dataset: SequenceDataset | None = None
    missing: dict[str, list[Any]] = field(default_factory=dict)
    times: NDArray[np.int64] | None = None
    unit: str = ""
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, labels: list[Any], histories: Sequences) -> "People":
        """People who all have a history."""
        return cls(labels, histories, np.ones(len(labels), np.bool_))

    def each(self) -> Iterator[tuple[Any, Sequences]]:
        """Everybody's label and history: one sequence, or none where there is no history."""
        rows = np.cumsum(self.known) - 1
        for label, row, known in zip(self.labels, rows, self.known, strict=True):
            yield label, self.histories.take(np.array([row] if known else [], np.int64))

    def rows(self) -> dict[str, int]:
        """The row of the history of everybody who has one, by label."""
        rows = (np.cumsum(self.known) - 1).tolist()
        each = zip(self.labels, rows, self.known.tolist(), strict=True)
        return {str(label): row for label, row, known in each if known}

    def between(self, start: int, stop: int) -> "People":
        """Those from number `start` up to `stop`; the times are left out."""
        first, last = int(self.known[:start].sum()), int(self.known[:stop].sum())
        return replace(
            self,
            labels=self.labels[start:stop],
            histories=self.histories.take(np.arange(first, last)),
            known=self.known[start:stop],
            times=None,
        )

    def fingerprint(self) -> str:
        """A digest of all that recommendations to them depend on, beside a model."""
        digest = hashlib.sha256(json.dumps([str(label) for label in self.labels]).encode())
        excluded = self.histories.excluded
        for array in (
            self.known,
            self.histories.offsets,
            self.histories.items,
            excluded.offsets,
            excluded.items,
        ):
            for start in range(0, len(array), BLOCK_ROWS):
                digest.update(array[start : start + BLOCK_ROWS].tobytes())
        return digest.hexdigest()

    def without_unknown(self) -> "People":
        """Those alone who have a history."""
        labels = [label for label, known in zip(self.labels, self.known, strict=True) if known]
        return replace(self, labels=labels, known=np.ones(len(labels), np.bool_))


def users_of(dataset: SequenceDataset, ids: Sequence[str], before: Before) -> People:
    """Users of a dataset, with their histories to the end or before a part."""
    ids = [text.strip() for text in ids]
    found = Names(dataset.user_ids).find_ids(ids)
    whole = dataset.histories(before)
    there = found >= 0
    known = there.copy()
    known[there] = whole.lengths[found[there]] > 0
    labels = dataset.user_ids[found].tolist() if there.any() else list(ids)
    missing: dict[str, list[Any]] = {}
    for row in np.flatnonzero(~known).tolist():
        if not there[row]:
            labels[row] = ids[row]
        reason = NO_HISTORY if there[row] else why_unknown(dataset, ids[row])
        missing.setdefault(reason, []).append(labels[row])
    return People(labels, whole.take(found[known]), known, dataset, missing)


def people_of_dataset(dataset: SequenceDataset) -> People:
    """All users of a dataset with their histories to the end."""
    histories = dataset.histories()
    known = histories.lengths > 0
    return People(dataset.user_ids.tolist(), histories.take(np.flatnonzero(known)), known, dataset)


def with_readable(people: People, unread: NDArray[np.bool_] | None, catalogue: Catalogue) -> People:
    """The same people; those are without a history of whose items the model can read none. A note
    says how many interactions are left out.

    The items stay in the histories, so that they are seen: the scorer reads them without.

    Args:
        unread: bool (N + 1,), items of which nothing was learned; None: there are none.
    """
    histories = people.histories
    strange = np.zeros(0, np.bool_) if unread is None else unread[histories.items]
    if not strange.any():
        return people
    items = np.unique(histories.items[strange])
    left = int(strange.sum())
    note = (
        f"{counted(left, 'interaction')} with {counted(len(items), 'item')} of which nothing was "
        f"learned, the first `{catalogue.item_ids[items[0] - 1]}`, {verb(left, 'was', 'were')} "
        "left out of what the model reads"
    )
    there = np.bincount(histories.users[~strange], minlength=len(histories)) > 0
    known, missing = people.known.copy(), {k: list(v) for k, v in people.missing.items()}
    for row in np.flatnonzero(people.known)[~there].tolist():
        known[row] = False
        missing.setdefault(NOTHING_LEARNED, []).append(people.labels[row])
    times = None if people.times is None else people.times[there[histories.users]]
    return replace(
        people,
        histories=histories.take(np.flatnonzero(there)),
        known=known,
        missing=missing,
        times=times,
        notes=[*people.notes, note],
    )


def why_unknown(dataset: SequenceDataset, text: str) -> str:
    """Whether a user who is not in a dataset was in its log."""
    marks = dataset.left_out_users
    if marks is None:
        return "is not in the dataset"
    numbers = dataset.user_ids.dtype.kind == "i"
    return LEFT_OUT if is_marked(text, marks, numbers) else NEVER


def refuse_unknown(people: People, place: str) -> None:
    """Refuse people without a history.

    Raises:
        InputError: with the first of them, why, and how many there are.
    """
    if not people.missing:
        return
    reason, labels = next(iter(people.missing.items()))
    others = f" (and {len(labels) - 1:,} more like that)" if len(labels) > 1 else ""
    for also, more in list(people.missing.items())[1:]:
        others += f"; {counted(len(more), 'other')}, the first `{more[0]}`: that one {also}"
    if reason in (NO_HISTORY, NO_KNOWN_ITEM, NOTHING_LEARNED) or people.dataset is None:
        message = f"user `{labels[0]}` {reason}{others}"
        raise InputError(message, "leave that user out, or say `--unknown skip`")
    names = Names(people.dataset.user_ids)
    if reason == LEFT_OUT:
        remedy = (
            "prepare the log with a lower --min-user-count or --min-item-count, or bring the "
            "history: `--histories FILE`"
        )
    else:
        remedy = f"the nearest ids are {', '.join(names.nearest(str(labels[0])))}"
    raise InputError(
        f"there is no user `{labels[0]}` in {place}: that id {reason}{others}",
        f"{remedy}; `--unknown skip` leaves such users out",
    )


def most_popular(catalogue: Catalogue, k: int, rules: Rules | None) -> Recommended:
    """The k items with the largest train counts that the rules leave; the counts are the scores.

    Raises:
        RunError: the run keeps no counts.
    """
    if catalogue.counts is None:
        raise RunError(
            "the run is of an earlier version, which kept no popularity",
            "train again, or use `--unknown skip`",
        )
    items = np.arange(1, len(catalogue.counts) + 1)
    if rules is not None:
        items = items[~rules.leave_out(items)]
    counts = catalogue.counts[items - 1]
    best = np.lexsort((items, -counts))[:k]
    return Recommended(items[best], counts[best].astype(np.float32))


def with_popular(
    people: People, found: Iterator[Recommended], popular: Recommended | None
) -> Iterator[Recommended]:
    """What was found, and in between, for people without a history, what is popular."""
    for known in people.known.tolist():
        if known:
            yield next(found)
        else:
            assert popular is not None
            yield popular
