"""The weights that validation picks, against an evaluation of each combination."""

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.evaluation.metrics import METRICS, Ranks
from seqrec_cli.core.evaluation.queries import queries
from seqrec_cli.core.evaluation.report import EvaluationProtocol
from seqrec_cli.core.evaluation.sequential import Protocol, evaluate
from seqrec_cli.core.evaluation.weighing import (
    PRIORS,
    WEIGHTS,
    Alone,
    combinations_of,
    first_ranks,
    joined_sums,
    pick_prior,
    pick_weights,
    pick_weights_by,
    ranks_of_variants,
)
from seqrec_cli.core.inference.rules import Rules, with_prior
from seqrec_cli.core.inference.scoring import Joined, ModelScorer
from seqrec_cli.core.models.fitted import fit_whole
from seqrec_cli.core.models.linear import LinearConfig
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.models.sequential.sasrec import SASRecConfig
from seqrec_cli.core.models.transitions import Transitions, TransitionsConfig
from seqrec_cli.errors import RunError
from tests.conftest import leave_one_out
from tests.core.evaluation.tables import Table, random_table


@pytest.fixture
def noise() -> SequenceDataset:
    random = np.random.default_rng(0)
    return leave_one_out([(random.permutation(50)[:12] + 1).tolist() for _ in range(60)], 50)


def joined_of(data: SequenceDataset) -> list[Joined]:
    linear = LinearConfig(decays=(0.5,), ridge=1e4)
    workers = WorkerPool(torch.device("cpu"))
    return [
        Joined(
            "transitions", Transitions(data.train, data.num_items, TransitionsConfig(lags=1)), 0.5
        ),
        Joined(
            "linear",
            fit_whole("linear", data.train, data.num_items, linear, workers),
            1.0,
            picked=True,
        ),
    ]


@pytest.mark.parametrize("both", [False, True])
def test_the_best_weights_on_the_valid_part_are_picked(noise: SequenceDataset, both: bool) -> None:
    model = build_model(SASRecConfig(hidden=8), 50, torch.Generator().manual_seed(1))
    joined = joined_of(noise)
    joined[0].picked = both
    scorer = ModelScorer(model, 50, joined=joined)
    pick_weights(scorer, noise, "ndcg@10", "exclude")
    picked = [each.weight for each in joined]

    def value(weights: tuple[float, ...]) -> float:
        for each, weight in zip(joined, weights, strict=True):
            each.weight = weight
        return evaluate(scorer, noise, "valid").means()["ndcg@10"]

    choices = list(itertools.product(WEIGHTS if both else (0.5,), WEIGHTS))
    values = [value(weights) for weights in choices]
    assert len(set(values)) > 3
    assert picked == list(choices[values.index(max(values))])


@pytest.mark.parametrize(("kind", "ruled"), [("full", False), ("full", True), ("sampled", False)])
def test_a_protocol_picks_the_weights_that_evaluate_best_by_it(kind: Protocol, ruled: bool) -> None:
    random = np.random.default_rng(5)
    histories = [(random.permutation(150)[:12] + 1).tolist() for _ in range(60)]
    data = leave_one_out(histories, 150)
    model = build_model(SASRecConfig(hidden=8), 150, torch.Generator().manual_seed(1))
    joined = joined_of(data)
    scorer = ModelScorer(model, 150, joined=joined)
    rules = Rules.of(None, np.linspace(0, 3, 150)) if ruled else None
    pick_weights_by(scorer, data, EvaluationProtocol(kind=kind, ks=[3, 12]), rules)
    assert joined[0].weight == 0.5
    picked = joined[1].weight

    def value(weight: float) -> float:
        joined[1].weight = weight
        means = evaluate(scorer, data, "valid", ks=[12], protocol=kind, rules=rules).means()
        return means["ndcg@12 (sampled 100)" if kind == "sampled" else "ndcg@12"]

    values = [value(weight) for weight in WEIGHTS]
    assert len(set(values)) > 3
    assert picked == WEIGHTS[values.index(max(values))]


