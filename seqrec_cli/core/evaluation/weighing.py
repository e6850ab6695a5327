"""Picking weights on the valid part: of the models that join a network, and of popularity."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import METRICS, Ranks
from seqrec_cli.core.evaluation.queries import Queries, queries
from seqrec_cli.core.evaluation.ranks import SampledCandidates, full_ranks, positions_of
from seqrec_cli.core.evaluation.report import EvaluationProtocol
from seqrec_cli.core.evaluation.sequential import Workers, asked_about
from seqrec_cli.core.evaluation.weighed_ranks import weighed_ranks
from seqrec_cli.core.inference.rules import Rules, popularity_penalty
from seqrec_cli.core.inference.scoring import (
    ModelScorer,
    Scored,
    Scorer,
    Seen,
    finite,
    score_all,
    without_unread,
)

WEIGHTS = (0.0, 0.3, 0.6, 1.0, 1.4, 2.0, 3.0)
PRIORS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4)


class Alone:
    """The network of a scorer without what joins it."""

    def __init__(self, scorer: ModelScorer) -> None:
        self.scorer = scorer
        self.num_items = scorer.num_items
        self.max_length = scorer.max_length
        self.device = scorer.device

    def score(self, histories: Sequences) -> Tensor:
        return self.scorer.score_alone(histories)


def pick_weights(
    scorer: ModelScorer,
    dataset: SequenceDataset,
    metric: str,
    seen: Seen,
    seed: int = 0,
    most_users: int | None = None,
    team: Workers | None = None,
) -> None:
    """Give what joins the scorer the weights with the best `metric` on the valid part.

    Each combination of WEIGHTS is tried, where a weight is to be picked; of equals the first, with
    the smaller weights, is kept. Histories are scored once. `seed`, `most_users` and `team` are as
    of `evaluate`.
    """
    asked = queries(dataset, "valid", most_users, seed)
    tries = combinations_of(scorer)
    share = (0, 1) if team is None else (team.rank, team.size)
    name, _, k = metric.partition("@")
    if name in METRICS.ours:  # those look at nothing beyond the first k
        ranks = first_ranks(scorer, asked, seen, int(k), share)
    else:
        changed = joined_sums(scorer, asked, tries)
        ranks = ranks_of_variants(Alone(scorer), asked, seen, len(tries), changed, share=share)
    if team is not None:
        ranks = team.add(ranks)
    take_best(scorer, tries, values_of(ranks, asked, metric))


def pick_weights_by(
    scorer: ModelScorer, dataset: SequenceDataset, protocol: EvaluationProtocol, rules: Rules | None
) -> None:
    """As `pick_weights`, by the protocol and under the rules: by NDCG at the list length nearest to
    10."""
    valid = ValidQueries.of(scorer, dataset, protocol, rules)
    tries = combinations_of(scorer)
    changed = joined_sums(scorer, valid.asked, tries)
    take_best(scorer, tries, valid.values(Alone(scorer), len(tries), changed))


def pick_prior(
    scorer: Scorer, dataset: SequenceDataset, protocol: EvaluationProtocol, rules: Rules | None
) -> float:
    """The one of PRIORS, as the weight of popularity, that is best on the valid part by the
    protocol and under the rules: by NDCG at the list length nearest to 10; of equals the
    smallest."""
    popular = torch.from_numpy(np.append(0, popularity_penalty(dataset.item_counts(), 1))).float()

    def changed(scored: Scored) -> Iterator[Tensor]:
        return (scored.scores + weight * popular for weight in PRIORS)

    values = ValidQueries.of(scorer, dataset, protocol, rules).values(scorer, len(PRIORS), changed)
    return PRIORS[int(np.argmax(values))]


def choices_of(scorer: ModelScorer) -> list[tuple[float, ...]]:
    """The weights to be tried of each model that joins the scorer."""
    return [WEIGHTS if joined.picked else (joined.weight,) for joined in scorer.joined]


def combinations_of(scorer: ModelScorer) -> list[tuple[float, ...]]:
    """The weights to be tried, one for each model that joins the scorer."""
    return list(itertools.product(*choices_of(scorer)))


def first_ranks(
    scorer: ModelScorer, asked: Queries, seen: Seen, k: int, share: tuple[int, int]
) -> NDArray[np.int64]:
    """The rank of each target with each combination of weights, (combinations, targets); MISSED
    where it is not among the first k, and 0 in the batches of others."""
    choices = choices_of(scorer)
    ranks = np.zeros((len(combinations_of(scorer)), len(asked.targets.items)), np.int64)

    def rank(scored: Scored) -> None:
        histories = without_unread(asked.histories.take(scored.rows), scorer.unread)
        added = [finite(joined.scorer.score(histories)) for joined in scorer.joined]
        parts = [part.numpy() for part in (scored.scores, *added)]
        targets = asked.targets.take(scored.rows)
        ranks[:, positions_of(asked.targets, scored.rows)] = weighed_ranks(
            parts, choices, targets, k
        )

    for _ in score_all(Alone(scorer), asked.histories, seen, rank, None, share):
        pass
    return ranks


def joined_sums(
    scorer: ModelScorer, asked: Queries, tries: Sequence[tuple[float, ...]]
) -> Callable[[Scored], Iterator[Tensor]]:
    """What gives the network's scores plus those of what joins it, with each of the weights."""

    def changed(scored: Scored) -> Iterator[Tensor]:
        histories = without_unread(asked.histories.take(scored.rows), scorer.unread)
        added = [finite(joined.scorer.score(histories)) for joined in scorer.joined]
        for weights in tries:
            scores = scored.scores.clone()
            for weight, more in zip(weights, added, strict=True):
                scores.add_(more, alpha=weight)
            yield scores

    return changed


