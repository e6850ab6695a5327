"""Training learns order, resumes bit for bit, and cannot reach the test part."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching import sequential as batching
from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.training.events import EpochDone
from seqrec_cli.core.training.sequential import (
    Training,
    check_device,
    fit,
    train_steps,
)
from seqrec_cli.errors import ConfigError, DatasetError
from tests.conftest import leave_one_out
from tests.core.training.small import CPU, copied, experiment, run, same, sized, take


@pytest.mark.parametrize("name", MODELS.ours)
def test_learns_the_cycle_far_above_chance(name: str, cycle: SequenceDataset) -> None:
    settings = experiment(epochs=40, lr=0.01, validate_every=40)
    model = sized(name)
    training = Training(settings.model_copy(update={"model": model}), 50, CPU)
    before = evaluate(ModelScorer(training.model, 50), cycle, "test").means()["hr@10"]
    events = run(training, cycle)
    after = evaluate(ModelScorer(training.model, 50), cycle, "test").means()
    assert before < 0.5
    assert after["hr@10"] > 0.95
    losses = [event.loss for event in events if isinstance(event, EpochDone)]
    assert losses[-1] < losses[0] / 2


def test_is_no_better_than_chance_on_noise() -> None:
    random = np.random.default_rng(1)
    noise = leave_one_out([(random.permutation(50)[:15] + 1).tolist() for _ in range(400)], 50)
    training = Training(experiment(epochs=20, lr=0.01, validate_every=20), 50, CPU)
    run(training, noise)
    # 14 of 50 are seen and left out, so chance is 10 / 36; 3.5 standard errors of 400 users.
    value = evaluate(ModelScorer(training.model, 50), noise, "test").means()["hr@10"]
    assert abs(value - 10 / 36) < 3.5 * np.sqrt(10 / 36 * 26 / 36 / 400)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    cycle: SequenceDataset,
) -> None:
    first, second = Training(experiment(), 50, CPU), Training(experiment(), 50, CPU)
    run(first, cycle)
    run(second, cycle)
    assert same(first, second)
    other = Training(experiment().model_copy(update={"seed": 4}), 50, CPU)
    run(other, cycle)
    assert not same(first, other)


def test_refuses_a_dataset_with_its_test_part(cycle: SequenceDataset) -> None:
    with pytest.raises(ValueError, match="must not be given the test part"):
        next(fit(Training(experiment(), 50, CPU), cycle))


def test_the_test_part_changes_nothing(cycle: SequenceDataset) -> None:
    assert cycle.test is not None
    first, second = Training(experiment(), 50, CPU), Training(experiment(), 50, CPU)
    run(first, cycle)
    random = np.random.default_rng(0)
    other = SequenceDataset(
        cycle.name,
        cycle.train,
        cycle.valid,
        type(cycle.test)(cycle.test.offsets, random.permutation(cycle.test.items)),
        cycle.user_ids,
        cycle.item_ids,
    )
    run(second, other)
    assert same(first, second)


def test_says_when_there_is_nobody_to_train_on() -> None:
    lonely = leave_one_out([[1, 2, 3], [3, 2, 1]], 3)
    with pytest.raises(DatasetError, match="no user with two items in its train part"):
        next(fit(Training(experiment(), 3, CPU), lonely.without_test()))


def test_l2_emb_shrinks_the_item_table(cycle: SequenceDataset) -> None:
    norms = []
    for l2_emb in (0.0, 0.1):
        training = Training(experiment(epochs=10, lr=0.01, l2_emb=l2_emb), 50, CPU)
        run(training, cycle)
        norms.append(float(training.model.items.weight.detach().norm()))
    assert norms[1] < 0.8 * norms[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": "softmax", "half_life": 3.0},
        *({"loss": loss, "popularity_power": 0.5} for loss in ("bce", "gbce", "bpr", "bpr_max")),
    ],
)
def test_the_gradients_of_the_parts_add_up_to_those_of_the_batch(
    cycle: SequenceDataset, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = experiment(batch_size=30, **changes)
    model = settings.model.model_copy(update={"dropout": 0.0})
    found = []
    for targets in (10**6, 100, 40):
        monkeypatch.setattr(batching, "PART_TARGETS", targets)
        training = Training(settings.model_copy(update={"model": model}), 50, CPU)
        batches = Batches(
            cycle.train,
            50,
            seed=0,
            batch_size=30,
            max_length=12,
            num_negatives=1,
            half_life=settings.training.loss.target_half_life,
            popularity_power=settings.training.popularity_power,
        )
        users = batches.users_of(1)[0]
        assert len(batches.split(users)) == {10**6: 1, 100: 2, 40: 4}[targets], targets
        loss = next(train_steps(training, batches, 1, 0))
        found.append([torch.tensor(loss), *(p.grad for p in training.model.parameters())])
    for other in found[1:]:
        for got, expected in zip(other, found[0], strict=True):
            torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_cores_does_not_change_a_bit(
    cycle: SequenceDataset, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PART_TARGETS", 40)
    trainings = []
    for cores in (2, count):
        training = Training(experiment(), 50, CPU)
        training.workers.count = cores
        training.workers.pool = ThreadPoolExecutor(cores)  # each thread computes on one core
        run(training, cycle)
        training.workers.pool.shutdown()
        trainings.append(training)
    assert same(*trainings)


def test_half_precision_does_not_depend_on_threads_either(
    cycle: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache of converted weights that threads shared gave other gradients by chance."""
    monkeypatch.setattr(batching, "HALF_TARGETS", 4)
    monkeypatch.setattr(batching, "PART_TARGETS", 16)
    trainings = []
    for cores in (1, 2, 2):
        settings = experiment(precision="bfloat16", epochs=2)
        settings = settings.model_copy(update={"model": sized("gru4rec")})
        training = Training(settings, 50, CPU)
        training.workers.count = cores
        training.workers.pool = ThreadPoolExecutor(cores)
        run(training, cycle)
        training.workers.pool.shutdown()
        trainings.append(training)
    assert same(*trainings[:2])
    assert same(*trainings[1:])