def test_scores_are_the_sum_by_weight(cycle: SequenceDataset) -> None:
    model = build_model(SASRecConfig(hidden=8), 50, torch.Generator().manual_seed(1))
    joined = joined_of(cycle)
    histories = Sequences.from_lists([[1, 2, 3], [9]])
    found = ModelScorer(model, 50, joined=joined).score(histories)
    alone = ModelScorer(model, 50).score(histories)
    parts = [each.scorer.score(histories) for each in joined]
    torch.testing.assert_close(found, alone + 0.5 * parts[0] + parts[1])


@pytest.mark.parametrize("kind", ["full", "sampled"])
def test_the_prior_is_the_one_that_evaluates_best_on_the_valid_part(kind: Protocol) -> None:
    random = np.random.default_rng(3)
    shares = 1 / np.arange(1, 151)
    histories = [
        (random.choice(150, 9, replace=False, p=shares / shares.sum()) + 1).tolist()
        for _ in range(80)
    ]
    data = leave_one_out(histories, 150)
    scorer = Table(random_table(5, 150) * 2)
    picked = pick_prior(scorer, data, EvaluationProtocol(kind=kind, ks=[3, 12]), None)
    values = [
        evaluate(
            scorer,
            data,
            "valid",
            ks=[12],
            protocol=kind,
            rules=with_prior(None, data.item_counts(), weight),
        ).means()
        for weight in PRIORS
    ]
    best = [found["ndcg@12 (sampled 100)" if kind == "sampled" else "ndcg@12"] for found in values]
    assert best.index(max(best)) > 0
    assert picked == PRIORS[best.index(max(best))]


def test_first_ranks_are_those_among_all_items(noise: SequenceDataset) -> None:
    model = build_model(SASRecConfig(hidden=8), 50, torch.Generator().manual_seed(1))
    joined = joined_of(noise)
    joined[0].picked = True
    scorer = ModelScorer(model, 50, joined=joined)
    asked, tries = queries(noise, "valid"), combinations_of(scorer)
    changed = joined_sums(scorer, asked, tries)
    whole = ranks_of_variants(Alone(scorer), asked, "exclude", len(tries), changed)
    for k in (1, 10, 60):
        first = first_ranks(scorer, asked, "exclude", k, (0, 1))
        assert np.array_equal(np.minimum(first, k), np.minimum(whole, k))


def test_another_metric_sees_all_ranks(
    noise: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that an installed package brings may look beyond the first k."""
    model = build_model(SASRecConfig(hidden=8), 50, torch.Generator().manual_seed(1))
    scorer = ModelScorer(model, 50, joined=joined_of(noise))
    seen: list[int] = []

    def mean_rank(ranks: Ranks, k: int) -> NDArray[np.float64]:
        seen.append(int(ranks.values.max()))
        return -ranks.values.astype(np.float64)

    monkeypatch.setitem(METRICS.loaded, "mean_rank", mean_rank)
    pick_weights(scorer, noise, "mean_rank@3", "exclude")
    assert len(seen) == len(WEIGHTS)
    assert 3 < max(seen) < 50


def test_what_joins_must_be_finite(noise: SequenceDataset) -> None:
    model = build_model(SASRecConfig(hidden=8), 50, torch.Generator().manual_seed(1))
    joined = joined_of(noise)
    broken = joined[1].scorer
    broken.weights[:, 3] = torch.nan  # type: ignore[attr-defined]
    scorer = ModelScorer(model, 50, joined=joined)
    with pytest.raises(RunError, match="not finite"):
        pick_weights(scorer, noise, "ndcg@10", "exclude")
    with pytest.raises(RunError, match="not finite"):
        pick_weights_by(scorer, noise, EvaluationProtocol(kind="full", ks=[10]), None)
