"""An epoch visits everyone once, in an order that only chance decides."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching import sequential as batching
from seqrec_cli.core.batching.packing import CostModel, Layout
from seqrec_cli.core.batching.sequential import Batches, TrainBatch
from seqrec_cli.core.data.negatives import SAMPLERS, PopularitySampler, UniformSampler
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.randomness import Purpose

HISTORIES = [[1, 2, 3, 4, 5], [6], [7, 8], [], [9, 10, 11], [1, 3, 5, 7, 9, 11]]


def make(max_length: int = 4, batch_size: int = 2, seed: int = 0, **more: int) -> Batches:
    return Batches(
        Sequences.from_lists(HISTORIES),
        12,
        seed=seed,
        batch_size=batch_size,
        max_length=max_length,
        num_negatives=more.get("num_negatives", 2),
    )


def rows(batch: TrainBatch) -> list[tuple[list[int], list[int]]]:
    """(inputs, targets) of each history, without padding."""
    found = []
    start = 0
    for count, length in batch.histories.blocks:
        for row in range(count):
            slots = slice(start + row * length, start + (row + 1) * length)
            items, targets = batch.histories.items[slots], batch.targets[slots]
            assert ((items == 0) == (targets == 0)).all()
            found.append((items[items > 0].tolist(), targets[targets > 0].tolist()))
        start += count * length
    return found


def test_every_user_with_a_target_comes_exactly_once_an_epoch() -> None:
    batches = make()
    for epoch in (1, 2):
        users = np.concatenate(batches.users_of(epoch))
        assert sorted(users.tolist()) == [0, 2, 4, 5]
    assert len(batches) == 2
    assert [len(u) for u in make(batch_size=3).users_of(1)] == [3, 1]


def test_the_order_is_seeded_and_new_in_each_epoch() -> None:
    histories = Sequences.from_lists([[1, 2]] * 50)

    def order(seed: int, epoch: int) -> list[int]:
        batches = Batches(histories, 12, seed=seed, batch_size=7, max_length=4, num_negatives=1)
        return np.concatenate(batches.users_of(epoch)).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_length_does_not_decide_who_shares_a_batch() -> None:
    lengths = np.repeat([2, 50], 200)
    histories = Sequences.from_lists([[1] * n for n in lengths])
    batches = Batches(histories, 12, seed=0, batch_size=40, max_length=64, num_negatives=1)
    shares = [(lengths[users] == 50).mean() for users in batches.users_of(1)]
    assert min(shares) > 0.25
    assert max(shares) < 0.75


def test_windows_are_the_newest_items_and_targets_come_next() -> None:
    batches = make(max_length=4)
    found = rows(batches.make(1, np.array([0, 2, 4, 5])))
    assert sorted(found) == sorted(
        [
            ([1, 2, 3, 4], [2, 3, 4, 5]),
            ([7], [8]),
            ([9, 10], [10, 11]),
            ([3, 5, 7, 9], [5, 7, 9, 11]),  # 1 is more than max_length back
        ]
    )


def test_negatives_are_drawn_for_each_target_and_never_known() -> None:
    batches = make()
    for epoch in range(1, 30):
        for users in batches.users_of(epoch):
            batch = batches.make(epoch, users)
            assert ((batch.negatives > 0).all(1) == (batch.targets > 0)).all()
            start = 0
            order = np.argsort(
                -np.minimum(np.diff(batches.train.offsets)[users] - 1, 4), kind="stable"
            )
            owners = iter(users[order])
            for count, length in batch.histories.blocks:
                for _ in range(count):
                    drawn = set(batch.negatives[start : start + length].flatten().tolist())
                    assert not drawn & set(HISTORIES[next(owners)])
                    start += length


def test_a_batch_does_not_depend_on_who_shares_it() -> None:
    batches = make()
    alone = batches.make(3, np.array([4]))
    shared = batches.make(3, np.array([0, 4]))
    assert alone.negatives[:2].tolist() == shared.negatives[4:6].tolist()


def test_parts_share_the_users_and_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    histories = Sequences.from_lists([[1] * int(n) for n in random.integers(2, 60, 64)])
    batches = Batches(histories, 12, seed=0, batch_size=64, max_length=50, num_negatives=1)
    users = batches.users_of(1)[0]
    total = batches.count_targets(users)
    for count in (2, 4, 8):
        monkeypatch.setattr(batching, "PART_TARGETS", total // count)
        parts = batches.split(users)
        assert len(parts) == count
        assert sorted(np.concatenate(parts).tolist()) == sorted(users.tolist())
        work = [sum(n * (n + 600) for n in batches.num_targets(part).tolist()) for part in parts]
        assert max(work) < 1.6 * sum(work) / count
    assert sum(batches.count_targets(part) for part in parts) == batches.count_targets(users)
    monkeypatch.setattr(batching, "PART_TARGETS", 10**6)
    assert len(batches.split(users)) == 2
    monkeypatch.setattr(batching, "HALF_TARGETS", 10**6)
    assert len(batches.split(users)) == 1


def test_a_models_work_says_how_parts_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    histories = Sequences.from_lists([[1] * (3000 if n < 8 else 31) for n in range(808)])
    monkeypatch.setattr(batching, "PART_TARGETS", 1000)

    def parts(cost: CostModel) -> tuple[int, list[int]]:
        batches = Batches(
            histories, 1, seed=0, batch_size=808, max_length=3000, num_negatives=1, cost=cost
        )
        found = batches.split(np.arange(808))
        return len(found), [batches.count_targets(part) for part in found]

    count, targets = parts(CostModel(crossover=math.inf, min_part_scale=16))
    assert count == 2
    assert targets == [23_992, 24_000]  # the long histories, and all the short ones
    count, targets = parts(CostModel(crossover=math.inf, min_part_scale=8))
    assert count == 4
    assert max(targets) < 1.2 * min(targets)
    # Where work grows with the square, what is long weighs more, and less of it is a part.
    _, targets = parts(CostModel(crossover=600.0, min_part_scale=16))
    assert targets[0] < 0.7 * targets[1]


def test_a_batch_draws_what_it_shares_from_the_catalogue_or_from_its_own_targets() -> None:
    histories = Sequences.from_lists([[1, 2, 3], [4, 5, 5, 5], [6, 7], [8, 8, 9, 1, 2]])

    def shared(power: float | None, in_batch: bool, steps: int, count: int = 2) -> list[int]:
        batches = Batches(
            *(histories, 12),
            **{"seed": 0, "batch_size": 2, "max_length": 2, "num_negatives": count},
            negatives_per="batch",
            popularity_power=power,
            in_batch=in_batch,
        )
        found = [batches.share(1, step, np.array([0, 3])) for step in range(steps)]
        return np.bincount(np.concatenate(found), minlength=13).tolist()  # type: ignore[arg-type]

    uniform = shared(None, False, 6000)
    assert uniform[0] == 0
    assert uniform[1:] == pytest.approx([1000] * 12, rel=0.1)
    popular = shared(1.0, False, 7000)  # 14 interactions: an item with one is in 2 of 14
    assert popular[4] == pytest.approx(1000, rel=0.1)
    assert popular[5] == pytest.approx(3000, rel=0.1)
    assert popular[10:] == [0, 0, 0]
    # The windows' targets: 2, 3 of the first user and 1, 2 of the last.
    own = shared(None, True, 1, count=20_000)
    assert np.flatnonzero(own).tolist() == [1, 2, 3]
    assert own[2] / own[3] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("per", ["target", "history", "batch"])
@pytest.mark.parametrize("power", [None, 0.0, 0.75])
def test_excluded_items_are_never_negatives(per: str, power: float | None) -> None:
    histories = Sequences.from_lists([[1, 2, 4], [5, 7, 8], [1, 8]])
    excluded_items = torch.tensor([0, 3, 6, 9])
    drawn = set()
    for epoch in range(20):
        batches = Batches(
            *(histories, 9),
            **{"seed": 0, "batch_size": 3, "max_length": 3, "num_negatives": 4},
            negatives_per=per,  # type: ignore[arg-type]
            popularity_power=power,
            log_probabilities=True,
            excluded_items=excluded_items,
        )
        users = np.arange(3)
        batch = batches.make(epoch, users, batches.share(epoch, 1, users))
        drawn |= set(batch.negatives.flatten().tolist())
        assert batch.log_probabilities is not None
        assert torch.isfinite(batch.log_probabilities[batch.negatives > 0]).all()
    assert drawn - {0} == {1, 2, 4, 5, 7, 8}


@pytest.mark.parametrize("per", ["target", "history"])
@pytest.mark.parametrize("power", [None, 0.7])
def test_a_part_draws_what_a_sampler_of_all_users_would(per: str, power: float | None) -> None:
    random = np.random.default_rng(0)
    train = Sequences.from_lists([random.integers(1, 40, n).tolist() for n in range(2, 30)])
    settings = {"seed": 1, "batch_size": 9, "max_length": 12, "num_negatives": 3}
    options = {"negatives_per": per, "popularity_power": power, "log_probabilities": True}
    batches = Batches(train, 40, **settings, **options)  # type: ignore[arg-type]
    whole = UniformSampler(train, 40) if power is None else PopularitySampler(train, 40, power)
    users = batches.users_of(1)[0]
    made = batches.make(1, users)
    layout = Layout.of(batches.num_targets(users))
    for row, user in enumerate(users):
        places = train.lengths[user] - 1 - np.arange(batches.num_targets(users)[row], 0, -1)
        places = places if per == "target" else np.zeros(1, np.int64)
        counters = places[:, None] * 3 + np.arange(3)
        drawn = whole.draw(1, Purpose.NEGATIVES, 1, np.full((1, 1), user), counters)
        logs = whole.log_probability(np.full((1, 1), user), drawn)
        slots = (
            layout.last[row] - np.arange(len(places))[::-1]
            if per == "target"
            else np.flatnonzero(layout.rows == row)
        )
        assert made.negatives.numpy()[slots].tolist() == drawn.tolist()
        assert made.log_probabilities is not None
        np.testing.assert_array_equal(made.log_probabilities.numpy()[slots], logs)


class AlwaysLast:
    """A sampler of the last item alone."""

    def __init__(self, num_items: int) -> None:
        self.num_items = num_items

    def for_users(self, known: Sequences) -> "AlwaysLast":
        return self

    def draw(
        self, seed: int, purpose: Any, epoch: int, users: Any, counters: Any, keys: Any = None
    ) -> Any:
        return np.full(np.broadcast_shapes(users.shape, counters.shape), self.num_items)

    def log_probability(self, users: Any, items: Any) -> Any:
        return np.zeros(items.shape, np.float32)


def test_a_sampler_of_another_package_draws_the_negatives(monkeypatch: pytest.MonkeyPatch) -> None:
    makers = {"last": lambda known, num_items, power, counts: AlwaysLast(num_items)}
    monkeypatch.setattr(SAMPLERS, "ours", SAMPLERS.ours | makers)
    batches = Batches(
        Sequences.from_lists([[1, 2, 3], [2, 4]]),
        9,
        seed=0,
        batch_size=2,
        max_length=4,
        num_negatives=3,
        sampler="last",
    )
    for users in batches.users_of(1):
        batch = batches.make(1, users)
        assert batch.negatives[batch.targets > 0].unique().tolist() == [9]
