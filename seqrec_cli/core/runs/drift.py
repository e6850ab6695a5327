"""Whether a run still fits what happens: newer events against the dataset that it was trained on.

New are the events after the last one of the run's dataset; without times in both, all of them. Each
user is asked about one of them, as the run's own test part asks: the last, or, where the run's
dataset is split by time, the first that has a history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.identity import positions
from seqrec_cli.core.data.reading.units import show_moment
from seqrec_cli.core.data.sequences import PARTS, Sequences
from seqrec_cli.core.evaluation.queries import Queries
from seqrec_cli.core.evaluation.sequential import evaluate, metrics_of, rank_targets
from seqrec_cli.core.evaluation.shift import (
    by_chance,
    histograms,
    jensen_shannon,
    stability_index,
)
from seqrec_cli.core.evaluation.statistics import mean_interval
from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.evaluation.thresholds import parse_pair
from seqrec_cli.core.inference.recent import unit_of
from seqrec_cli.core.inference.scoring import Seen
from seqrec_cli.core.runs.loading import agreed_seen, catalogue_of, load_scorer
from seqrec_cli.core.runs.ruling import Wanted, make_rules
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.settings.yaml import nearest
from seqrec_cli.errors import ConfigError, DatasetError, InputError
from seqrec_cli.wording import counted

METRIC = "ndcg"


@dataclass(frozen=True, eq=False)
class NewEvents:
    """The new events of a log, and who is asked about them.

    Attributes:
        users: rows of the users who have some.
        items: int64 (events,), as the run numbers them; 0: it does not know the item.
        ids: int64 (events,), the numbers of the items in the log.
        asked: int64 (Q,), rows of the users who are asked about.
        histories: of these, without unknown items.
        targets: int64 (Q,), as `items`.
        notes: what the user should know.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    ids: NDArray[np.int64]
    asked: NDArray[np.int64]
    histories: Sequences
    targets: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shift:
    """A measure of drift.

    Attributes:
        key: as `--fail-over` names it.
        value: the more, the further from what the run was trained on.
        chance: what it stays below by chance, in 95 % of the cases; None: it has none.
    """

    key: str
    value: float
    chance: float | None = None


