"""How good recommendations are: ranks for a part of the data under a protocol, then metrics.

Full ranking holds each target against the whole catalogue. The sampled protocol of the SASRec
paper, the target against 100 random items, is for comparison with published figures only: it
flatters, and may order models wrongly (Krichene & Rendle, KDD 2020). Its figures carry its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import PAD, SequenceDataset, Sequences
from seqrec_cli.core.data.negatives import UniformSampler
from seqrec_cli.core.evaluation.metrics import METRICS, MISSED, Ranks
from seqrec_cli.core.evaluation.statistics import bootstrap_means, interval, standard_error
from seqrec_cli.core.inference.retrieval import (
    Finder,
    Retriever,
    exact_top,
    recall,
    top_items,
)
from seqrec_cli.core.inference.scoring import SCORE_BYTES, Scored, Scorer, Seen, score_all
from seqrec_cli.core.randomness import Purpose, stream
from seqrec_cli.errors import DatasetError

Protocol = Literal["full", "sampled"]
EvaluatedPart = Literal["valid", "test"]

NUM_SAMPLED = 100
MOST_SAMPLED_USERS = 10_000
COVERAGE_RESAMPLES = 200


@dataclass(frozen=True)
class Figure:
    """A mean over users with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Queries:
    """Who is evaluated: their histories, and what they did next.

    Attributes:
        users: int64 (Q,), indices into the dataset's users.
        histories: what the model reads, Q histories of 1 or more items.
        targets: what it should find, Q sets of 1 or more items.
        repeated: how many targets were the same item of the same user again.
        skipped: users left out, by reason.
    """

    users: NDArray[np.int64]
    histories: Sequences
    targets: Sequences
    repeated: int
    skipped: dict[str, int]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The outcome for one scorer.

    Attributes:
        users: int64 (Q,), indices into the dataset's users.
        per_user: metric name, such as "ndcg@10", to float64 (Q,).
        lists: int64 (Q, largest k), recommended items, best first, 0 where there were too few; None
            under the sampled protocol.
        skipped: users left out, by reason.
        unreachable: targets that are in the history and so cannot be recommended; all missed.
        repeated: targets left out as they were the same item of the same user again.
    """

    users: NDArray[np.int64]
    per_user: dict[str, NDArray[np.float64]]
    lists: NDArray[np.int64] | None
    skipped: dict[str, int] = field(default_factory=dict)
    unreachable: int = 0
    repeated: int = 0

    def means(self) -> dict[str, float]:
        """The mean of each metric over the users."""
        return {name: float(values.mean()) for name, values in self.per_user.items()}


def queries(
    dataset: SequenceDataset, part: EvaluatedPart, most_users: int | None = None, seed: int = 0
) -> Queries:
    """Collect who can be asked about `part`: valid is asked after train, test after both.

    With `most_users`, more are cut to a seeded random sample of that many.

    Raises:
        DatasetError: nobody can be asked.
    """
    targets = dataset.valid if part == "valid" else dataset.test
    if targets is None:
        raise ValueError("this dataset was loaded without its test part")
    histories = dataset.histories(before=part)
    asked, known = targets.lengths > 0, histories.lengths > 0
    users = np.flatnonzero(asked & known)
    skipped = {
        f"nothing in the {part} part": int((~asked).sum()),
        "no history before it": int((asked & ~known).sum()),
    }
    if not len(users):
        raise DatasetError(
            f"the dataset `{dataset.name}` has no user with a history and an item in its {part} "
            "part",
            "prepare it with another split, or from more data",
        )
    if most_users is not None and len(users) > most_users:
        skipped[f"not in the random sample of {most_users:,}"] = len(users) - most_users
        users = np.sort(stream(seed, Purpose.USERS).choice(users, most_users, replace=False))
    wanted = targets.take(users)
    distinct = wanted.distinct()
    return Queries(
        users,
        histories.take(users),
        distinct,
        len(wanted.items) - len(distinct.items),
        {reason: count for reason, count in skipped.items() if count},
    )


def evaluate(
    scorer: Scorer,
    dataset: SequenceDataset,
    part: EvaluatedPart,
    *,
    metrics: Sequence[str] = tuple(METRICS),
    ks: Sequence[int] = (10,),
    protocol: Protocol = "full",
    seen: Seen = "exclude",
    seed: int = 0,
    lists: bool = False,
    retriever: Finder | None = None,
) -> Evaluation:
    """Rank the targets of `part` and compute `metrics` at each of `ks`, for every user.

    Args:
        seen: whether items of the history are candidates; the sampled protocol never has them.
        seed: of the sampled protocol's candidates.
        lists: keep what would be recommended too (full protocol only).
        retriever: ranks are those among the items that it finds; full protocol only. A target that
            it does not find is missed.
    """
    sampled = protocol == "sampled"
    asked = queries(dataset, part, MOST_SAMPLED_USERS if sampled else None, seed)
    if sampled:
        asked = with_others(asked, scorer.num_items, dataset.name)
    ranks = np.empty(len(asked.targets.items), np.int64)
    longest = min(max(ks), scorer.num_items)
    best = np.zeros((len(asked.users), longest), np.int64) if lists and not sampled else None
    if retriever is not None:
        assert not sampled
        # One more than is wanted, to see whether a tie goes on beyond the end.
        found, scores = retriever.top(asked.histories, min(longest + 1, scorer.num_items), seen)
        ranks = ranks_in(found, scores, asked.targets, scorer.num_items)
        best = found[:, :longest]
        if seen == "exclude":
            ranks[in_history(asked, scorer.num_items)] = MISSED
    draw = SampledCandidates(asked, scorer.num_items, seed) if sampled else None

    def rank(scored: Scored) -> None:
        targets = asked.targets.take(scored.rows)
        found = draw.ranks(scored, targets) if draw else full_ranks(scored, targets)
        ranks[positions_of(asked.targets, scored.rows)] = found
        if best is not None:
            best[scored.rows] = top_items(scored.scores, longest)[0].numpy()

    if retriever is None:
        for _ in score_all(scorer, asked.histories, "include" if sampled else seen, rank):
            pass
    by_user = Ranks.of(ranks, asked.targets.users, len(asked.users))
    suffix = f" (sampled {NUM_SAMPLED})" if sampled else ""
    return Evaluation(
        asked.users,
        {f"{name}@{k}{suffix}": METRICS[name](by_user, k) for name in metrics for k in ks},
        best,
        asked.skipped,
        int((ranks == MISSED).sum()),
        asked.repeated,
    )


def recall_of(
    retriever: Retriever,
    evaluation: Evaluation,
    dataset: SequenceDataset,
    part: EvaluatedPart,
    seen: Seen,
) -> float:
    """The share of the exact lists, of the same length, that the retriever's lists have."""
    assert evaluation.lists is not None
    histories = dataset.histories(before=part).take(evaluation.users)
    exact, _ = exact_top(retriever.scorer, histories, evaluation.lists.shape[1], seen)
    return recall(evaluation.lists, exact)


