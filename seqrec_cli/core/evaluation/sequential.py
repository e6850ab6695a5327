"""How good recommendations are: ranks for a part of the data under a protocol, then metrics.

Full ranking holds each target against the whole catalogue. The sampled protocol of the SASRec
paper, the target against 100 random items, is for comparison with published figures only: it
flatters, and may order models wrongly (Krichene & Rendle, KDD 2020). Its figures carry its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.metrics import METRICS, MISSED, Ranks
from seqrec_cli.core.evaluation.queries import EvaluatedPart, queries, with_others
from seqrec_cli.core.evaluation.ranks import (
    NUM_SAMPLED,
    SampledCandidates,
    full_ranks,
    in_history,
    positions_of,
    ranks_in,
)
from seqrec_cli.core.inference.retrieval import (
    Finder,
    Retriever,
    exact_top,
    recall,
    top_items,
)
from seqrec_cli.core.inference.scoring import Scored, Scorer, Seen, score_all

Protocol = Literal["full", "sampled"]

MOST_SAMPLED_USERS = 10_000


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
) -> Evaluation:
    """Rank the targets of `part` and compute `metrics` at each of `ks`, for every user.

    Args:
        metrics: their names; None: all that there are.
        seen: whether items of the history are candidates; the sampled protocol never has them.
        seed: of the sampled protocol's candidates.
        lists: keep what would be recommended too (full protocol only).
        retriever: ranks are those among the items that it finds; full protocol only. A target that
            it does not find is missed.
    """
    sampled = protocol == "sampled"
    functions = {name: METRICS[name] for name in (METRICS if metrics is None else metrics)}
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
        {
            f"{name}@{k}{suffix}": function(by_user, k)
            for name, function in functions.items()
            for k in ks
        },
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
