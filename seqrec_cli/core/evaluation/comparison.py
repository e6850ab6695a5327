"""Comparison of scorers, over all users and over slices of them.

Every difference is paired: the same users, resampled together. p-values are corrected for the
number of comparisons.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.reading.units import PER_SECOND
from seqrec_cli.core.data.sequences import Part, Sequences
from seqrec_cli.core.evaluation.queries import EvaluatedPart
from seqrec_cli.core.evaluation.sequential import Evaluation, means_of
from seqrec_cli.core.evaluation.statistics import (
    bootstrap_means,
    holm,
    influences_on_means,
    interval,
    mean_interval,
    two_sided,
    weighted_mean,
)
from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.wording import duration, span

RESAMPLES = 10_000
ALL_USERS = "all users"
GROUPS = 3  # of about equal size, for each kind of slice


@dataclass(frozen=True)
class Difference:
    """The mean of `a` minus `b` over the users of a slice, with its 95 % interval.

    `p` is two-sided, for a difference of 0, corrected for the number of comparisons; the interval
    is not corrected.
    """

    a: str
    b: str
    slice: str
    users: int
    metric: str
    mean: float
    low: float
    high: float
    p: float


def compare(
    outcomes: dict[str, Evaluation],
    slices: dict[str, NDArray[np.bool_]],
    metrics: Sequence[str],
    seed: int,
) -> list[Difference]:
    """Compare each pair of scorers by each metric, over all users and over each slice of them.

    Where every position was a target, means are over positions, and users are resampled with all of
    theirs.

    Args:
        outcomes: of scorers that were evaluated on the same users.
        slices: masks (Q,) over those users.
        metrics: names in `per_user`, such as "ndcg@10".
    """
    results = []
    first = next(iter(outcomes.values()))
    masks = {ALL_USERS: np.ones(len(first.users), bool), **slices}
    for (name, mask), (a, b) in itertools.product(
        masks.items(), itertools.combinations(outcomes, 2)
    ):
        differences = np.stack(
            [outcomes[a].per_user[m][mask] - outcomes[b].per_user[m][mask] for m in metrics],
            axis=1,
        )
        weights = None if first.counts is None else first.counts[mask]
        drawn = bootstrap_means(differences, seed, RESAMPLES, weights)
        means = np.array([weighted_mean(column, weights) for column in differences.T])
        low, high = interval(drawn, means, influences_on_means(differences, weights))
        for column, metric in enumerate(metrics):
            results.append(
                Difference(
                    a,
                    b,
                    name,
                    int(mask.sum()),
                    metric,
                    float(means[column]),
                    float(low[column]),
                    float(high[column]),
                    two_sided(drawn[:, column]),
                )
            )
    corrected = holm(np.array([difference.p for difference in results]))
    return [replace(d, p=float(p)) for d, p in zip(results, corrected, strict=True)]


def slices_of(
    dataset: SequenceDataset, part: EvaluatedPart, users: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    """Masks (Q,) over `users`: by length of history, popularity of the target and, with times, by
    how long after the history the target came.

    A user with several targets counts by their mean.
    """
    kinds = slices_by_kind(dataset, part, users).values()
    return {name: mask for masks in kinds for name, mask in masks.items()}


def slices_by_kind(
    dataset: SequenceDataset, part: EvaluatedPart, users: NDArray[np.int64]
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """The masks of `slices_of`, by what they are cut by."""
    wanted = dataset.targets(part).take(users)
    counts = dataset.train.item_counts(dataset.num_items)
    lengths = dataset.histories(part).lengths[users].astype(np.float64)
    popularity = means_of(counts[wanted.items].astype(np.float64), wanted.lengths)
    kinds = {
        "length of the history": thirds("history", lengths, "items"),
        "popularity of the target": thirds("target", popularity, "times in train"),
    }
    times = dataset.timestamps
    if part in times and all(earlier in times for earlier in ("train", "valid")):
        waits = target_times(dataset, part)[users] - last_times(dataset, part)[users]
        kinds["time between history and target"] = thirds(
            "target", waits.astype(np.float64), "later", wait_of(dataset)
        )
    return kinds


def figure_of_slice(outcome: Evaluation, mask: NDArray[np.bool_], metric: str, seed: int) -> Figure:
    """The mean of a metric over the users of a slice, with its 95 % interval."""
    values, weights = outcome.per_user[metric][mask, None], outcome.counts
    weights = None if weights is None else weights[mask]
    (low,), (high,) = mean_interval(values, seed, weights)
    return Figure(weighted_mean(values[:, 0], weights), float(low), float(high))


def wait_of(dataset: SequenceDataset) -> Callable[[float], str]:
    """How a difference of two of a dataset's times is written."""
    time = dataset.manifest.get("time")
    per_second = PER_SECOND.get(str(time.get("unit"))) if isinstance(time, dict) else None
    return amount if per_second is None else lambda wait: duration(wait / per_second)


def amount(value: float) -> str:
    """A number without a unit."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"


def target_times(dataset: SequenceDataset, part: EvaluatedPart) -> NDArray[np.int64]:
    """The time of each user's first target in `part`, int64 (users,); any for who has none."""
    held_out = dataset.held_out(part)
    assert held_out is not None
    places = held_out.offsets[1:] - 1 if dataset.whole_sessions else held_out.offsets[:-1]
    times = dataset.timestamps[part]
    return times[np.clip(places, 0, len(times) - 1)]


def last_times(dataset: SequenceDataset, part: EvaluatedPart) -> NDArray[np.int64]:
    """The time of each user's last interaction before `part`, or in a held-out session before its
    last; int64 (users,), 0 without one."""
    if dataset.whole_sessions:
        held_out = dataset.held_out(part)
        assert held_out is not None
        own = dataset.timestamps[part]
        return own[np.clip(held_out.offsets[1:] - 2, 0, len(own) - 1)]
    times = np.zeros(dataset.num_users, dataset.timestamps["train"].dtype)
    earlier: list[tuple[Part, Sequences]] = [("train", dataset.train), ("valid", dataset.valid)]
    for name, sequences in earlier[: 1 if part == "valid" else 2]:
        nonempty = sequences.lengths > 0
        times[nonempty] = dataset.timestamps[name][sequences.offsets[1:][nonempty] - 1]
    return times


def thirds(
    what: str,
    values: NDArray[np.float64],
    unit: str,
    show: Callable[[float], str] = amount,
) -> dict[str, NDArray[np.bool_]]:
    """Cut users into groups of about the same size by `values` (Q,); equal values stay together."""
    cuts = np.quantile(values, np.arange(1, GROUPS) / GROUPS, method="lower")
    group = np.searchsorted(np.unique(cuts), values, side="left")
    masks: dict[str, NDArray[np.bool_]] = {}
    for number in np.unique(group):
        mask = group == number
        low, high = (show(float(end)) for end in (values[mask].min(), values[mask].max()))
        name = f"{what} {span(low, high)} {unit}"
        masks[name] = mask | masks.get(name, False)
    return masks if len(masks) > 1 else {}