def ranks_in(
    lists: NDArray[np.int64], scores: NDArray[np.float32], targets: Sequences, last: int
) -> NDArray[np.int64]:
    """The rank of each target in its user's list (Q, k), from 0; `last` where it is not there.

    Ties count against the target; one with the list's last item may go on beyond it, so a target
    with its score is not found, unless the list has every item.
    """
    found = lists[targets.users] == targets.items[:, None]  # (targets, k)
    listed = scores[targets.users]
    place = found.argmax(axis=1)
    own = listed[np.arange(len(place)), place]
    ranks = (listed >= own[:, None]).sum(axis=1) - 1
    open_end = (listed[:, -1] == own) & (lists.shape[1] < last)
    return np.where(found.any(axis=1) & ~open_end, ranks, last)


def in_history(asked: Queries, num_items: int) -> NDArray[np.bool_]:
    """Which of the targets are in the user's history, bool (targets,)."""
    stride = num_items + 1
    known = asked.histories.users * stride + asked.histories.items
    return np.isin(asked.targets.users * stride + asked.targets.items, known)


def with_others(asked: Queries, num_items: int, name: str) -> Queries:
    """Leave out those who have every item, so that there is nothing to sample for them."""
    known = asked.histories.followed_by(asked.targets).distinct()
    left = np.flatnonzero(known.lengths < num_items)
    if len(left) == len(asked.users):
        return asked
    if not len(left):
        raise DatasetError(
            f"every user of `{name}` has every item, so that no candidates can be sampled",
            "use `--protocol full`",
        )
    return replace(
        asked,
        users=asked.users[left],
        histories=asked.histories.take(left),
        targets=asked.targets.take(left),
        skipped=asked.skipped | {"has every item": len(asked.users) - len(left)},
    )


