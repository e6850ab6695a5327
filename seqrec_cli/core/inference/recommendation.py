"""Top-k items for histories, and why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.retrieval import Finder, exact_top
from seqrec_cli.core.inference.scoring import Scored, Scorer, Seen, score_all

STREAM_USERS = 2048  # whose recommendations are held at a time


@dataclass(frozen=True, eq=False)
class Recommended:
    """The best items of one history.

    Attributes:
        items: int64 (k or fewer,), best first.
        scores: float32, as many; comparable within one history only.
    """

    items: NDArray[np.int64]
    scores: NDArray[np.float32]


def recommend(
    scorer: Scorer,
    histories: Sequences,
    k: int,
    seen: Seen = "exclude",
    retriever: Finder | None = None,
) -> Iterator[Recommended]:
    """The k best items for each history of 1 or more items, in the order of the histories.

    Memory does not grow with the number of histories. A history that leaves fewer than k
    candidates gets a shorter list. A `retriever` finds about the best without looking at all.
    """
    k = min(k, scorer.num_items)
    for start in range(0, len(histories), STREAM_USERS):
        rows = np.arange(start, min(start + STREAM_USERS, len(histories)))
        asked = histories.take(rows)
        if retriever is not None:
            items, scores = retriever.top(asked, k, seen)
        else:
            items, scores = exact_top(scorer, asked, k, seen)
        lengths = (items > 0).sum(axis=1)  # what may not be recommended comes last
        for row, length in enumerate(lengths):
            yield Recommended(items[row, :length], scores[row, :length])


def influence(scorer: Scorer, one: Sequences, items: NDArray[np.int64]) -> NDArray[np.float32]:
    """How much each item of `one` history carried each recommendation, float32 (items, history).

    Leave-one-out: the score as it is minus the score without that item. Positive means that the
    recommendation owes something to it.
    """
    history = one[0]
    whole = len(history)
    # What the model does not read has no influence; one more, as leaving one out lets it in.
    history = history[-min(whole, scorer.max_length + 1) :]
    variants = [history, *(np.delete(history, left_out) for left_out in range(len(history)))]
    kept = [row for row, variant in enumerate(variants) if len(variant)]
    scores = np.zeros((len(variants), len(items)), np.float32)

    def pick(scored: Scored) -> None:
        scores[np.array(kept)[scored.rows]] = scored.scores[:, torch.from_numpy(items)].numpy()

    features = None if one.features is None else one.features.take(np.zeros(len(kept), np.int64))
    asked = replace(Sequences.from_lists([variants[r] for r in kept]), features=features)
    for _ in score_all(scorer, asked, "include", pick):
        pass
    owed = np.zeros((len(items), whole), np.float32)
    owed[:, whole - len(history) :] = (scores[0] - scores[1:]).T
    return owed
