"""The linear model against the textbook: X and Y made row by row, and the inverse of a matrix."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.inference.recommendation import influence
from seqrec_cli.core.models import cholesky, equations
from seqrec_cli.core.models.fitted import fit_whole
from seqrec_cli.core.models.linear import Linear, LinearModelConfig
from seqrec_cli.core.models.recency import Scale
from tests.core.models.test_likeness import likeness_matrix, told

NUM_ITEMS = 6
CPU = torch.device("cpu")
HISTORY = st.lists(st.integers(1, NUM_ITEMS), min_size=1, max_size=9)
DECAYS = st.sampled_from([(0.5,), (0.9,), (0.3, 0.8), (0.9, 0.2, 0.6)])


def fitted(train: list[list[int]], config: LinearModelConfig, num_items: int = NUM_ITEMS) -> Linear:
    workers = WorkerPool(CPU)
    model = fit_whole("linear", Sequences.from_lists(train), num_items, config, workers)
    assert isinstance(model, Linear)
    return model


def read(history: list[int], decays: tuple[float, ...], num_items: int) -> NDArray[np.float64]:
    """x: the weights of a history's items, scale after scale."""
    x = np.zeros((len(decays), num_items))
    for scale, decay in enumerate(decays):
        for age, item in enumerate(history[::-1][: Scale(decay).length]):
            x[scale, item - 1] += decay**age
    return x.ravel()


def textbook(
    train: list[list[int]], history: list[int], config: LinearModelConfig, num_items: int
) -> NDArray[np.float64]:
    """x W for a history, W = (X'X + D)^-1 X'Y, with all of X and Y."""
    pairs = [(user[:at], user[at]) for user in train for at in range(1, len(user))]
    forwards = len(pairs)
    pairs += [(user[:at:-1], user[at]) for user in train for at in range(len(user) - 1)]
    x = np.array([read(before, config.decays, num_items) for before, _ in pairs])
    x = x.reshape(len(pairs), len(config.decays) * num_items)
    y = np.zeros((len(pairs), num_items))
    y[np.arange(len(pairs)), [item - 1 for _, item in pairs]] = 1
    x[forwards:] *= config.backwards**0.5
    y[forwards:] *= config.backwards**0.5
    products = x.T @ x
    ridge = config.ridge * np.eye(len(products))
    ridge += config.count_ridge * np.diag(np.diag(products))
    weights = np.linalg.inv(products + ridge) @ (x.T @ y)
    return read(history, config.decays, num_items) @ weights


@settings(deadline=None)
@given(
    train=st.lists(HISTORY, min_size=1, max_size=6),
    histories=st.lists(HISTORY, min_size=1, max_size=4),
    decays=DECAYS,
    count_ridge=st.sampled_from([0.0, 1.5]),
    backwards=st.sampled_from([0.0, 0.4, 1.0]),
)
def test_scores_are_those_of_the_textbook(
    train: list[list[int]],
    histories: list[list[int]],
    decays: tuple[float, ...],
    count_ridge: float,
    backwards: float,
) -> None:
    config = LinearModelConfig(
        decays=decays, ridge=0.7, count_ridge=count_ridge, popularity=0.2, backwards=backwards
    )
    scores = fitted(train, config).score(Sequences.from_lists(histories))
    assert scores.dtype == torch.float32
    items = [item for user in train for item in user]
    share = np.array([(items.count(i) + 1) / (len(items) + NUM_ITEMS) for i in range(1, 7)])
    for row, history in zip(scores, histories, strict=True):
        predicted = textbook(train, history, config, NUM_ITEMS)
        expected = np.log(np.maximum(predicted, 0) + 0.2 * share)
        np.testing.assert_allclose(row[1:].numpy(), expected, rtol=1e-3, atol=1e-4)
        assert row[0] == 0


@pytest.fixture
def train() -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(1, 41, size).tolist() for size in random.integers(1, 30, 60)]


