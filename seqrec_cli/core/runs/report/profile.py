"""The profile of a dataset: how long histories are, how popular items, when and how often again."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.reading.units import PER_SECOND
from seqrec_cli.core.data.sequences import PARTS, Part, Sequences
from seqrec_cli.core.runs.report.plots import Plot, Series, bars

BINS = 40  # of a histogram, at most
DAY = 86_400  # seconds
WIDE = 20  # the largest over the smallest, from which on an axis is logarithmic
MOST_POINTS = 200  # of the curve of popularity


@dataclass(frozen=True, eq=False)
class DatasetProfile:
    """What a dataset is like, all parts together.

    Attributes:
        facts: names and values, in words.
        plots: lengths, popularity, times and repeats; the last two where there are any.
    """

    facts: tuple[tuple[str, str], ...]
    plots: tuple[Plot, ...]


def profile_of(dataset: SequenceDataset) -> DatasetProfile:
    """The profile of a dataset that has all of its parts."""
    whole = dataset.histories("end")
    counts = np.bincount(whole.items, minlength=dataset.num_items + 1)[1:]
    times = all_times(dataset)
    repeats = repeats_of(whole)
    lengths = whole.lengths[whole.lengths > 0]
    low, middle, high = np.quantile(lengths, [0.05, 0.5, 0.95])
    facts = [
        ("users", f"{dataset.num_users:,}"),
        ("items", f"{dataset.num_items:,}"),
        ("interactions", f"{len(whole.items):,}"),
        ("history, median", f"{middle:,.0f} items (90 % of users: {low:,.0f} to {high:,.0f})"),
        ("share of the most popular tenth of items", f"{share_of_top(counts):.1%}"),
        ("Gini coefficient of popularity", f"{gini(counts):.3f}"),
        ("repeats", f"{repeats.mean():.1%} of interactions"),
    ]
    plots = [length_plot(lengths), popularity_plot(counts)]
    days = None if times is None else days_of(dataset, times)
    if days is not None:
        first, last = (np.datetime64(int(day), "D") for day in (days.min(), days.max()))
        facts.append(("times", f"{first} to {last}"))
        plots.append(time_plot(days))
    if repeats.any():
        plots.append(repeat_plot(whole, repeats))
    return DatasetProfile(tuple(facts), tuple(plots))


def all_times(dataset: SequenceDataset) -> NDArray[np.int64] | None:
    """The times of all interactions, in no order; None without times in every part."""
    parts: tuple[Part, ...] = PARTS
    if not all(part in dataset.timestamps for part in parts):
        return None
    return np.concatenate([dataset.timestamps[part] for part in parts])


def days_of(dataset: SequenceDataset, times: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Times as days since 1970; None where their unit is not known."""
    time = dataset.manifest.get("time")
    per_second = PER_SECOND.get(str(time.get("unit"))) if isinstance(time, dict) else None
    return None if per_second is None or not len(times) else times // (per_second * DAY)


def repeats_of(sequences: Sequences) -> NDArray[np.bool_]:
    """Which interactions are with an item that the user already has, bool (interactions,)."""
    order = np.lexsort((np.arange(len(sequences.items)), sequences.items, sequences.users))
    items, users = sequences.items[order], sequences.users[order]
    again = np.zeros(len(order), np.bool_)
    again[order[1:]] = (items[1:] == items[:-1]) & (users[1:] == users[:-1])
    return again


def share_of_top(counts: NDArray[np.int64], share: float = 0.1) -> float:
    """The share of interactions with the most popular `share` of the items (items,)."""
    ranked = np.sort(counts)[::-1]
    return float(ranked[: max(1, round(share * len(ranked)))].sum() / max(1, ranked.sum()))


def gini(counts: NDArray[np.int64]) -> float:
    """The Gini coefficient of counts (items,): 0 where all are equal, near 1 where one has all."""
    ranked, number = np.sort(counts), len(counts)
    total = ranked.sum()
    if not total:
        return 0.0
    return float((2 * np.arange(1, number + 1) - number - 1) @ ranked / (number * total))


def log_edges(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Edges of bins for whole numbers of 1 or more, even by the logarithm, none without a whole
    number in it."""
    edges = np.geomspace(values.min(), values.max() + 1, BINS + 1)
    return np.unique(np.ceil(edges - 1e-9))


def length_plot(lengths: NDArray[np.int64]) -> Plot:
    """How many users have histories of each length."""
    edges = log_edges(lengths)
    counts, _ = np.histogram(lengths, edges)
    alt = (
        f"Half of the users have {np.median(lengths):,.0f} interactions or fewer; the longest "
        f"history has {lengths.max():,}."
    )
    axes, log = ("interactions", "users"), bool(lengths.max() >= WIDE * lengths.min())
    return bars("lengths", "Length of histories", alt, axes, edges, counts, log=log)


def popularity_plot(counts: NDArray[np.int64]) -> Plot:
    """How often each item is there, the most popular first."""
    ranked = np.sort(counts[counts > 0])[::-1]
    places = np.unique(np.geomspace(1, len(ranked), MOST_POINTS).round().astype(int))
    alt = (
        f"The most popular item has {ranked[0]:,} interactions, the one in the middle "
        f"{ranked[len(ranked) // 2]:,}, the rarest {ranked[-1]:,}; "
        f"{share_of_top(counts):.0%} of interactions are with the most popular tenth."
    )
    curve = Series("interactions", tuple(map(float, places)), tuple(map(float, ranked[places - 1])))
    title = "Popularity of items"
    axes = ("rank of the item", "interactions")
    scale: Literal["", "xy"] = "xy" if ranked[0] >= WIDE * ranked[-1] else ""
    return Plot("popularity", title, alt, "line", *axes, (curve,), scale=scale)


def time_plot(days: NDArray[np.int64]) -> Plot:
    """How many interactions there are by date."""
    first, last = int(days.min()), int(days.max())
    width = -(-(last - first + 1) // BINS)  # whole days
    edges = np.arange(first, last + width + 1, width, dtype=np.float64)
    counts, _ = np.histogram(days, edges)
    most = int(counts.argmax())
    alt = (
        f"Interactions from {np.datetime64(first, 'D')} to {np.datetime64(last, 'D')}; most, "
        f"{counts[most]:,}, in the {width} days from {np.datetime64(int(edges[most]), 'D')}."
    )
    return bars(
        "times", "Interactions by date", alt, ("date", "interactions"), edges, counts, dates=True
    )


def repeat_plot(whole: Sequences, repeats: NDArray[np.bool_]) -> Plot:
    """The share of repeats by place in the history."""
    places = np.arange(len(whole.items)) - np.repeat(whole.offsets[:-1], whole.lengths) + 1
    edges = log_edges(places)
    there, _ = np.histogram(places, edges)
    again, _ = np.histogram(places[repeats], edges)
    known = there > 0
    shares = again[known] / there[known]
    alt = f"{repeats.mean():.0%} of interactions repeat an item of the same user; at the end of "
    alt += f"long histories {shares[-1]:.0%}."
    curve = Series("share", tuple(edges[:-1][known].tolist()), tuple(shares.tolist()))
    axes = ("place in the history", "share of repeats")
    return Plot("repeats", "Repeats", alt, "line", *axes, (curve,), scale="x")
