"""Training learns order, resumes bit for bit, and cannot reach the test part."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching import sequential as batching
from seqrec_cli.core.batching.sequential import Batches, TrainBatch
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.kernels.dropout import Noise
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.training.events import EpochDone, Event, StepDone, Stopped, Validated
from seqrec_cli.core.training.objective import batch_loss
from seqrec_cli.core.training.schedule import lr_factor
from seqrec_cli.core.training.sequential import (
    Training,
    check_device,
    fit,
    part_gradients,
    train_steps,
    update_weights,
)
from seqrec_cli.errors import ConfigError, DatasetError, TrainingError
from tests.conftest import leave_one_out

CPU = torch.device("cpu")


def experiment(**training: Any) -> Experiment:
    model = {"hidden": 16, "max_length": 12, "blocks": 1, "dropout": 0.3}
    settings = {"epochs": 4, "batch_size": 32, "validate_every": 1, **training}
    return Experiment.model_validate({"seed": 3, "model": model, "training": settings})


def run(training: Training, data: SequenceDataset) -> list[Event]:
    return list(fit(training, data.without_test()))


def same(a: Training, b: Training) -> bool:
    (tensors, counters), (others, other_counters) = a.state(), b.state()
    return (
        counters == other_counters
        and tensors.keys() == others.keys()
        and all(torch.equal(tensors[name], others[name]) for name in tensors)
    )


def copied(training: Training) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, counters = training.state()
    return {name: tensor.clone() for name, tensor in tensors.items()}, dict(counters)


def sized(name: str) -> Any:
    """A model of the registry, small."""
    sizes = {"hidden": 16, "max_length": 10}
    settings = MODELS[name].settings_class
    if settings.reads_features:
        return settings(history=sizes, output=16)
    return settings(**sizes)


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


def test_events_tell_the_story_in_order(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=3, validate_every=2), 50, CPU)
    events = run(training, cycle)
    kinds = [type(event) for event in events]
    steps = 7  # 200 users in batches of 32; the last step of an epoch is its EpochDone
    one = [StepDone] * (steps - 1) + [EpochDone]
    assert kinds == [*one, *one, Validated, *one, Validated]
    assert [e.epoch for e in events if isinstance(e, Validated)] == [2, 3]
    assert [e.step for e in events if isinstance(e, StepDone)][: steps - 1] == list(range(1, steps))


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


def test_the_state_of_torchs_own_generators_does_not_matter(cycle: SequenceDataset) -> None:
    first, second = Training(experiment(), 50, CPU), Training(experiment(), 50, CPU)
    run(first, cycle)
    torch.rand(17)
    np.random.default_rng().random(3)
    run(second, cycle)
    assert same(first, second)


@pytest.mark.parametrize("stop_after", [0, 1, 5, 6, 7, 8, 9, 15, 20, 31])
def test_resuming_at_any_event_equals_going_on(cycle: SequenceDataset, stop_after: int) -> None:
    whole = Training(experiment(patience=3), 50, CPU)
    events = run(whole, cycle)
    assert len(events) > 31

    interrupted = Training(experiment(patience=3), 50, CPU)
    seen = list(take(fit(interrupted, cycle.without_test()), stop_after))
    tensors, counters = copied(interrupted)
    resumed = Training(experiment(patience=3), 50, CPU)
    resumed.restore(tensors, counters)
    rest = run(resumed, cycle)
    assert seen + rest == events
    assert same(whole, resumed)


def take(events: Iterator[Event], count: int) -> Iterator[Event]:
    for _ in range(count):
        yield next(events)


def test_two_epochs_and_two_more_equal_four(cycle: SequenceDataset) -> None:
    whole = Training(experiment(epochs=4, validate_every=4), 50, CPU)
    run(whole, cycle)
    half = Training(experiment(epochs=2, validate_every=4), 50, CPU)
    run(half, cycle)
    resumed = Training(experiment(epochs=4, validate_every=4), 50, CPU)
    resumed.restore(*copied(half))
    run(resumed, cycle)
    assert same(whole, resumed)


def test_patience_stops_when_validation_gets_no_better(cycle: SequenceDataset) -> None:
    training = Training(experiment(epochs=50, lr=1e-12, patience=2), 50, CPU)
    events = run(training, cycle)
    assert events[-1] == Stopped(epoch=3, best_epoch=1)
    assert [e.is_best for e in events if isinstance(e, Validated)] == [True, False, False]


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


def test_a_loss_that_is_not_finite_stops_before_it_touches_the_weights(
    cycle: SequenceDataset,
) -> None:
    training = Training(experiment(epochs=3, lr=1e25, validate_every=3), 50, CPU)
    seen: list[Event] = []
    with pytest.raises(TrainingError, match=r"loss became (nan|inf) in epoch \d+, step \d+"):
        seen.extend(fit(training, cycle.without_test()))
    assert seen
    assert all(np.isfinite(e.loss) for e in seen if isinstance(e, StepDone | EpochDone))


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


@pytest.mark.parametrize("loss", ["bce", "gbce", "sampled_softmax", "softmax", "bpr", "bpr_max"])
@pytest.mark.parametrize("per", ["target", "history", "batch"])
def test_every_loss_learns_the_cycle(cycle: SequenceDataset, loss: str, per: str) -> None:
    epochs = 60 if per == "batch" else 25  # a user's own items are negatives there too
    settings = {"epochs": epochs, "lr": 0.01, "loss": loss, "negatives": 8, "negatives_per": per}
    training = Training(experiment(**settings), 50, CPU)
    run(training, cycle)
    assert evaluate(ModelScorer(training.model, 50), cycle, "test").means()["hr@10"] > 0.9


@pytest.mark.parametrize(
    ("per", "power"),
    [
        *((per, power) for per in ("target", "history", "batch") for power in (None, 0.75)),
        ("batch", "in batch"),
    ],
)
def test_corrected_sampling_learns_the_cycle(
    cycle: SequenceDataset, per: str, power: float | str | None
) -> None:
    settings = {
        "epochs": 25,
        "lr": 0.01,
        "loss": "sampled_softmax",
        "negatives": 8,
        "negatives_per": per,
        "in_batch": power == "in batch",
        "popularity_power": None if power == "in batch" else power,
        "logq": True,
    }
    events = run(Training(experiment(**settings), 50, CPU), cycle)
    validated = [event for event in events if isinstance(event, Validated)]
    assert validated[-1].metrics["hr@10"] > 0.9


@pytest.mark.parametrize("per", ["history", "batch"])
@pytest.mark.parametrize("logq", [False, True])
def test_shared_negatives_score_as_repeated_ones(
    cycle: SequenceDataset, per: str, logq: bool
) -> None:
    """What one draw a history or batch costs must equal the same items written out a target."""
    loss = "sampled_softmax" if logq else "bce"
    settings = experiment(negatives_per=per, negatives=5, loss=loss)
    training = Training(settings, 50, CPU)
    batches = Batches(
        cycle.train,
        50,
        seed=0,
        batch_size=9,
        max_length=12,
        num_negatives=5,
        negatives_per=per,  # type: ignore[arg-type]
        log_probabilities=logq,
    )
    users = batches.users_of(1)[0]
    batch = batches.make(1, users, batches.share(1, 1, users))
    states = training.encode(batch.histories)
    shared = batch_loss(training.model, states, batch, training.experiment.training)
    negatives, logs = batch.negatives, batch.log_probabilities
    if per == "history":
        negatives = negatives[batch.histories.rows]
        logs = None if logs is None else logs[batch.histories.rows]
    targets = batch.targets.unsqueeze(1)
    repeated = negatives.expand(len(states), 5)
    repeated = repeated.masked_fill((targets == 0) | (repeated == targets), 0)
    written_out = TrainBatch(batch.histories, batch.targets, repeated, logs, batch.weight)
    settings = experiment(negatives=5, loss=loss)
    expected = batch_loss(training.model, states, written_out, settings.training)
    torch.testing.assert_close(shared, expected)
    if per == "history":
        order = np.argsort(-np.minimum(cycle.train.lengths[users] - 1, 12), kind="stable")
        for row, user in enumerate(users[order]):
            assert not set(cycle.train[int(user)].tolist()) & set(batch.negatives[row].tolist())


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


def test_the_learning_rate_rises_and_then_falls_by_half_a_cosine() -> None:
    settings = experiment(schedule="cosine", warmup=4).training
    factors = [lr_factor(settings, done, 100) for done in range(100)]
    assert factors[0] == pytest.approx(0.2)
    assert factors[:5] == sorted(factors[:5])
    assert factors[4:] == sorted(factors[4:], reverse=True)
    assert factors[50] == pytest.approx(0.5)
    assert 0 < factors[99] < 0.001
    constant = experiment(schedule="constant").training
    assert {lr_factor(constant, done, 100) for done in range(100)} == {1.0}


@pytest.mark.parametrize("name", MODELS.ours)
def test_a_step_changes_every_weight_as_torchs_adam_would(
    name: str, cycle: SequenceDataset
) -> None:
    settings = experiment(batch_size=32, lr=0.01)
    model = sized(name)
    mine, theirs = (
        Training(settings.model_copy(update={"model": model}), 50, CPU) for _ in range(2)
    )
    batches = Batches(cycle.train, 50, seed=0, batch_size=32, max_length=10, num_negatives=1)
    batch = batches.make(1, batches.users_of(1)[0])
    torchs = torch.optim.Adam(theirs.model.parameters(), 0.01, (0.9, 0.98), fused=False)
    for _ in range(3):
        gradients = [
            part_gradients(t, batch, batch.weight, Noise(0, 1, 1, 0, CPU))[1]
            for t in (mine, theirs)
        ]
        for parameter, gradient in zip(theirs.model.parameters(), gradients[1], strict=True):
            parameter.grad = gradient.clone()
        torchs.step()
        update_weights(mine, 0.0, [gradients[0]], 1, 1, 1.0)
    for (key, ours), other in zip(
        mine.model.named_parameters(), theirs.model.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, other, atol=2e-5, rtol=1e-4, msg=key)