def test_a_part_that_cannot_be_validated_on_is_refused_at_once() -> None:
    part = Sequences.from_lists
    data = SequenceDataset(
        "new", part([[1, 2, 3], []]), part([[], [1]]), None, np.arange(2), np.arange(3)
    )
    with pytest.raises(DatasetError, match="no user with a history and an item in its valid part"):
        next(fit(Training(experiment(), 3, CPU), data))


def test_bfloat16_learns_too(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=30, lr=0.01, precision="bfloat16"), 50, CPU)
    run(training, cycle)
    assert evaluate(ModelScorer(training.model, 50), cycle, "test").means()["hr@10"] > 0.9


def test_the_settings_of_gru4recs_authors_learn_the_cycle(cycle: SequenceDataset) -> None:
    settings: dict[str, Any] = {"epochs": 60, "lr": 0.1, "optimizer": "adagrad", "momentum": 0.3}
    settings |= {"loss": "bpr_max", "score_elu": 0.5, "negatives": 32, "negatives_per": "batch"}
    trainings = [Training(experiment(**settings), 50, CPU) for _ in range(2)]
    run(trainings[0], cycle)
    assert evaluate(ModelScorer(trainings[0].model, 50), cycle, "test").means()["hr@10"] > 0.9
    trainings[1].restore(*trainings[0].state())
    assert same(*trainings)


def test_adagrad_on_the_table_learns_and_resumes(cycle: SequenceDataset) -> None:
    settings = {"epochs": 30, "lr": 0.01, "table_optimizer": "adagrad", "table_lr": 0.1}
    whole = Training(experiment(**settings), 50, CPU)
    events = run(whole, cycle)
    assert evaluate(ModelScorer(whole.model, 50), cycle, "test").means()["hr@10"] > 0.9
    half = Training(experiment(**settings), 50, CPU)
    seen = list(take(fit(half, cycle.without_test()), 100))
    resumed = Training(experiment(**settings), 50, CPU)
    resumed.restore(*copied(half))
    assert seen + run(resumed, cycle) == events
    assert same(whole, resumed)


def test_a_learning_rate_for_the_table_alone(cycle: SequenceDataset) -> None:
    still = Training(experiment(epochs=1, table_lr=1e-12), 50, CPU)
    before = copied(still)[0]
    run(still, cycle)
    moved = {
        name
        for name, tensor in still.model.named_parameters()
        if not torch.allclose(tensor, before[f"model.{name}"], atol=1e-8)
    }
    assert "items.weight" not in moved
    assert "positions.weight" in moved


def test_half_precision_is_refused_where_the_device_cannot() -> None:
    check_device(experiment(precision="bfloat16"), CPU)
    with pytest.raises(ConfigError, match="does not work on mps"):
        check_device(experiment(precision="bfloat16"), torch.device("mps"))
