"""Every position of the held-out part is a target of its own, held against loops."""

import numpy as np
import pytest

from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.evaluation.statistics import bootstrap_means, paired_differences
from seqrec_cli.core.evaluation.summary import summarize
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.core.models.baselines import MarkovChain
from tests.core.evaluation.positions import dataset_of, positions_by_hand, whole_sessions
from tests.core.evaluation.tables import NUM_ITEMS, Table, random_table
from tests.core.evaluation.test_metrics import brute_force


def test_where_each_user_has_one_target_all_is_last() -> None:
    random = np.random.default_rng(4)
    walks = [(random.permutation(NUM_ITEMS)[:6] + 1).tolist() for _ in range(20)]
    data = dataset_of([w[:4] for w in walks], [w[4:5] for w in walks], [w[5:] for w in walks])
    scorer = Table(random_table(1))
    last = evaluate(scorer, data, "test", ks=[3], lists=True)
    every = evaluate(scorer, data, "test", ks=[3], lists=True, targets="all")
    assert every.means() == pytest.approx(last.means())
    one, other = (summarize(outcome, data, [3], seed=0) for outcome in (last, every))
    for name in one:
        assert other[name].mean == pytest.approx(one[name].mean)
        assert (other[name].low, other[name].high) == pytest.approx((one[name].low, one[name].high))


def test_last_agrees_with_recommend_for_whole_sessions() -> None:
    random = np.random.default_rng(2)
    data = whole_sessions([random.integers(1, NUM_ITEMS + 1, 5).tolist() for _ in range(30)])
    scorer = Table(random_table(3))
    outcome = evaluate(scorer, data, "test", ks=[4], seen="include")
    histories = data.histories(before="test").take(outcome.users)
    assert data.test is not None
    for row, found in enumerate(recommend(scorer, histories, 4, seen="include")):
        target = int(data.test[int(outcome.users[row])][-1])
        for name in METRICS:
            value = brute_force(name, found.items.tolist(), {target}, 4)
            assert outcome.per_user[f"{name}@4"][row] == pytest.approx(value)


def test_resampling_draws_a_user_with_all_targets() -> None:
    """Held against means over the targets themselves, drawn user by user."""
    random = np.random.default_rng(5)
    counts = random.integers(1, 9, 12)
    values = [random.random(int(count)) for count in counts]
    means = np.array([own.mean() for own in values])
    found = bootstrap_means(means[:, None], seed=3, resamples=50, weights=counts)[:, 0]
    drawn = bootstrap_means(np.eye(12), seed=3, resamples=50) * 12  # how often each user is in it
    for row, times in zip(found, np.rint(drawn).astype(int), strict=True):
        targets = np.concatenate([np.tile(own, n) for own, n in zip(values, times, strict=True)])
        assert row == pytest.approx(targets.mean())
    difference, _ = paired_differences({"hr": means}, {"hr": means * 0}, 0, counts)["hr"]
    assert difference == pytest.approx(np.concatenate(values).mean())


def test_a_markov_chain_is_found_as_often_as_it_is_followed() -> None:
    """Sessions that follow 1, 2, ..., N, 1, ... with probability 0.8: so is the best hit rate."""
    random = np.random.default_rng(0)
    sessions = []
    for _ in range(900):
        walk = [int(random.integers(NUM_ITEMS))]
        for _ in range(int(random.integers(1, 9))):
            follows = random.random() < 0.8
            walk.append((walk[-1] + 1) % NUM_ITEMS if follows else int(random.integers(NUM_ITEMS)))
        sessions.append([item + 1 for item in walk])
    data = whole_sessions(sessions)
    chain = MarkovChain(data.train, NUM_ITEMS)
    outcome = evaluate(chain, data, "test", ks=[1], seen="include", targets="all")
    figure = summarize(outcome, data, [1], seed=0)["hr@1"]
    best = 0.8 + 0.2 / NUM_ITEMS
    assert figure.low < best < figure.high
    followed = np.mean(
        [target == history[-1] % NUM_ITEMS + 1 for _, history, target in positions_by_hand(data)]
    )
    assert figure.mean == pytest.approx(followed)