def take_best(
    scorer: ModelScorer, tries: Sequence[tuple[float, ...]], values: Sequence[float]
) -> None:
    """Give what joins the scorer the weights of the best value."""
    names = [joined.name for joined in scorer.joined]
    scorer.weigh(dict(zip(names, tries[int(np.argmax(values))], strict=True)))


@dataclass(frozen=True, eq=False)
class ValidQueries:
    """The valid part as a protocol asks about it.

    Attributes:
        draw: the candidates of the sampled protocol; None: all items.
        metric: NDCG at the list length nearest to 10.
    """

    asked: Queries
    draw: SampledCandidates | None
    seen: Seen
    rules: Rules | None
    metric: str

    @classmethod
    def of(
        cls,
        scorer: Scorer,
        dataset: SequenceDataset,
        protocol: EvaluationProtocol,
        rules: Rules | None,
    ) -> "ValidQueries":
        """What a protocol asks of the valid part, whatever its own part."""
        sampled = protocol.kind == "sampled"
        (asked,) = asked_about(
            scorer,
            dataset,
            "valid",
            protocol.targets,
            protocol.seed,
            rules,
            sampled=sampled,
            most_users=protocol.sample_users,
        )
        draw = SampledCandidates(asked, scorer.num_items, protocol.seed) if sampled else None
        seen: Seen = "include" if sampled else protocol.settled_seen
        k = min(protocol.ks, key=lambda k: abs(k - 10))
        return cls(asked, draw, seen, rules, f"ndcg@{k}")

    def values(
        self, scorer: Scorer, count: int, changed: Callable[[Scored], Iterator[Tensor]]
    ) -> list[float]:
        """The metric of each of `count` variants of the scores."""
        ranks = ranks_of_variants(
            scorer, self.asked, self.seen, count, changed, self.draw, self.rules
        )
        return values_of(ranks, self.asked, self.metric)


def ranks_of_variants(
    scorer: Scorer,
    asked: Queries,
    seen: Seen,
    count: int,
    changed: Callable[[Scored], Iterator[Tensor]],
    draw: SampledCandidates | None = None,
    rules: Rules | None = None,
    share: tuple[int, int] = (0, 1),
) -> NDArray[np.int64]:
    """The rank of each target in each of `count` variants of the scores, (count, targets).

    Args:
        changed: the variants of a batch of scores, each (B, N + 1).
        draw: the candidates of the sampled protocol; None: all items.
        share: as of `score_all`; ranks of other batches stay 0.
    """
    ranks: NDArray[np.int64] = np.zeros((count, len(asked.targets.items)), np.int64)

    def rank(scored: Scored) -> None:
        targets = asked.targets.take(scored.rows)
        places = positions_of(asked.targets, scored.rows)
        for number, scores in enumerate(changed(scored)):
            variant = Scored(scored.rows, scores)
            found = draw.ranks(variant, targets) if draw else full_ranks(variant, targets)
            ranks[number, places] = found

    for _ in score_all(scorer, asked.histories, seen, rank, rules, share):
        pass
    return ranks


def values_of(ranks: NDArray[np.int64], asked: Queries, metric: str) -> list[float]:
    """The mean of a metric such as ndcg@10 over users, for each row of ranks (rows, targets)."""
    name, _, k = metric.partition("@")
    return [
        float(METRICS[name](Ranks.of(own, asked.targets.users, len(asked.users)), int(k)).mean())
        for own in ranks
    ]
