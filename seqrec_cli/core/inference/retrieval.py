"""The best items for histories: of the whole catalogue, or by an approximate index."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.inference.index import EFFORT, NeighbourIndex
from seqrec_cli.core.inference.rules import Rules
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

# Memory for the vectors of the candidates of several histories.
FOUND_BYTES = 64 * 2**20
MEASURED = 200  # histories for which what an index finds is held against the exact result
# Items that are searched together for the best: few enough that little is searched twice, and more
# where maxima are many.
RUN = 64
LONG_RUN = 128
MANY_ITEMS = 100_000
# For a larger share of the catalogue an index saves nothing, and does not reach all of it.
LARGE_SHARE = 0.25


def check_index(scorer: Scorer) -> ModelScorer:
    """The scorer, if its scores are dot products of vectors.

    Raises:
        ConfigError: they are not: its model was fitted without gradients, or such a one joins it.
    """
    if not isinstance(scorer, ModelScorer):
        raise ConfigError(
            "the scores of a model that was fitted without gradients are not dot products, so an "
            "index cannot find its best items",
            "use `--index exact`",
        )
    if scorer.joined:
        names = [joined.name for joined in scorer.joined]
        raise ConfigError(
            f"the scores of a run with {' and '.join(f'`{name}`' for name in names)} are not dot "
            "products, so an index cannot find its best items",
            "use `--index exact`, or train with "
            + " ".join(f"`--set {name}=null`" for name in names),
        )
    return scorer


class Finder(Protocol):
    """Finds the best items for histories."""

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best items for each history and their scores, both (B, k).

        Best first, equal scores ordered by item; 0 and -inf fill a shorter list. Where the
        catalogue has fewer than k items, k is their number.
        """
        ...


class Exact:
    """Scores the whole catalogue."""

    def __init__(self, scorer: Scorer, rules: Rules | None = None) -> None:
        self.scorer = scorer
        self.rules = rules

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As of any finder."""
        k = min(k, self.scorer.num_items)
        return exact_top(self.scorer, histories, k, seen, self.rules)


class Retriever:
    """Finds candidates by an approximate index, and scores them exactly."""

    def __init__(
        self,
        scorer: ModelScorer,
        index: NeighbourIndex,
        effort: int = EFFORT,
        rules: Rules | None = None,
    ) -> None:
        if rules is not None and rules.penalty is not None:
            raise ConfigError(
                "with a penalty for popularity scores are not dot products, so an index cannot "
                "find the best items",
                "use `--index exact`, or leave out --popularity-penalty",
            )
        self.rules = rules
        self.scorer = check_index(scorer)
        self.index = index
        self.effort = effort

    def top(
        self, histories: Sequences, k: int, seen: Seen
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """About the k best items for each history and their scores, both (B, k).

        Best first, equal scores ordered by item; 0 and -inf fill a shorter list. The index is
        asked for k plus the number of seen items, so that k are left, independently of the other
        histories; under rules for more, by the share that they leave. If that is a large part of
        the catalogue, or the index finds too few, the whole catalogue is scored.
        """
        k = min(k, self.scorer.num_items)
        known = histories.excluded.distinct()
        num_excluded = known.lengths if seen == "exclude" else np.zeros(len(histories), np.int64)
        num_items, rules = self.scorer.num_items, self.rules
        share = 1.0 if rules is None else rules.share_left(num_items)
        items = np.zeros((len(histories), k), np.int64)
        scores = np.full((len(histories), k), -np.inf, np.float32)
        # Powers of two: few different counts, so few calls.
        counts = np.exp2(np.ceil(np.log2((k + num_excluded) / share))).astype(np.int64)
        indexed = counts <= LARGE_SHARE * num_items
        vectors = vectors_of(self.scorer, histories)
        for count in np.unique(counts[indexed]).tolist():
            group = np.flatnonzero(indexed & (counts == count))
            size = max(1, FOUND_BYTES // (4 * count * vectors.shape[1]))
            for rows in np.split(group, range(size, len(group), size)):
                excluded = known.take(rows) if seen == "exclude" else None
                ranked = self.look_up(vectors[rows], count, excluded)
                items[rows], scores[rows] = (array[:, :k] for array in ranked)
        if rules is not None and seen == "exclude":
            free = known.users[~rules.leave_out(known.items)]
            num_excluded = np.bincount(free, minlength=len(histories))
        wanted = np.minimum(k, round(share * num_items) - num_excluded)
        short = np.flatnonzero((items > 0).sum(axis=1) < wanted)
        if len(short):
            rest = histories.take(short)
            items[short], scores[short] = exact_top(self.scorer, rest, k, seen, rules)
        return items, scores

    def look_up(
        self, vectors: NDArray[np.float32], count: int, excluded: Sequences | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Items by the index for vectors (R, D), best first, excluded ones left out, (R, count)."""
        candidates = self.index.search(vectors, count, self.effort)
        table = self.scorer.item_vectors()
        rows = torch.from_numpy(candidates).to(table.device)
        states = torch.from_numpy(vectors).to(table)
        exact = (table[rows] @ states.unsqueeze(-1)).squeeze(-1).float().cpu().numpy()
        hidden = candidates == PAD if self.rules is None else self.rules.leave_out(candidates)
        if excluded is not None and len(excluded.items):
            stride = self.scorer.num_items + 1
            keys = np.sort(excluded.users * stride + excluded.items)
            candidate_keys = np.arange(len(candidates))[:, None] * stride + candidates
            hidden |= (
                keys[np.minimum(np.searchsorted(keys, candidate_keys), len(keys) - 1)]
                == candidate_keys
            )
        exact[hidden] = -np.inf
        ranked = np.lexsort((candidates, -exact), axis=1)
        best = np.take_along_axis(exact, ranked, axis=1)
        chosen = np.take_along_axis(candidates, ranked, axis=1)
        return np.where(best == -np.inf, PAD, chosen), best