def test_tiles_stretches_and_threads_make_no_difference(
    train: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = LinearModelConfig(decays=(0.4, 0.9), ridge=2)
    whole = fitted(train, config, 40).weights
    monkeypatch.setattr(equations, "EVENTS", 7)
    torch.testing.assert_close(fitted(train, config, 40).weights, whole, rtol=1e-4, atol=1e-6)
    monkeypatch.setattr(cholesky, "TILE", 16)
    tiled = fitted(train, config, 40).weights
    torch.testing.assert_close(tiled, whole, rtol=1e-4, atol=1e-5)
    before = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            assert torch.equal(fitted(train, config, 40).weights, tiled)
    finally:
        torch.set_num_threads(before)


def test_rarer_items_have_their_popularity_alone() -> None:
    train = [[1, 2, 3, 1, 2], [1, 2, 1, 2, 4], [5, 1, 2]]
    config = LinearModelConfig(decays=(0.5,), items=2, ridge=1)
    model = fitted(train, config, 5)
    assert model.weights.shape == (3, 3)
    scores = model.score(Sequences.from_lists([[1], [3]]))
    shares = torch.tensor([5, 6, 2, 2, 2]) / 18  # each counted once more than it occurs
    shares[0] = 6 / 18
    torch.testing.assert_close(scores[1, 1:].exp(), 0.1 * shares)  # 3 says nothing
    assert scores[0, 2] > scores[1, 2]  # 2 follows 1
    torch.testing.assert_close(scores[0, 3:], scores[1, 3:])


def test_reasons_add_up_to_what_is_predicted(train: list[list[int]]) -> None:
    model = fitted(train, LinearModelConfig(decays=(0.3, 0.9), ridge=1), 40)
    history, items = Sequences.from_lists([[3, 9, 3, 20, 8]]), np.array([1, 17, 40])
    reasons = influence(model, history, items)
    assert reasons.shape == (3, 5)
    found = model.predicted(history)[0, torch.from_numpy(items)]
    np.testing.assert_allclose(reasons.sum(axis=1), found.numpy(), rtol=1e-4)
    alone = influence(model, Sequences.from_lists([[20, 8]]), items)
    np.testing.assert_allclose(reasons[:, 3:], alone, rtol=1e-5)


def test_what_was_learnt_comes_back_and_is_checked(train: list[list[int]]) -> None:
    config = LinearModelConfig(decays=(0.4, 0.9), items=30)
    model, history = fitted(train, config, 40), Sequences.from_lists([[1, 2, 3]])
    again = Linear.restored(40, config, model.state_dict())
    assert torch.equal(again.score(history), model.score(history))
    state = model.state_dict()
    for name, wrong in (
        ("weights", state["weights"][:-1]),
        ("weights", state["weights"].double()),
        ("slots", state["slots"] * 0 + 99),
        ("slots", state["slots"].flip(0)),
        ("popularity", state["popularity"][1:]),
    ):
        with pytest.raises(ValueError, match="it"):
            Linear.restored(40, config, state | {name: wrong})


@pytest.mark.parametrize("most", [6, 4])
def test_items_gain_from_those_that_are_alike(most: int) -> None:
    """Item 5 is nobody's, and like item 2; of item 6, nobody's too, nothing is known."""
    lists = [[1, 2, 3, 1, 2], [2, 3, 1, 4], [4, 1, 2]]
    items: list[tuple[str, list[str]]] = [("red", ["a"]), ("blue", ["b"]), ("red", ["c"])]
    items += [("", ["a"]), ("blue", ["b"]), ("", [])]
    config = LinearModelConfig(decays=(0.5, 0.8), ridge=0.7, popularity=0.2, items=most)
    workers, train = WorkerPool(CPU), Sequences.from_lists(lists)
    alike = config.model_copy(update={"alike": 3.0})
    found = list(Linear.fitting(train, NUM_ITEMS, alike, workers, features=told(items)))
    model, shares = found[-1], [share for share in found if isinstance(share, float)]
    assert isinstance(model, Linear)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    told_of = min(most, 5)  # one that nobody has takes room that those of train leave
    slots = np.append(np.arange(told_of + 1), np.zeros(NUM_ITEMS - told_of, np.int64))
    spread = np.eye(told_of) + 3 * likeness_matrix(items, slots)[1:, 1:]
    counts = np.bincount([item for each in lists for item in each], minlength=NUM_ITEMS + 1)[1:]
    share = (counts + 1) / (counts.sum() + NUM_ITEMS)
    for history in ([2, 3], [1], [5, 4]):
        predicted = textbook(lists, history, config, NUM_ITEMS)[:told_of] @ spread
        expected = np.log(
            np.maximum(np.append(predicted, np.zeros(NUM_ITEMS - told_of)), 0) + 0.2 * share
        )
        scores = model.score(Sequences.from_lists([history]))[0, 1:]
        np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-3, atol=1e-4)
    if most == 6:
        assert scores[4] > scores[5]
    again = Linear.restored(NUM_ITEMS, alike, model.state_dict())
    assert torch.equal(again.score(train), model.score(train))
    assert alike.needs_features
    assert alike.reads_features
    assert not config.needs_features


@pytest.mark.parametrize("decays", [(), (1.0,), (0.5, 0.5), (0.0,)])
def test_decays_that_are_none_are_refused(decays: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="decays"):
        LinearModelConfig(decays=decays)


def timed(lists: list[list[int]], times: list[list[int]], moments: list[int] | None) -> Sequences:
    """Histories with the hour of each item, and of each query."""
    flat = np.array([3600 * hour for own in times for hour in own], np.int64)
    asked = None if moments is None else np.array(moments, np.int64) * 3600
    return replace(Sequences.from_lists(lists), times=flat, moments=asked)


