"""Every position of the held-out part is a target of its own, held against loops."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation import queries as asking
from seqrec_cli.core.evaluation.metrics import METRICS
from seqrec_cli.core.evaluation.queries import position_queries
from seqrec_cli.core.evaluation.report import (
    EvaluationProtocol,
    evaluate_each,
    fit_baselines,
    make_report,
)
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.evaluation.statistics import bootstrap_means, compare
from seqrec_cli.core.evaluation.summary import summarise
from seqrec_cli.core.inference.recommendation import recommend
from seqrec_cli.core.models.baselines import MarkovChain
from seqrec_cli.errors import ConfigError, DatasetError
from tests.core.evaluation.test_metrics import brute_force
from tests.core.evaluation.test_sequential import NUM_ITEMS, Table, random_table

Lists = list[list[int]]
ITEMS = st.lists(st.integers(1, NUM_ITEMS), max_size=6)


def dataset_of(train: Lists, valid: Lists, test: Lists, *, whole: bool = False) -> SequenceDataset:
    return SequenceDataset(
        "log",
        *(Sequences.from_lists(part) for part in (train, valid, test)),
        user_ids=np.arange(len(train)),
        item_ids=np.arange(1, NUM_ITEMS + 1),
        manifest={"split": {"kind": "sessions", "whole_sessions": True}} if whole else {},
    )


def whole_sessions(sessions: Lists) -> SequenceDataset:
    """The first third of the sessions is learnt from, the second validates, the third tests."""
    third = len(sessions) // 3
    cuts = (range(third), range(third, 2 * third), range(2 * third, len(sessions)))
    parts = [[s if n in cut else [] for n, s in enumerate(sessions)] for cut in cuts]
    return dataset_of(*parts, whole=True)


def positions_by_hand(data: SequenceDataset) -> list[tuple[int, list[int], int]]:
    """Each target of the test part with its user and its history."""
    assert data.test is not None
    found = []
    for user in range(data.num_users):
        done = [*data.train[user].tolist(), *data.valid[user].tolist()]
        for item in data.test[user].tolist():
            if done:
                found.append((user, list(done), item))
            done.append(item)
    return found


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(ITEMS, ITEMS, ITEMS), min_size=3, max_size=9),
    st.booleans(),
    st.sampled_from(["exclude", "include"]),
    st.sampled_from([1, 3, 20]),
    st.sampled_from([1, 5, 1 << 24]),
)
def test_positions_are_those_of_a_loop(
    users: list[tuple[list[int], list[int], list[int]]], whole: bool, seen: Any, k: int, block: int
) -> None:
    data = (
        whole_sessions([a + b for a, b, _ in users])
        if whole
        else dataset_of(*[list(part) for part in zip(*users, strict=True)])
    )
    expected = positions_by_hand(data)
    table = random_table(len(expected))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "MOST_HISTORY", block)
        if not expected:
            with pytest.raises(DatasetError, match="no user with a history"):
                next(position_queries(data, "test"))
            return
        asked = [
            (int(user), history.tolist(), int(target[0]))
            for each in position_queries(data, "test")
            for user, history, target in zip(each.users, each.histories, each.targets, strict=True)
        ]
        outcome = evaluate(Table(table), data, "test", ks=[k], seen=seen, targets="all", lists=True)
    assert asked == expected

    values: dict[str, dict[int, list[float]]] = {name: {} for name in METRICS}
    assert outcome.lists is not None
    for (user, history, target), listed in zip(expected, outcome.lists, strict=True):
        candidates = [i for i in range(1, NUM_ITEMS + 1) if seen == "include" or i not in history]
        candidates.sort(key=lambda item: -float(table[history[-1], item]))
        assert [item for item in listed.tolist() if item] == candidates[:k]
        for name, by_user in values.items():
            by_user.setdefault(user, []).append(brute_force(name, candidates, {target}, k))
    for name, by_user in values.items():
        assert outcome.users.tolist() == list(by_user)
        means = [float(np.mean(own)) for own in by_user.values()]
        assert outcome.per_user[f"{name}@{k}"].tolist() == pytest.approx(means), name
        over_all = float(np.mean([value for own in by_user.values() for value in own]))
        assert outcome.means()[f"{name}@{k}"] == pytest.approx(over_all), name
    assert outcome.counts is not None
    assert outcome.counts.tolist() == [len(own) for own in values["hr"].values()]


def test_where_each_user_has_one_target_all_is_last() -> None:
    random = np.random.default_rng(4)
    walks = [(random.permutation(NUM_ITEMS)[:6] + 1).tolist() for _ in range(20)]
    data = dataset_of([w[:4] for w in walks], [w[4:5] for w in walks], [w[5:] for w in walks])
    scorer = Table(random_table(1))
    last = evaluate(scorer, data, "test", ks=[3], lists=True)
    every = evaluate(scorer, data, "test", ks=[3], lists=True, targets="all")
    assert every.means() == pytest.approx(last.means())
    one, other = (summarise(outcome, data, [3], seed=0) for outcome in (last, every))
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
    difference, _ = compare({"hr": means}, {"hr": means * 0}, 0, counts)["hr"]
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
    figure = summarise(outcome, data, [1], seed=0)["hr@1"]
    best = 0.8 + 0.2 / NUM_ITEMS
    assert figure.low < best < figure.high
    followed = np.mean(
        [target == history[-1] % NUM_ITEMS + 1 for _, history, target in positions_by_hand(data)]
    )
    assert figure.mean == pytest.approx(followed)


def test_a_report_counts_targets_and_averages_over_them() -> None:
    random = np.random.default_rng(6)
    data = whole_sessions([random.integers(1, 9, int(n)).tolist() for n in [2, 3, 7, 4, 9, 5] * 9])
    protocol = EvaluationProtocol(ks=(5,), seen="include", targets="all")
    scorers = fit_baselines(data)[0]
    report = make_report(
        data, protocol, dict(evaluate_each(data, scorers, protocol, {})), [], {}, {}
    )
    plain = report.plain()
    assert plain["targets"] == "all"
    assert plain["users"] == 18
    assert plain["queries"] == len(positions_by_hand(data))
    rows = [row for row in report.user_rows() if row["scorer"] == "popularity"]
    total = sum(row["targets"] * row["mrr@5"] for row in rows) / plain["queries"]
    assert total == pytest.approx(plain["figures"]["popularity"]["mrr@5"]["mean"])


def test_the_sampled_protocol_has_no_positions() -> None:
    with pytest.raises(ConfigError, match="what follows each user's history"):
        EvaluationProtocol(kind="sampled", targets="all")
