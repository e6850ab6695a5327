"""Picking the weights of the models that join a network, on the valid part."""

import itertools

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.metrics import METRICS, Ranks
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.evaluation.ranks import full_ranks, positions_of
from seqrec_cli.core.evaluation.sequential import Workers
from seqrec_cli.core.inference.scoring import ModelScorer, Scored, Seen, score_all

WEIGHTS = (0.0, 0.3, 0.6, 1.0, 1.4, 2.0, 3.0)


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
    choices = [WEIGHTS if joined.picked else (joined.weight,) for joined in scorer.joined]
    tries = list(itertools.product(*choices))
    ranks: NDArray[np.int64] = np.zeros((len(tries), len(asked.targets.items)), np.int64)

    def rank(scored: Scored) -> None:
        histories, targets = asked.histories.take(scored.rows), asked.targets.take(scored.rows)
        places = positions_of(asked.targets, scored.rows)
        added = [joined.scorer.score(histories) for joined in scorer.joined]
        for number, weights in enumerate(tries):
            scores = scored.scores.clone()
            for weight, more in zip(weights, added, strict=True):
                scores.add_(more, alpha=weight)
            ranks[number, places] = full_ranks(Scored(scored.rows, scores), targets)

    share = (0, 1) if team is None else (team.rank, team.size)
    for _ in score_all(Alone(scorer), asked.histories, seen, rank, share=share):
        pass
    if team is not None:
        ranks = team.add(ranks)
    name, _, k = metric.partition("@")
    values = [
        METRICS[name](Ranks.of(found, asked.targets.users, len(asked.users)), int(k)).mean()
        for found in ranks
    ]
    for joined, weight in zip(scorer.joined, tries[int(np.argmax(values))], strict=True):
        joined.weight = weight
