"""The best items for histories: of all, or of those that an approximate index finds."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.inference.index import EFFORT, NeighbourIndex
from seqrec_cli.core.inference.scoring import (
    ModelScorer,
    Scored,
    Scorer,
    Seen,
    score_all,
    vectors_of,
)
from seqrec_cli.core.randomness import Purpose, stream
from seqrec_cli.errors import ConfigError

# What the vectors of what was found for several histories may take.
FOUND_BYTES = 64 * 2**20
# From this share of the catalogue on an index saves nothing, and does not reach all of it.
LARGE_SHARE = 0.25


def check_index(scorer: ModelScorer) -> None:
    """Refuse what no index can find.

    Raises:
        ConfigError: with what to do instead.
    """
    if scorer.transitions is not None:
        raise ConfigError(
            "the scores of a run with `transitions` are no dot products, so an index cannot "
            "find them",
            "use `--index exact`, or train with `--set transitions=null`",
        )


class Finder(Protocol):
    """Finds the best items for histories, one way or another."""

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best items of each history and their scores, both (B, k); 0 and -inf for none,
        best first, equal scores ordered by item."""
        ...


class Exact:
    """Finds the best of all items."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best items of each history and their scores, both (B, k); all if k is larger."""
        return exact_top(self.scorer, histories, min(k, self.scorer.num_items), seen)


class Retriever:
    """Finds about the best items for histories, and gives them their exact scores."""

    def __init__(self, scorer: ModelScorer, index: NeighbourIndex, effort: int = EFFORT) -> None:
        check_index(scorer)
        self.scorer = scorer
        self.index = index
        self.effort = effort

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """About the k best items of each history and their scores, both (B, k); 0 and -inf for
        none, best first, equal scores ordered by item.

        As many more are looked up as the history has, so that enough are left, whoever else is
        asked about. Where that is a large share of all items, or fewer were found than there are,
        all are looked at.
        """
        known = histories.distinct()
        barred = known.lengths if seen == "exclude" else np.zeros(len(histories), np.int64)
        items = np.zeros((len(histories), k), np.int64)
        scores = np.full((len(histories), k), -np.inf, np.float32)
        # Powers of two, so that there are few different counts.
        counts = np.exp2(np.ceil(np.log2(k + barred))).astype(np.int64)
        indexed = counts <= LARGE_SHARE * self.scorer.num_items
        vectors = vectors_of(self.scorer, histories)
        for count in np.unique(counts[indexed]).tolist():
            group = np.flatnonzero(indexed & (counts == count))
            size = max(1, FOUND_BYTES // (4 * count * vectors.shape[1]))
            for rows in np.split(group, range(size, len(group), size)):
                excluded = known.take(rows) if seen == "exclude" else None
                found = self.look_up(vectors[rows], count, excluded)
                items[rows], scores[rows] = (array[:, :k] for array in found)
        wanted = np.minimum(k, self.scorer.num_items - barred)
        short = np.flatnonzero((items > 0).sum(axis=1) < wanted)
        if len(short):
            items[short], scores[short] = exact_top(self.scorer, histories.take(short), k, seen)
        return items, scores

    def look_up(
        self, vectors: NDArray[np.float32], count: int, excluded: Sequences | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """What the index finds for vectors (R, D) but what is excluded, best first, (R, count)."""
        found = self.index.search(vectors, count, self.effort)
        table = self.scorer.item_vectors()
        places = torch.from_numpy(found).to(table.device)
        states = torch.from_numpy(vectors).to(table)
        exact = (table[places] @ states.unsqueeze(-1)).squeeze(-1).float().cpu().numpy()
        out = found == PAD
        if excluded is not None:
            stride = self.scorer.num_items + 1
            keys = np.sort(excluded.users * stride + excluded.items)
            asked = np.arange(len(found))[:, None] * stride + found
            out |= keys[np.minimum(np.searchsorted(keys, asked), len(keys) - 1)] == asked
        exact[out] = -np.inf
        ranked = np.lexsort((found, -exact), axis=1)
        best = np.take_along_axis(exact, ranked, axis=1)
        chosen = np.take_along_axis(found, ranked, axis=1)
        return np.where(best == -np.inf, PAD, chosen), best


def exact_top(
    scorer: Scorer, histories: Sequences, k: int, seen: Seen
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best items of each history and their scores, both (B, k); 0 and -inf for none."""
    items = np.empty((len(histories), k), np.int64)
    scores = np.empty((len(histories), k), np.float32)
    batches = score_all(scorer, histories, seen, lambda scored: (scored.rows, *best(scored, k)))
    for places, found, values in batches:
        items[places], scores[places] = found, values
    return items, scores


def best(scored: Scored, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best items of each row and their scores, both (B, k)."""
    items, scores = top_items(scored.scores, k)
    return items.numpy(), scores.numpy()


def top_items(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k best items of each row of (B, N + 1) and their scores, best first, both (B, k).

    Equal scores are ordered by item; where fewer than k may be recommended, the rest is 0, -inf.
    """
    found, items = scores.topk(k, dim=1)
    items, order = items.sort(dim=1)
    found, again = found.gather(1, order).sort(dim=1, descending=True, stable=True)
    items = items.gather(1, again)
    return items.masked_fill(found == -torch.inf, PAD), found


def measured_recall(
    retriever: Retriever, histories: Sequences, k: int, seen: Seen, most: int, seed: int = 0
) -> tuple[float, int]:
    """The recall@k of the retriever against the exact result, and over how many histories.

    Of more than `most` histories a seeded random sample is taken.
    """
    if len(histories) > most:
        chosen = stream(seed, Purpose.USERS).choice(len(histories), most, replace=False)
        histories = histories.take(np.sort(chosen))
    k = min(k, retriever.scorer.num_items)
    found, _ = retriever.top(histories, k, seen)
    exact, _ = exact_top(retriever.scorer, histories, k, seen)
    return recall(found, exact), len(histories)


def recall(found: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    """The share of the exact items (B, k) that were found (B, k); 1 where there are none."""
    stride = max(int(found.max(initial=0)), int(exact.max(initial=0))) + 1
    rows = np.arange(len(exact))[:, None] * stride
    wanted = (rows + exact)[exact != PAD]
    return float(np.isin(wanted, rows + found).mean()) if len(wanted) else 1.0
