"""Top-k items for histories, and the influence of each item of a history."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.retrieval import Finder, exact_top
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import FittedScorer, Scored, Scorer, Seen, score_all

STREAM_USERS = 2048  # users whose recommendations are in memory at a time


@dataclass(frozen=True, eq=False)
class Recommended:
    """The best items for one history.

    Attributes:
        items: int64 (k or fewer,), best first.
        scores: float32, as many; comparable within one history only.
    """

    items: NDArray[np.int64]
    scores: NDArray[np.float32]


@runtime_checkable
class Additive(Protocol):
    """A scorer whose scores follow from a sum over the items of a history."""

    def contributions(self, sequence: Sequences, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """What each item of one history adds for each of `items`, float32 (items, history)."""
        ...


def recommend(
    scorer: Scorer,
    histories: Sequences,
    k: int,
    seen: Seen = "exclude",
    retriever: Finder | None = None,
    rules: Rules | None = None,
) -> Iterator[Recommended]:
    """The k best items for each history of 1 or more items, in the order of the histories.

    Memory does not grow with the number of histories. A history that leaves fewer than k
    candidates gets a shorter list. With a `retriever` the items are those that it finds, by its own
    rules.
    """
    k = min(k, scorer.num_items)
    for start in range(0, len(histories), STREAM_USERS):
        rows = np.arange(start, min(start + STREAM_USERS, len(histories)))
        batch = histories.take(rows)
        if retriever is not None:
            items, scores = retriever.top(batch, k, seen)
        else:
            items, scores = exact_top(scorer, batch, k, seen, rules)
        lengths = (items > 0).sum(axis=1)  # excluded items come last
        for row, length in enumerate(lengths):
            yield Recommended(items[row, :length], scores[row, :length])


def influence(scorer: Scorer, sequence: Sequences, items: NDArray[np.int64]) -> NDArray[np.float32]:
    """The influence of each item of a history on each recommendation, float32 (items, history).

    Leave-one-out: the score of the whole history minus the score without that item. A positive
    influence raised the score. `sequence` is the history of a single user. Where what is scored is
    a sum over the history, it is each item's share of the sum.
    """
    if isinstance(scorer, FittedScorer):
        read = ~scorer.unread[sequence.items]
        added = np.zeros((len(items), len(read)), np.float32)
        if read.any():
            added[:, read] = influence(scorer.model, sequence.where(read), items)
        return added
    if isinstance(scorer, Additive):
        return scorer.contributions(sequence, items)
    whole = len(sequence.items)
    # Older items are not read and have no influence. One more is kept: leaving one out lets it in.
    places = np.arange(max(0, whole - scorer.max_length - 1), whole)
    variants = [places, *(np.delete(places, left_out) for left_out in range(len(places)))]
    kept = [row for row, variant in enumerate(variants) if len(variant)]
    scores = np.zeros((len(variants), len(items)), np.float32)

    def pick(scored: Scored) -> None:
        scores[np.array(kept)[scored.rows]] = scored.scores[:, torch.from_numpy(items)].numpy()

    batch = variants_of(sequence, [variants[row] for row in kept])
    for _ in score_all(scorer, batch, "include", pick):
        pass
    influences = np.zeros((len(items), whole), np.float32)
    influences[:, places] = (scores[0] - scores[1:]).T
    return influences


def variants_of(sequence: Sequences, places: list[NDArray[np.int64]]) -> Sequences:
    """The history of a single user several times over, each time with those places alone."""
    whole = sequence.take(np.zeros(len(places), np.int64))
    kept = np.zeros((len(places), len(sequence.items)), np.bool_)
    for row, there in enumerate(places):
        kept[row, there] = True
    offsets = np.concatenate(([0], np.cumsum(kept.sum(axis=1)))).astype(np.int64)
    return replace(whole.part(offsets, kept.ravel()), moments=whole.moments)
