"""A batch in parts is a batch: the same gradients, whatever the number of cores."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from seqrec_cli.core.batching import sequential as batching
from seqrec_cli.core.batching.sequential import Batches
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.training import distributed
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.steps import train_steps
from tests.core.training.small import CPU, experiment, run, same, sized


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
        {"loss": "softmax", "targets_ahead": 2},
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


def test_gradients_are_added_on_one_core(
    cycle: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's own threads wait in a loop: a step took a sixth more of the processor."""
    threads: list[int] = []
    add_all = distributed.add_all

    def noted(found: Any) -> Any:
        threads.append(torch.get_num_threads())
        return add_all(found)

    monkeypatch.setattr(distributed, "add_all", noted)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(Training(experiment(epochs=1), 50, CPU), cycle)
    finally:
        torch.set_num_threads(before)
    assert threads
    assert set(threads) == {1}