def exact_top(
    scorer: Scorer, histories: Sequences, k: int, seen: Seen, rules: Rules | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best items, k at most N, for each history and their scores, both (B, k); 0 and -inf
    fill a shorter list."""
    items = np.zeros((len(histories), k), np.int64)
    scores = np.full((len(histories), k), -np.inf, np.float32)
    batches = score_all(
        scorer, histories, seen, lambda scored: (scored.rows, *top_arrays(scored, k)), rules
    )
    for places, best_items, values in batches:
        items[places], scores[places] = best_items, values
    return items, scores


def top_arrays(scored: Scored, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best items of each row and their scores, both (B, k)."""
    items, scores = top_items(scored.scores, k)
    return items.numpy(), scores.numpy()


def top_items(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k best items of each row of (B, N + 1) and their scores, best first, both (B, k).

    Equal scores are ordered by item, also where the list ends between them; 0 and -inf fill a row
    with fewer than k candidates.
    """
    # One more than asked for tells where the list ends between equal scores.
    items, values = by_score(*best_unsorted(scores, min(k + 1, scores.shape[1])))
    tied = (values[:, k - 1 : k] == values[:, k:]).any(dim=1) & (values[:, k - 1] > -torch.inf)
    items, values = items[:, :k], values[:, :k]
    if tied.any():
        items[tied] = first_items(scores[tied], values[tied])
    return items.masked_fill(values == -torch.inf, PAD), values


def by_score(values: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """Items and values (B, k), the best first, equal ones by item."""
    items, order = items.sort(dim=1)
    values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    return items.gather(1, order), values


def first_items(scores: Tensor, values: Tensor) -> Tensor:
    """The items of these scores, `values` (B, k), best first, in (B, N + 1); of equal ones the
    first items."""
    worst = values[:, -1:]
    room = (values == worst).sum(dim=1, keepdim=True)
    level = scores == worst
    chosen = (scores > worst) | (level & (level.cumsum(dim=1) <= room))
    items = chosen.nonzero()[:, 1].view(values.shape)
    return by_score(scores.gather(1, items), items)[0]


def best_unsorted(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The scores and the items of the k best of each row of (B, N + 1), both (B, k).

    Where there are many items for each of the k: the k best lie in the k runs of items whose best
    are the best, so that only these are searched after one fast pass for the maxima.
    """
    rows, size = scores.shape
    run = RUN if size < MANY_ITEMS else LONG_RUN
    runs = size // run
    if runs < 4 * k:
        best: tuple[Tensor, Tensor] = scores.topk(k, dim=1)
        return best
    split = scores[:, : runs * run].view(rows, runs, run)
    chosen = split.amax(dim=2).topk(k, dim=1).indices  # (B, k)
    within = torch.arange(run)
    candidates = (chosen[:, :, None] * run + within).flatten(1)  # (B, k run)
    rest = torch.arange(runs * run, size).expand(rows, -1)
    candidates = torch.cat((candidates, rest), dim=1)
    values, places = scores.gather(1, candidates).topk(k, dim=1)
    return values, candidates.gather(1, places)


def some_of(histories: Sequences, most: int = MEASURED, seed: int = 0) -> Sequences:
    """The histories, or of more than `most` a seeded sample."""
    if len(histories) <= most:
        return histories
    chosen = stream(seed, Purpose.USERS).choice(len(histories), most, replace=False)
    return histories.take(np.sort(chosen))


def measured_recall(
    retriever: Retriever, histories: Sequences, k: int, seen: Seen
) -> tuple[float, int]:
    """The recall@k of the retriever against the exact result, and the number of histories, those
    of `some_of`."""
    histories = some_of(histories)
    k = min(k, retriever.scorer.num_items)
    approximate, _ = retriever.top(histories, k, seen)
    exact, _ = exact_top(retriever.scorer, histories, k, seen, retriever.rules)
    return recall_of_exact(approximate, exact), len(histories)


def recall_of_exact(approximate: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    """The share of the exact items (B, k) among the approximate ones (B, k); 1 if none."""
    stride = max(int(approximate.max(initial=0)), int(exact.max(initial=0))) + 1
    rows = np.arange(len(exact))[:, None] * stride
    wanted = (rows + exact)[exact != PAD]
    return float(np.isin(wanted, rows + approximate).mean()) if len(wanted) else 1.0
