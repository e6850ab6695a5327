"""Ordinary torch modules, with nn.Dropout and nn.BatchNorm1d, are trained as ours are."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import ModelScorer, item_vectors, user_vectors
from seqrec_cli.core.training.events import Event, StepDone, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.errors import TrainingError
from tests.core.models.ordinary import PLAIN, register

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def ordinary_models(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


@pytest.fixture(params=PLAIN)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def training_of(name: str, **settings: Any) -> Training:
    training = {"epochs": 3, "batch_size": 64, "validate_every": 1, "lr": 0.01} | settings
    content = {"seed": 3, "model": {"name": name}, "training": training}
    return Training(Experiment.model_validate(content), 50, CPU)


def run(training: Training, data: SequenceDataset) -> list[Event]:
    return list(fit(training, data.without_test()))


def same(a: Training, b: Training) -> bool:
    (tensors, counters), (others, other_counters) = a.state(), b.state()
    return counters == other_counters and all(
        torch.equal(tensors[name], others[name]) for name in tensors.keys() | others.keys()
    )


def test_learns_and_scores_the_same_each_time(name: str, cycle: SequenceDataset) -> None:
    training = training_of(name, epochs=25, validate_every=25, loss="softmax")
    run(training, cycle)
    assert training.model.training is False  # validation came last
    training.model.train()
    scorer = ModelScorer(training.model, 50)
    figures = [evaluate(scorer, cycle, "test").means() for _ in range(3)]
    assert figures[0] == figures[1] == figures[2]
    assert figures[0]["hr@10"] > 0.9
    training.model.train()
    for vectors in (item_vectors, lambda scorer: user_vectors(scorer, cycle, "test")[1]):
        first, second = vectors(ModelScorer(training.model, 50)), vectors(scorer)
        np.testing.assert_array_equal(first, second)


def test_a_validation_scores_as_an_evaluation_does(name: str, cycle: SequenceDataset) -> None:
    training = training_of(name, epochs=1)
    (validated,) = (event for event in run(training, cycle) if isinstance(event, Validated))
    found = evaluate(ModelScorer(training.model, 50), cycle, "valid").means()
    assert validated.metrics == found


@pytest.mark.parametrize("stop_after", [1, 3, 4, 5, 7])
def test_resuming_equals_going_on(name: str, cycle: SequenceDataset, stop_after: int) -> None:
    whole = training_of(name)
    events = run(whole, cycle)
    interrupted = training_of(name)
    stream = fit(interrupted, cycle.without_test())
    seen = [next(stream) for _ in range(stop_after)]
    # Whoever scores between two events leaves no trace.
    evaluate(ModelScorer(interrupted.model, 50), cycle, "valid")
    torch.rand(3)
    tensors, counters = interrupted.state()
    resumed = training_of(name)
    resumed.restore({key: tensor.clone() for key, tensor in tensors.items()}, dict(counters))
    assert seen + run(resumed, cycle) == events
    assert same(whole, resumed)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_no_bit(
    name: str, cycle: SequenceDataset, threads: int
) -> None:
    trainings = []
    for count in (2, threads):
        training = training_of(name)
        training.workers.count = count
        training.workers.pool = ThreadPoolExecutor(count)
        run(training, cycle)
        training.workers.pool.shutdown()
        trainings.append(training)
    assert same(*trainings)


def test_dropout_follows_from_the_seed_and_differs_by_step(cycle: SequenceDataset) -> None:
    first, second = training_of("transformer"), training_of("transformer")
    state = torch.random.get_rng_state()
    run(first, cycle)
    assert torch.equal(torch.random.get_rng_state(), state)  # of torch's own generator
    torch.manual_seed(99)
    run(second, cycle)
    assert same(first, second)
    still = training_of("transformer", epochs=2, lr=1e-20)
    losses = [event.loss for event in run(still, cycle) if isinstance(event, StepDone)]
    assert len(set(losses)) == len(losses)


def test_running_statistics_are_kept_and_a_failed_step_does_not_change_them(
    cycle: SequenceDataset,
) -> None:
    training = training_of("normalized", epochs=2)
    run(training, cycle)
    tensors, _ = training.state()
    assert tensors["model.norm.num_batches_tracked"] == 2 * 4  # each batch is computed whole
    assert tensors["model.norm.running_mean"].abs().max() > 0
    with torch.no_grad():
        training.model.outer[2].bias.fill_(torch.inf)
    training.counters.epoch = training.counters.validated = 1
    before = {name: tensor.clone() for name, tensor in training.tensors().items()}
    with pytest.raises(TrainingError, match=r"the loss became nan in epoch 2, step 1"):
        run(training, cycle)
    for name, tensor in training.tensors().items():
        assert torch.equal(tensor, before[name]), name


def test_parameters_that_are_frozen_or_unused_stay_as_they_are(cycle: SequenceDataset) -> None:
    training = training_of("normalized", epochs=1)
    run(training, cycle)
    assert training.model.scale.unique().tolist() == [0.5]
    assert training.model.unused.unique().tolist() == [1]
