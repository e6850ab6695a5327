"""A generated log whose best achievable ranking quality is known exactly.

The next item depends on the one before it, and on nothing else but that nobody meets an item
twice: P(next = j | last = i, seen) = T[i, j] / (sum of T[i, k] over items k not yet seen), for j
not yet seen. No ranking beats the one by T[i, ·] over the unseen items, in expectation, so what
that ranking achieves on the histories at hand is the ceiling of every model.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.dataset import SequenceDataset
from seqrec_cli.core.interactions import Interactions, Origin

USERS = 2000
ITEMS = 300
LENGTHS = (10, 40)  # uniform, both included
ZIPF = 0.6
SUCCESSORS = (0.42, 0.18, 0.10, 0.07, 0.05)  # the rest follows popularity
FIRST_MOMENT = 1_704_067_200  # 2024-01-01, in seconds

FIRST_WORDS = (
    "Amber Brass Cedar Dusty Early Frozen Gentle Hidden Iron Jade Kind Lonely Misty Narrow "
    "Old Paper Quiet Red Silent Tall"
).split()
SECOND_WORDS = (
    "Anchor Bridge Clock Door Engine Forest Garden Harbour Island Journey Kite Lantern Mirror "
    "Night Orchard"
).split()


@dataclass(frozen=True, eq=False)
class Demo:
    """A generated log and the law it was drawn from.

    Attributes:
        interactions: the log.
        transitions: float64 (items, items), rows sum to 1, the diagonal is 0.
    """

    interactions: Interactions
    transitions: NDArray[np.float64]


def generate(seed: int = 0) -> Demo:
    """Draw the log; the same seed gives the same log."""
    law, walk, clock = (
        np.random.Generator(np.random.Philox(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    popularity = zipf(ITEMS, law)
    transitions = draw_transitions(popularity, law)
    lengths = walk.integers(LENGTHS[0], LENGTHS[1], USERS, endpoint=True)
    items = np.concatenate(
        [draw_history(length, popularity, transitions, walk) for length in lengths]
    )
    users = np.repeat(np.arange(USERS, dtype=np.int32), lengths)
    origin = Origin(
        path="demo", sha256="", format="demo", rows_read=len(items), time_unit="seconds",
        licence="generated; free for any use",
    )
    interactions = Interactions(
        users,
        items.astype(np.int32),
        np.arange(1, USERS + 1),
        np.arange(1, ITEMS + 1),
        origin,
        timestamps=draw_moments(lengths, clock),
        item_titles=np.array(titles(ITEMS)),
    )
    return Demo(interactions, transitions)


def zipf(items: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Popularity by Zipf's law, ranks dealt to items at random, float64 (items,)."""
    weights = np.arange(1, items + 1) ** -ZIPF
    return random.permutation(weights / weights.sum())


def draw_transitions(
    popularity: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Give each item a few likely successors, popular ones more often; (items, items)."""
    items = len(popularity)
    transitions = np.tile((1 - sum(SUCCESSORS)) * popularity, (items, 1))
    np.fill_diagonal(transitions, 0)
    for item in range(items):
        weights = popularity.copy()
        weights[item] = 0
        chosen = random.choice(items, len(SUCCESSORS), replace=False, p=weights / weights.sum())
        transitions[item, chosen] += SUCCESSORS
    return transitions / transitions.sum(axis=1, keepdims=True)


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
        # Not the last entry: rounding must not land on a seen item behind the last unseen one.
        history[position] = np.searchsorted(reach, point * reach[-1], side="right")
        unseen[history[position]] = 0
        weights = transitions[history[position]]
    return history


def draw_moments(lengths: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Moments in seconds, growing along each history, int64 (sum of lengths,)."""
    gaps = random.integers(60, 2 * 86_400, lengths.sum())
    first = np.cumsum(lengths) - lengths
    gaps[first] = FIRST_MOMENT + random.integers(0, 300 * 86_400, len(lengths))
    reach = np.cumsum(gaps)
    return reach - np.repeat(reach[first] - gaps[first], lengths)


def titles(items: int) -> list[str]:
    """Made-up titles, all different."""
    return [
        f"The {FIRST_WORDS[number % len(FIRST_WORDS)]} "
        f"{SECOND_WORDS[number // len(FIRST_WORDS) % len(SECOND_WORDS)]}"
        for number in range(items)
    ]


def ceiling(
    dataset: SequenceDataset, transitions: NDArray[np.float64], k: int = 10
) -> dict[str, float]:
    """What the best ranking achieves on the test part: full ranking, seen items excluded.

    `hr@k` and `ndcg@k` are its expectation, given the histories, over what the law may draw next;
    `realised_…` what it achieves on the items that the law did draw.
    """
    assert dataset.test is not None
    discounts = 1 / np.log2(np.arange(2, k + 2))
    rows = []
    for train, valid, test in zip(dataset.train, dataset.valid, dataset.test, strict=True):
        if not len(test):
            continue
        seen = np.concatenate((train, valid)) - 1
        chances = transitions[seen[-1]].copy()
        chances[seen] = 0
        chances /= chances.sum()
        best = np.sort(chances)[::-1][:k]
        rank = int((chances > chances[test[0] - 1]).sum())
        hit = rank < k
        rows.append((best.sum(), best @ discounts, hit, discounts[rank] if hit else 0.0))
    means = np.mean(rows, axis=0)
    names = (f"hr@{k}", f"ndcg@{k}", f"realised_hr@{k}", f"realised_ndcg@{k}")
    return {name: float(mean) for name, mean in zip(names, means, strict=True)}
