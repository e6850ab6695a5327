"""A generated log whose best achievable ranking quality is known exactly.

The next item depends only on the last one, and no user has an item twice:
P(next = j | last = i, seen) = T[i, j] / (sum of T[i, k] over unseen items k), for unseen j. No
ranking is better, in expectation, than the unseen items by T[i, j]; so the figures of that ranking
on the generated histories are the ceiling of every model.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Interactions, Origin
from seqrec_cli.core.data.preparation import Preparation, prepare

USERS = 2000
ITEMS = 300
LENGTHS = (10, 40)  # of a history; uniform, both ends included
ZIPF = 0.6  # the item of rank r is drawn in proportion to r^-ZIPF
SUCCESSORS = (0.42, 0.18, 0.10, 0.07, 0.05)  # probabilities; the rest follows popularity
FIRST_TIMESTAMP = 1_704_067_200  # 2024-01-01, in seconds
DAY = 86_400

ADJECTIVES = (
    *("Amber", "Brass", "Cedar", "Dusty", "Early", "Frozen", "Gentle", "Hidden", "Iron", "Jade"),
    *("Kind", "Lonely", "Misty", "Narrow", "Old", "Paper", "Quiet", "Red", "Silent", "Tall"),
)
NOUNS = (
    *("Anchor", "Bridge", "Clock", "Door", "Engine", "Forest", "Garden", "Harbour", "Island"),
    *("Journey", "Kite", "Lantern", "Mirror", "Night", "Orchard"),
)


@dataclass(frozen=True, eq=False)
class Demo:
    """A generated log and its transition probabilities.

    Attributes:
        interactions: the log; item codes are the rows and columns of `transitions`.
        transitions: float64 (items, items), T; rows sum to 1, the diagonal is 0.
    """

    interactions: Interactions
    transitions: NDArray[np.float64]


def prepare_demo(options: Preparation, name: str) -> SequenceDataset:
    """Generate the log and prepare it.

    The manifest has the ceiling if it holds: leave-one-out, no row dropped, no shuffling.
    """
    demo = generate(options.seed)
    dataset = prepare(demo.interactions, options, name)
    if dataset.manifest["dropped"] or options.shuffle or options.split != "leave-one-out":
        return dataset
    return replace(
        dataset, manifest=dataset.manifest | {"ceiling": ceiling(dataset, demo.transitions)}
    )


def generate(seed: int = 0) -> Demo:
    """Generate the log; the same seed gives the same log."""
    structure, walk, clock = (
        np.random.Generator(np.random.Philox(child))
        for child in np.random.SeedSequence(seed).spawn(3)
    )
    popularity = zipf(ITEMS, structure)
    transitions = draw_transitions(popularity, structure)
    lengths = walk.integers(LENGTHS[0], LENGTHS[1], USERS, endpoint=True)
    items = np.concatenate(
        [draw_history(int(length), popularity, transitions, walk) for length in lengths]
    )
    item_ids, codes = np.unique(items, return_inverse=True)
    interactions = Interactions(
        users=np.repeat(np.arange(USERS, dtype=np.int32), lengths),
        items=codes.astype(np.int32),
        user_ids=np.arange(1, USERS + 1),
        item_ids=item_ids + 1,
        origin=Origin(
            path=f"demo, seed {seed}",
            sha256="",
            format="demo",
            rows_read=len(items),
            time_unit="seconds",
            obtained="generated",
        ),
        timestamps=draw_timestamps(lengths, clock),
        item_titles=np.array(titles(ITEMS))[item_ids],
    )
    return Demo(interactions, transitions[np.ix_(item_ids, item_ids)])


def zipf(items: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Probabilities by Zipf's law, ranks assigned to items at random, float64 (items,)."""
    weights = np.arange(1, items + 1, dtype=np.float64) ** -ZIPF
    random.shuffle(weights)
    return weights / np.sum(weights)


def draw_transitions(
    popularity: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a few likely successors for each item, popular ones more often; (items, items)."""
    items = len(popularity)
    transitions: NDArray[np.float64] = np.tile((1 - sum(SUCCESSORS)) * popularity, (items, 1))
    np.fill_diagonal(transitions, 0)
    for item in range(items):
        weights = popularity.copy()
        weights[item] = 0
        chosen = random.choice(items, len(SUCCESSORS), replace=False, p=weights / weights.sum())
        transitions[item, chosen] += SUCCESSORS
    transitions /= transitions.sum(axis=1, keepdims=True)
    return transitions


def draw_history(
    length: int,
    popularity: NDArray[np.float64],
    transitions: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw one history without repeats, item codes from 0, int64 (length,)."""
    history = np.empty(length, np.int64)
    unseen = np.ones(len(popularity))
    weights = popularity
    for position, point in enumerate(random.random(length)):
        reach = np.cumsum(weights * unseen)
        # side="right" skips seen items, whose weight is 0; point < 1 keeps it in range.
        history[position] = np.searchsorted(reach, point * reach[-1], side="right")
        unseen[history[position]] = 0
        weights = transitions[history[position]]
    return history


def draw_timestamps(lengths: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Timestamps in seconds, increasing along each history, int64 (sum of lengths,)."""
    gaps = random.integers(60, 2 * DAY, int(lengths.sum()))
    first = np.cumsum(lengths) - lengths
    gaps[first] = FIRST_TIMESTAMP + random.integers(0, 300 * DAY, len(lengths))
    return np.concatenate([np.cumsum(part) for part in np.split(gaps, first[1:])])


def titles(items: int) -> list[str]:
    """Made-up titles, all different."""
    return [
        f"The {ADJECTIVES[number % len(ADJECTIVES)]} {NOUNS[number // len(ADJECTIVES)]}"
        for number in range(items)
    ]


def ceiling(
    dataset: SequenceDataset, transitions: NDArray[np.float64], k: int = 10
) -> dict[str, float | str]:
    """The figures of the best ranking on the test part: full ranking, seen items excluded.

    `hr@k` and `ndcg@k` are expectations over the next item, given the histories; `realised_…` are
    the figures on the items that were drawn.
    """
    assert dataset.test is not None
    discounts = 1 / np.log2(np.arange(2, k + 2))
    sums = np.zeros(4)
    users = 0
    for train, valid, test in zip(dataset.train, dataset.valid, dataset.test, strict=True):
        if not len(test):
            continue
        seen = np.concatenate((train, valid)) - 1
        probabilities = transitions[seen[-1]].copy()
        probabilities[seen] = 0
        probabilities /= probabilities.sum()
        best = np.sort(probabilities)[::-1][:k]
        rank = int(np.count_nonzero(probabilities > probabilities[test[0] - 1]))
        gain = discounts[rank] if rank < k else 0.0
        sums += np.array((best.sum(), best @ discounts[: len(best)], rank < k, gain))
        users += 1
    names = (f"hr@{k}", f"ndcg@{k}", f"realised_hr@{k}", f"realised_ndcg@{k}")
    protocol = "test part, full ranking, seen items excluded"
    means = (float(total / users) for total in sums)
    return {**dict(zip(names, means, strict=True)), "users": users, "protocol": protocol}