@dataclass(frozen=True, eq=False)
class Drift:
    """What has become of a run.

    Attributes:
        counts: users and events, in the run's dataset and new.
        lengths: the median history, in the run's dataset and of those asked about.
        own: the run's figure on its own test part; now: on new events; both None if unknown.
        asked: how many users `now` is a mean over.
    """

    run: str
    data: str
    metric: str
    counts: Mapping[str, tuple[int, int]]
    lengths: tuple[float, float | None]
    shifts: Sequence[Shift]
    own: Figure | None
    now: Figure | None
    asked: int
    notes: Sequence[str]

    def plain(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return {
            "run": self.run,
            "data": self.data,
            **{name: {"run": pair[0], "new": pair[1]} for name, pair in self.counts.items()},
            "median_history": {"run": self.lengths[0], "new": self.lengths[1]},
            **{s.key: s.value for s in self.shifts},
            "by_chance": {s.key: s.chance for s in self.shifts if s.chance is not None},
            self.metric: {"run": plain_figure(self.own), "new": plain_figure(self.now)},
            "asked": self.asked,
            "notes": list(self.notes),
        }


def plain_figure(figure: Figure | None) -> dict[str, float] | None:
    """A figure for JSON."""
    return None if figure is None else {k: getattr(figure, k) for k in ("mean", "low", "high")}


def measure_drift(
    run: Run,
    reference: SequenceDataset,
    newer: SequenceDataset,
    k: int,
    device: torch.device,
    seen: Seen | None = None,
    seed: int = 0,
) -> Drift:
    """Hold a newer dataset against the one that a run was trained on.

    Args:
        reference: the run's own dataset.
        k: the length of lists.

    Raises:
        RunError: `reference` is not the run's dataset.
        ConfigError: `newer` is.
    """
    check_both(run, reference, newer)
    found = new_events(run, reference, newer)
    notes, before = list(found.notes), asked_lengths(reference)
    shifts = population_shifts(reference, newer, found, seed)
    own = now = None
    if len(found.asked):
        shifts.append(length_shift(before, found.histories.lengths, seed))
    else:
        notes.append("nobody has a history with an item that the run knows: no figure")
    if run.experiment().model.reads_users:
        notes.append("the model reads features, whose codes belong to one preparation: no figure")
    elif len(found.asked):
        seen = agreed_seen([run], seen)
        own, now = figures_then_and_now(run, reference, found, k, device, seen, seed)
        shifts.append(Shift(f"{METRIC}_drop", own.mean - now.mean))
    whole, lengths = reference.histories("end"), found.histories.lengths
    return Drift(
        run=run.name,
        data=newer.name,
        metric=f"{METRIC}@{k}",
        counts={
            "users": (int((whole.lengths > 0).sum()), len(found.users)),
            "events": (len(whole.items), len(found.items)),
        },
        lengths=(float(np.median(before)), float(np.median(lengths)) if len(lengths) else None),
        shifts=shifts,
        own=own,
        now=now,
        asked=len(found.asked),
        notes=notes,
    )


def check_both(run: Run, reference: SequenceDataset, newer: SequenceDataset) -> None:
    """Refuse a reference that is not the run's dataset, and a newer one that is."""
    run.check_data(reference)
    if newer.sha256 == reference.sha256:
        raise ConfigError(
            f"`{newer.name}` is the dataset that the run was trained on",
            f"prepare the log as it is now: `seqrec prepare LOG --like data/{reference.name}.json "
            "--name NEW`",
        )


def whole_times(dataset: SequenceDataset) -> NDArray[np.int64] | None:
    """The time of each interaction of `dataset.histories("end")`; None without times."""
    times, parts = dataset.timestamps, (dataset.train, dataset.valid, dataset.test)
    if not all(part in times for part in PARTS):
        return None
    earlier, found = dataset.train, times["train"]
    for part, sequences in zip(PARTS[1:], parts[1:], strict=True):
        assert sequences is not None
        found = earlier.interleaved(sequences, found, times[part])
        earlier = earlier.followed_by(sequences)
    return found


def new_events(run: Run, reference: SequenceDataset, newer: SequenceDataset) -> NewEvents:
    """The events of `newer` that come after `reference`, and whom to ask about them.

    Raises:
        DatasetError: `newer` has times, and none after the reference's last.
    """
    whole = newer.histories("end")
    notes: list[str] = []
    fresh, apart = fresh_events(reference, newer, notes)
    numbers = positions(newer.item_ids, catalogue_of(run).item_ids) + 1  # 0: unknown
    items = np.concatenate(([0], numbers))[whole.items]
    known_before = positions(newer.user_ids, reference.user_ids)
    last = asks_about_the_last(reference)
    place, asked = places_to_ask(whole, fresh, (known_before >= 0) & apart, last)
    known = whole.take(asked).cut(place[asked])[0]
    earlier = numbers_of(known, np.concatenate(([0], numbers)))
    if apart:
        rows = known_before[asked]
        own = reference.histories("end").take(np.maximum(rows, 0))
        own = own.cut(np.where(rows >= 0, own.lengths, 0))[0]
        earlier = Sequences(own.offsets, own.items).followed_by(earlier)
    real = earlier.items > 0
    counts = np.bincount(earlier.users[real], minlength=len(earlier))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    histories, left = Sequences(offsets, earlier.items[real]), np.flatnonzero(counts)
    if len(left) < len(asked):
        who = counted(len(asked) - len(left), "user")
        notes.append(f"{who} not asked about: no known item in the history")
    return NewEvents(
        np.unique(whole.users[fresh]),
        items[fresh],
        whole.items[fresh].astype(np.int64),
        asked[left],
        histories.take(left),
        items[whole.offsets[:-1][asked] + place[asked]][left],
        notes,
    )


def numbers_of(sequences: Sequences, numbers: NDArray[np.int64]) -> Sequences:
    """Sequences with other numbers for their items; `numbers` (N + 1,) has 0 for unknown ones."""
    return Sequences(sequences.offsets, numbers[sequences.items].astype(np.int32))


def fresh_events(
    reference: SequenceDataset, newer: SequenceDataset, notes: list[str]
) -> tuple[NDArray[np.bool_], bool]:
    """Which interactions of `newer` are new, bool (interactions,), and whether all of them come
    after the reference by their times."""
    before, times = whole_times(reference), whole_times(newer)
    count = len(newer.histories("end").items)
    if before is None or times is None or unit_of(reference) != unit_of(newer):
        notes.append("without times of one unit in both datasets, all events count as new")
        return np.ones(count, np.bool_), False
    last, unit = int(before.max()), str(unit_of(reference))
    fresh = times > last
    if not fresh.any():
        raise DatasetError(
            f"`{newer.name}` has no event after {show_moment(last, unit)}, the last of the run's "
            f"dataset `{reference.name}`",
            "prepare a log that goes on after it",
        )
    return fresh, bool(fresh.all())


def asks_about_the_last(reference: SequenceDataset) -> bool:
    """Whether the test part of a dataset has the last event of each user, and not the first after a
    moment."""
    split = reference.manifest.get("split")
    kind = split.get("kind") if isinstance(split, dict) else None
    return reference.whole_sessions or kind == "leave-one-out"


def places_to_ask(
    whole: Sequences, fresh: NDArray[np.bool_], has_history: NDArray[np.bool_], last: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The place of the event that each user is asked about, int64 (users,), and the rows of those
    who are asked: the `last` new event, or else the first, or the next if nothing is known before
    it."""
    lengths = whole.lengths
    place = np.full(len(whole), np.iinfo(np.int64).max)
    within = np.arange(len(whole.items)) - np.repeat(whole.offsets[:-1], lengths)
    np.minimum.at(place, whole.users[fresh], within[fresh])
    some = place < lengths
    place = np.where(some, np.maximum(place, np.where(has_history, 0, 1)), 0)
    if last:
        place = np.where(some, lengths - 1, 0)
    possible = some & (place < lengths) & ((place > 0) | has_history)
    return place, np.flatnonzero(possible)


def population_shifts(
    reference: SequenceDataset, newer: SequenceDataset, found: NewEvents, seed: int
) -> list[Shift]:
    """Shares of what is unknown, and how far popularity has moved among the known items."""
    known_users = positions(newer.user_ids[found.users], reference.user_ids) >= 0
    distinct, first = np.unique(found.ids, return_index=True)
    shifts = [
        Shift("new_users", float((~known_users).mean())),
        Shift("new_items", float((found.items[first] == 0).sum() / len(distinct))),
        Shift("unknown_items", float((found.items == 0).mean())),
    ]
    known = found.items[found.items > 0]
    if len(known):
        size = reference.num_items + 1
        before = np.bincount(reference.histories("end").items, minlength=size).astype(np.float64)
        after = np.bincount(known, minlength=size).astype(np.float64)
        chance = by_chance(jensen_shannon, before, len(known), seed)
        shifts.append(Shift("popularity_shift", jensen_shannon(before, after), chance))
    return shifts


def length_shift(before: NDArray[np.int64], after: NDArray[np.int64], seed: int) -> Shift:
    """How far the lengths of histories have moved."""
    old, new = histograms(before, after)
    chance = by_chance(stability_index, old, len(after), seed)
    return Shift("length_shift", stability_index(old, new), chance)


def asked_lengths(reference: SequenceDataset) -> NDArray[np.int64]:
    """How long the histories are before the test part, of those who have something there."""
    lengths, targets = reference.histories("test").lengths, reference.targets("test").lengths
    return lengths[(targets > 0) & (lengths > 0)]


def figures_then_and_now(
    run: Run,
    reference: SequenceDataset,
    found: NewEvents,
    k: int,
    device: torch.device,
    seen: Seen,
    seed: int,
) -> tuple[Figure, Figure]:
    """The run's figure on its own test part, and on the new events; each user has one target.

    A new event with an item that the run does not know is missed.
    """
    scorer, rules = load_scorer(run, device), make_rules(run, Wanted()).rules
    name = f"{METRIC}@{k}"
    own = evaluate(
        scorer, reference, "test", metrics=(METRIC,), ks=[k], seen=seen, targets=1, rules=rules
    )
    targets = Sequences(np.arange(len(found.asked) + 1), found.targets.astype(np.int32))
    asked = Queries(found.asked, found.histories, targets, 0, {})
    longest = min(k, scorer.num_items)
    ranks, _ = rank_targets(scorer, asked, longest, seen, seed, False, False, None, rules)
    values = metrics_of(ranks, asked, (METRIC,), [k], sampled=False)[name]
    return figure_of_values(own.per_user[name], seed), figure_of_values(values, seed)


def figure_of_values(values: NDArray[np.float64], seed: int) -> Figure:
    """The mean of values (users,) with its 95 % interval."""
    (low,), (high,) = mean_interval(values[:, None], seed)
    return Figure(float(values.mean()), float(low), float(high))


def parse_limit(text: str) -> tuple[str, float]:
    """Read KEY=VALUE.

    Raises:
        InputError: it is something else.
    """
    return parse_pair(text, "KEY", "unknown_items=0.1")


def exceeded(drift: Drift, limits: Sequence[tuple[str, float]]) -> list[str]:
    """Which measures are above their limits, in words.

    Raises:
        InputError: there is no such measure.
    """
    values = {shift.key: shift.value for shift in drift.shifts}
    over = []
    for key, most in limits:
        if key not in values:
            raise InputError(f"there is no measure `{key}`", nearest(key, list(values)))
        if values[key] > most:
            over.append(f"{key} is {values[key]:.4f}, above {most:g}")
    return over
