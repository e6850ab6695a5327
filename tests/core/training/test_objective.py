"""The objective of a batch, whatever the loss and however negatives are drawn."""

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.sequential import Batches, TrainBatch
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.training.events import Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.objective import batch_loss, items_after
from tests.core.training.small import CPU, experiment, run


@pytest.mark.parametrize("loss", ["bce", "gbce", "sampled_softmax", "softmax", "bpr", "bpr_max"])
@pytest.mark.parametrize("per", ["target", "history", "batch"])
def test_every_loss_learns_the_cycle(cycle: SequenceDataset, loss: str, per: str) -> None:
    epochs = 10
    if loss == "gbce":  # slow, most of all where a user's own items are negatives too
        epochs = 45 if per == "batch" else 20
    settings = {"epochs": epochs, "lr": 0.01, "loss": loss, "negatives": 8, "negatives_per": per}
    training = Training(experiment(**settings, validate_every=epochs), 50, CPU)
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
        "epochs": 12,
        "validate_every": 12,
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


@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_items_after_a_target_are_those_of_its_own_history(
    cycle: SequenceDataset, count: int
) -> None:
    batches = Batches(cycle.train, 50, seed=0, batch_size=9, max_length=12, num_negatives=0)
    users = batches.users_of(1)[0]
    batch = batches.make(1, users, batches.share(1, 1, users))
    found = items_after(batch, count)
    assert found is not None
    assert found.shape == (len(batch.targets), count)
    rows = batch.histories.rows
    for slot in range(len(rows)):
        rest = batch.targets[slot + 1 :][rows[slot + 1 :] == rows[slot]].tolist()
        assert found[slot].tolist() == (rest + [0] * count)[:count]
    assert items_after(batch, 0) is None


def test_targets_ahead_are_learnt(cycle: SequenceDataset) -> None:
    """In the cycle item i + 1 follows i: what is after next takes the second place."""
    settings = {"epochs": 10, "lr": 0.01, "loss": "softmax", "validate_every": 10}
    training = Training(experiment(**settings, targets_ahead=1), 50, CPU)
    run(training, cycle)
    top = ModelScorer(training.model, 50).score(Sequences.from_lists([[3, 4, 5]]))[0].topk(2)
    assert top.indices.tolist() == [6, 7]
