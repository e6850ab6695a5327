"""How good recommendations are: ranks for a part of the data under a protocol, then metrics.

Full ranking holds each target against the whole catalogue. The sampled protocol of the SASRec
paper, the target against 100 random items, is for comparison with published figures only: it
flatters, and may order models wrongly (Krichene & Rendle, KDD 2020). Its figures carry its name.
"""

import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.metrics import METRICS, MISSED, Ranks
from seqrec_cli.core.evaluation.queries import (
    EvaluatedPart,
    Queries,
    Targets,
    position_queries,
    queries,
    with_others,
)
from seqrec_cli.core.evaluation.ranks import (
    NUM_SAMPLED,
    SampledCandidates,
    full_ranks,
    in_history,
    positions_of,
    ranks_in,
)
from seqrec_cli.core.evaluation.statistics import weighted_mean
from seqrec_cli.core.inference.recent import at_the_targets
from seqrec_cli.core.inference.retrieval import (
    Finder,
    Retriever,
    exact_top,
    recall_of_exact,
    top_items,
)
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import Scored, Scorer, Seen, score_all

Protocol = Literal["full", "sampled"]

MOST_SAMPLED_USERS = 10_000


class Workers(typing.Protocol):
    """Processes that share the work, and are given it all back."""

    rank: int
    size: int

    def add(self, array: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sum of everybody's arrays."""
        ...


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The outcome for one scorer.

    Attributes:
        users: int64 (U,), indices into the dataset's users.
        per_user: metric name, such as "ndcg@10", to float64 (U,); where every position is a target
            of its own, the mean over the user's.
        lists: int64 (Q, largest k), recommended items for each query, best first, 0 where there
            were too few; None under the sampled protocol.
        skipped: users left out, by reason.
        unreachable: targets that are in the history and so cannot be recommended; all missed.
        repeated: targets left out as they were the same item of the same user again.
        left_out: targets that the rules leave out; all missed.
        counts: int64 (U,), the queries of each user, where every position is one; else None.
    """

    users: NDArray[np.int64]
    per_user: dict[str, NDArray[np.float64]]
    lists: NDArray[np.int64] | None
    skipped: dict[str, int] = field(default_factory=dict)
    unreachable: int = 0
    repeated: int = 0
    left_out: int = 0
    counts: NDArray[np.int64] | None = None

    def means(self) -> dict[str, float]:
        """The mean of each metric over the users; over all positions, where each is a target."""
        return {name: weighted_mean(v, self.counts) for name, v in self.per_user.items()}

    def per_query(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (Q,) of queries as means of each user's, (U,)."""
        return values if self.counts is None else means_of(values, self.counts)


def means_of(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of each run of `counts` values, all 1 or more."""
    return np.asarray(np.add.reduceat(values, np.cumsum(counts) - counts) / counts)


def evaluate(
    scorer: Scorer,
    dataset: SequenceDataset,
    part: EvaluatedPart,
    *,
    metrics: Sequence[str] | None = None,
    ks: Sequence[int] = (10,),
    protocol: Protocol = "full",
    seen: Seen = "exclude",
    seed: int = 0,
    lists: bool = False,
    retriever: Finder | None = None,
    targets: Targets = "last",
    rules: Rules | None = None,
    most_users: int | None = None,
    team: Workers | None = None,
    ranker: Callable[[Queries], NDArray[np.int64]] | None = None,
) -> Evaluation:
    """Rank the targets of `part` and compute `metrics` at each of `ks`, for every user.

    Args:
        metrics: their names; None: all that there are.
        seen: whether items of the history are candidates; the sampled protocol never has them.
        seed: of the sampled protocol's candidates, and of the sample of users.
        lists: keep what would be recommended too (full protocol only).
        retriever: ranks are those among the items that it finds; full protocol only. A target that
            it does not find is missed.
        targets: what follows the history of each user, the first so many of it, or (full protocol
            only) each position.
        rules: what may be recommended (full protocol only); a `retriever` has the same. A target
            that they leave out is missed.
        most_users: of more, a random sample of that many is asked about, with exact ranks.
        team: several processes that each rank a share of the targets (full protocol, no lists).
        ranker: gives the ranks of all targets, int64 (targets,), in place of the scorer (likewise).
    """
    sampled = protocol == "sampled"
    longest = min(max(ks), scorer.num_items)
    users, values, best = [], [], []
    unreachable = left_out = 0
    for asked in asked_about(
        scorer, dataset, part, targets, seed, rules, sampled=sampled, most_users=most_users
    ):
        if ranker is not None:
            ranks, found = ranker(asked), None
        else:
            ranks, found = rank_targets(
                scorer, asked, longest, seen, seed, sampled, lists, retriever, rules, team
            )
        values.append(metrics_of(ranks, asked, metrics, ks, sampled=sampled))
        users.append(asked.users)
        barred = 0 if rules is None else int(rules.leave_out(asked.targets.items).sum())
        left_out += barred
        unreachable += int((ranks == MISSED).sum()) - barred
        if found is not None:
            best.append(found)
    whole = all_blocks(users, values, best, asked, unreachable, left_out)
    return by_user(whole) if targets == "all" else whole


def all_blocks(
    users: Sequence[NDArray[np.int64]],
    values: Sequence[dict[str, NDArray[np.float64]]],
    best: Sequence[NDArray[np.int64]],
    asked: Queries,
    unreachable: int,
    left_out: int,
) -> Evaluation:
    """The blocks of an evaluation as one."""
    return Evaluation(
        np.concatenate(users),
        {name: np.concatenate([block[name] for block in values]) for name in values[0]},
        np.concatenate(best) if best else None,
        asked.skipped,
        unreachable,
        asked.repeated,
        left_out,
    )


def metrics_of(
    ranks: NDArray[np.int64],
    asked: Queries,
    metrics: Sequence[str] | None,
    ks: Sequence[int],
    *,
    sampled: bool,
) -> dict[str, NDArray[np.float64]]:
    """Each metric at each of `ks`, float64 (Q,), by its name; `metrics` as of `evaluate`."""
    by_query = Ranks.of(ranks, asked.targets.users, len(asked.users))
    suffix = f" (sampled {NUM_SAMPLED})" if sampled else ""
    functions = {name: METRICS[name] for name in (METRICS if metrics is None else metrics)}
    return {f"{n}@{k}{suffix}": f(by_query, k) for n, f in functions.items() for k in ks}


def asked_about(
    scorer: Scorer,
    dataset: SequenceDataset,
    part: EvaluatedPart,
    targets: Targets,
    seed: int,
    rules: Rules | None = None,
    *,
    sampled: bool,
    most_users: int | None = None,
) -> Iterator[Queries]:
    """The queries of an evaluation, a block at a time."""
    since = None if rules is None else rules.since
    if targets == "all":
        assert not sampled
        assert since is None
        yield from position_queries(dataset, part, most_users, seed)
        return
    count = targets if isinstance(targets, int) else None
    if sampled:
        most_users = min(most_users or MOST_SAMPLED_USERS, MOST_SAMPLED_USERS)
    asked = queries(dataset, part, most_users, seed, count)
    if since is not None:
        histories = at_the_targets(dataset, asked.histories, asked.users, part, since, count)
        asked = replace(asked, histories=histories)
    yield with_others(asked, scorer.num_items, dataset.name) if sampled else asked


def rank_targets(
    scorer: Scorer,
    asked: Queries,
    longest: int,
    seen: Seen,
    seed: int,
    sampled: bool,
    lists: bool,
    retriever: Finder | None,
    rules: Rules | None,
    team: Workers | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """The rank of each target, int64 (targets,), and the lists (Q, longest) if they are wanted."""
    if retriever is not None:
        assert not sampled
        # One more than is wanted, to see whether a tie goes on beyond the end.
        found, scores = retriever.top(asked.histories, min(longest + 1, scorer.num_items), seen)
        ranks = ranks_in(found, scores, asked.targets, scorer.num_items)
        if seen == "exclude":
            ranks[in_history(asked, scorer.num_items)] = MISSED
        if rules is not None:
            ranks[rules.leave_out(asked.targets.items)] = MISSED
        return ranks, found[:, :longest]
    ranks = np.zeros(len(asked.targets.items), np.int64)
    best = np.zeros((len(asked.users), longest), np.int64) if lists and not sampled else None
    draw = SampledCandidates(asked, scorer.num_items, seed) if sampled else None

    def rank(scored: Scored) -> None:
        targets = asked.targets.take(scored.rows)
        found = draw.ranks(scored, targets) if draw else full_ranks(scored, targets)
        ranks[positions_of(asked.targets, scored.rows)] = found
        if best is not None:
            best[scored.rows] = top_items(scored.scores, longest)[0].numpy()

    share = (0, 1) if team is None else (team.rank, team.size)
    taking = "include" if sampled else seen
    for _ in score_all(scorer, asked.histories, taking, rank, rules, share):
        pass
    return ranks if team is None else team.add(ranks), best


def by_user(positions: Evaluation) -> Evaluation:
    """An evaluation of queries, which are in the order of users, by user."""
    users, counts = np.unique(positions.users, return_counts=True)
    per_user = {name: means_of(values, counts) for name, values in positions.per_user.items()}
    return replace(positions, users=users, per_user=per_user, counts=counts)


def recall_of(
    retriever: Retriever,
    evaluation: Evaluation,
    dataset: SequenceDataset,
    part: EvaluatedPart,
    seen: Seen,
    targets: Targets = "last",
    most_users: int | None = None,
    seed: int = 0,
) -> float:
    """The share of the exact lists, of the same length, that the retriever's lists have."""
    assert evaluation.lists is not None
    k = evaluation.lists.shape[1]
    if evaluation.counts is not None:
        targets = "all"
    rules = retriever.rules
    blocks = asked_about(
        retriever.scorer, dataset, part, targets, seed, rules, sampled=False, most_users=most_users
    )
    exact = [exact_top(retriever.scorer, asked.histories, k, seen, rules)[0] for asked in blocks]
    return recall_of_exact(evaluation.lists, np.concatenate(exact))