TIMED = LinearModelConfig(
    decays=(0.5,), ridge=2, time=True, session_decays=(0.8,), session_minutes=120, trend=0.4,
    trend_days=1, popularity=0.2,
)  # fmt: skip


def test_read_backwards_the_sessions_are_the_same() -> None:
    """As if there were as many users again who did everything from the end to the beginning."""
    lists = [[1, 2, 3, 1], [4, 2, 1], [3], [], [2, 4, 4, 3, 1]]
    hours = [[1, 2, 9, 10], [3, 4, 20], [5], [], [1, 2, 2, 8, 30]]
    mirrored = [[99 - hour for hour in own[::-1]] for own in hours]
    workers = WorkerPool(CPU)
    both = timed([*lists, *(own[::-1] for own in lists)], [*hours, *mirrored], None)
    expected = fit_whole("linear", both, 4, TIMED, workers)
    found = list(
        Linear.fitting(
            timed(lists, hours, None), 4, TIMED.model_copy(update={"backwards": 1.0}), workers
        )
    )
    assert isinstance(expected, Linear)
    assert isinstance(found[-1], Linear)
    torch.testing.assert_close(found[-1].weights, expected.weights)
    shares = [share for share in found if isinstance(share, float)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1


def test_with_times_this_session_and_the_last_days_count() -> None:
    lists, hours = [[1, 2, 3, 1], [2, 3, 4]], [[0, 1, 9, 10], [5, 30, 31]]
    workers = WorkerPool(CPU)
    model = fit_whole("linear", timed(lists, hours, None), 4, TIMED, workers)
    plain = LinearModelConfig(decays=(0.5,), ridge=2, popularity=0.2)
    x, y = [], []
    for items, own in zip(lists, hours, strict=True):
        for at in range(1, len(items)):
            row = np.zeros((2, 4))
            for place in range(at):
                row[0, items[place] - 1] += 0.5 ** (at - 1 - place) * (at - 1 - place < 5)
                if max(np.diff(own[place : at + 1])) <= 2:
                    row[1, items[place] - 1] += 0.8 ** (at - 1 - place)
            x.append(row.ravel())
            y.append(np.eye(4)[items[at] - 1])
    products = np.array(x).T @ np.array(x)
    weights = np.linalg.inv(products + 2 * np.eye(8) + np.diag(np.diag(products)))
    weights = weights @ np.array(x).T @ np.array(y)
    asked = timed([[4, 1], [4, 1]], [[6, 7], [6, 7]], [8, 33])
    share = np.array([3, 3, 3, 2]) / 11
    lately = [
        np.array([1, 2, 0, 0]),  # at hours 0, 1 and 5
        np.array([1, 0, 2, 1]),  # from hour 9 on, as a day before 33 was 9
    ]
    for row, recently in enumerate(lately):
        history = np.zeros((2, 4))
        history[0, [3, 0]] = 0.5, 1
        if row == 0:  # the second query comes after a long pause
            history[1, [3, 0]] = 0.8, 1
        predicted = history.ravel() @ weights
        expected = np.log(np.maximum(predicted, 0) + 0.2 * share)
        gain = (recently + 5 * 4 * share) / (recently.sum() + 5 * 4) / share
        expected += 0.4 * np.log(gain)
        np.testing.assert_allclose(model.score(asked)[row, 1:].numpy(), expected, rtol=1e-4)
    # The popularity of those days does not change what items of the history give.
    reasons = influence(model, asked.only(0), np.array([2, 3]))
    found = model.predicted(asked)[0, [2, 3]]
    np.testing.assert_allclose(reasons.sum(axis=1), found.numpy(), rtol=1e-5)
    # Without moments the query is after all that is known, and without times in this session.
    now = model.score(timed([[4, 1]], [[30, 31]], None))
    torch.testing.assert_close(model.score(Sequences.from_lists([[4, 1]])), now)
    again = Linear.restored(4, TIMED, model.state_dict())
    assert torch.equal(again.score(asked), model.score(asked))
    state = model.state_dict()
    with pytest.raises(ValueError, match="not in order"):
        Linear.restored(4, TIMED, state | {"times": state["times"].flip(0)})
    with pytest.raises(ValueError, match="reads times"):
        fit_whole("linear", Sequences.from_lists(lists), 4, TIMED, workers)
    assert fitted(lists, plain, 4).recent is None


@pytest.mark.parametrize("given", [{"trend": 0.3}, {"session_decays": (0.5,)}])
def test_settings_of_times_are_for_those_who_read_them(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is a setting of times, which this model does not read"):
        LinearModelConfig(**given)
    assert LinearModelConfig(**given, time=True).time
