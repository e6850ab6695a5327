"""Training learns order, resumes bit for bit, and cannot reach the test part."""

from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.core.training.events import EpochDone
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.conftest import leave_one_out
from tests.core.training.small import CPU, experiment, run, same, sized


@pytest.mark.parametrize("name", MODELS.ours)
def test_learns_the_cycle_far_above_chance(name: str, cycle: SequenceDataset) -> None:
    settings = experiment(epochs=20, lr=0.01, validate_every=20)
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


def test_bfloat16_learns_too(cycle: SequenceDataset) -> None:
    training = Training(
        experiment(epochs=12, lr=0.01, precision="bfloat16", validate_every=12), 50, CPU
    )
    run(training, cycle)
    assert evaluate(ModelScorer(training.model, 50), cycle, "test").means()["hr@10"] > 0.9


def test_the_settings_of_gru4recs_authors_learn_the_cycle(cycle: SequenceDataset) -> None:
    settings: dict[str, Any] = {"epochs": 20, "lr": 0.1, "optimizer": "adagrad", "momentum": 0.3}
    settings |= {"loss": "bpr_max", "score_elu": 0.5, "negatives": 32, "negatives_per": "batch"}
    settings["validate_every"] = 20
    trainings = [Training(experiment(**settings), 50, CPU) for _ in range(2)]
    run(trainings[0], cycle)
    assert evaluate(ModelScorer(trainings[0].model, 50), cycle, "test").means()["hr@10"] > 0.9
    trainings[1].restore(*trainings[0].state())
    assert same(*trainings)