def positions_of(sequences: Sequences, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the items of `sequences.take(rows)` lie in `sequences.items`."""
    lengths = sequences.lengths[rows]
    ends = np.cumsum(lengths)
    shift = np.repeat(sequences.offsets[rows] - (ends - lengths), lengths)
    positions: NDArray[np.int64] = np.arange(int(lengths.sum())) + shift
    return positions


def full_ranks(scored: Scored, targets: Sequences) -> NDArray[np.int64]:
    """The rank of each target among all candidates, int64 (targets,); ties count against it."""
    items = torch.from_numpy(targets.items.astype(np.int64))
    rows = torch.from_numpy(targets.users)
    own = scored.scores[rows, items]  # (targets,)
    ranks = torch.empty(len(items), dtype=torch.int64)
    step = max(1, SCORE_BYTES // (4 * scored.scores.shape[1]))
    for start in range(0, len(items), step):
        part = slice(start, start + step)
        # With one target a row, which is the rule, the rows need no copy.
        whole = len(rows) == len(scored.scores) <= step and len(scored.rows) == len(rows)
        others = scored.scores if whole else scored.scores[rows[part]]
        ranks[part] = (others >= own[part, None]).sum(dim=1) - 1
    ranks[own == -torch.inf] = MISSED
    return ranks.numpy()


class SampledCandidates:
    """Holds each target against 100 items drawn uniformly, with replacement as in the authors'
    code, from those that are neither in the history nor a target of the user."""

    def __init__(self, asked: Queries, num_items: int, seed: int) -> None:
        self.users = asked.users
        self.seed = seed
        self.sampler = UniformSampler(asked.histories.followed_by(asked.targets), num_items)

    def ranks(self, scored: Scored, targets: Sequences) -> NDArray[np.int64]:
        """The rank of each target among its 100 candidates, int64 (targets,)."""
        rows = scored.rows[targets.users]
        within = np.arange(len(rows)) - targets.offsets[targets.users]
        counters = within[:, None] * NUM_SAMPLED + np.arange(NUM_SAMPLED)
        # Keyed by the dataset's user, so that the candidates are the same for every model.
        drawn = self.sampler.draw(
            self.seed,
            Purpose.CANDIDATES,
            0,
            rows[:, None],
            counters,
            keys=self.users[rows][:, None],
        )
        own_rows = torch.from_numpy(targets.users)
        own = scored.scores[own_rows, torch.from_numpy(targets.items.astype(np.int64))]
        others = scored.scores[own_rows[:, None], torch.from_numpy(drawn)]
        return (others >= own[:, None]).sum(dim=1).numpy()


def summarise(
    evaluation: Evaluation, dataset: SequenceDataset, ks: Sequence[int], seed: int
) -> dict[str, Figure]:
    """Means with 95 % bootstrap intervals over users; with lists, coverage and popularity too.

    `coverage@k` is the share of the catalogue that is recommended to anybody, `popularity rank@k`
    the mean rank by train count of what is recommended (1 is the most popular item).
    """
    columns = dict(evaluation.per_user)
    if evaluation.lists is not None:
        popularity = popularity_ranks(dataset)
        for k in ks:
            columns[f"popularity rank@{k}"] = mean_of_real(popularity, evaluation.lists[:, :k])
    values = np.stack(list(columns.values()), axis=1)
    low, high = interval(bootstrap_means(values, seed))
    figures = {
        name: Figure(float(values[:, i].mean()), float(low[i]), float(high[i]))
        for i, name in enumerate(columns)
    }
    if evaluation.lists is not None:
        for k in ks:
            figures[f"coverage@{k}"] = coverage(evaluation.lists[:, :k], dataset.num_items, seed)
    return figures


def popularity_ranks(dataset: SequenceDataset) -> NDArray[np.float64]:
    """The rank of each item 0 to N by train count, from 1; equal counts share their mean rank."""
    counts = np.bincount(dataset.train.items, minlength=dataset.num_items + 1)[1:]
    _, group, sizes = np.unique(-counts, return_inverse=True, return_counts=True)
    mean = np.cumsum(sizes) - (sizes - 1) / 2
    return np.concatenate(([np.nan], mean[group]))


def mean_of_real(values: NDArray[np.float64], lists: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of `values` (N + 1,) over each list (Q, k), leaving out 0; 0 for an empty list."""
    real = lists != PAD
    sums: NDArray[np.float64] = np.where(real, values[lists], 0.0).sum(axis=1)
    counts: NDArray[np.int64] = real.sum(axis=1)
    return np.asarray(sums / np.maximum(counts, 1), np.float64)


def coverage(lists: NDArray[np.int64], num_items: int, seed: int) -> Figure:
    """The share of the catalogue in anybody's list, +- 1.96 bootstrap standard errors."""

    def share(mask: NDArray[np.bool_]) -> float:
        counts = np.bincount(lists[mask].ravel(), minlength=num_items + 1)
        return int(np.count_nonzero(counts[1:])) / num_items

    mean = share(np.ones(len(lists), np.bool_))
    margin = 1.96 * standard_error(share, len(lists), seed, COVERAGE_RESAMPLES)
    return Figure(mean, max(0.0, mean - margin), min(1.0, mean + margin))
