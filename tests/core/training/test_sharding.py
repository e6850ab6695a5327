"""Tables whose rows several workers share become those of one process, to the bit."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.models.shards import Shard
from seqrec_cli.core.storage.tensors import digest
from seqrec_cli.core.training.distributed import Team
from seqrec_cli.core.training.events import Event, Validated
from seqrec_cli.core.training.network import Training, make_batches
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.core.training.steps import train_steps
from tests.core.training.small import experiment
from tests.core.training.test_distributed import eval_list
from tests.core.training.workers import CPU, small_parts, together

__all__ = ["small_parts"]  # a fixture

ITEMS = 50
SETTINGS: dict[str, dict[str, Any]] = {
    "a target's": {"negatives": 3},
    "a history's": {"negatives_per": "history", "loss": "sampled_softmax", "logq": True},
    "a batch's": {"negatives_per": "batch", "loss": "sampled_softmax", "negatives": 20},
    "gbce": {"loss": "gbce", "negatives": 4},
}


def steps(team: Team, data: SequenceDataset, settings: dict[str, Any], *, shared: bool) -> str:
    """The digest of all weights and states after an epoch of training."""
    rows = Shard(team.rank, team.size) if shared else None
    made = experiment(**settings, table_optimizer="adagrad")
    training = Training(made, ITEMS, CPU, shard=rows)
    training.team = team
    losses = list(train_steps(training, make_batches(training, data.without_test()), 1, 0))
    tensors = training.whole(training.tensors())
    return f"{losses} {digest(tensors, '')}"


def whole_training(
    team: Team, data: SequenceDataset, settings: dict[str, Any], *, shared: bool
) -> tuple[str, list[Event]]:
    """The digest after epochs and validations, and all events."""
    rows = Shard(team.rank, team.size) if shared else None
    training = Training(experiment(**settings, table_optimizer="adagrad"), ITEMS, CPU, shard=rows)
    training.team = team
    events = list(fit(training, data.without_test()))
    return digest(training.whole(training.tensors()), str(training.counters)), events


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("seen", ["exclude", "include"])
def test_so_does_all_that_a_training_says(
    seen: str, size: int, cycle: SequenceDataset, tmp_path: Path
) -> None:
    settings = {"epochs": 2, "validate_every": "3 steps", "seen": seen}
    alone = whole_training(Team(), cycle, settings, shared=False)
    assert any(isinstance(event, Validated) for event in alone[1])
    assert whole_training(Team(), cycle, settings, shared=True) == alone
    found = together(size, partial(whole_training, shared=True), tmp_path, cycle, settings)
    assert found[0] == repr(alone)
    # Only the first has brought the rows together.
    assert found[1].partition(", ")[2] == repr(alone).partition(", ")[2]


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", SETTINGS)
def test_shared_rows_become_those_of_one_process(
    name: str, size: int, cycle: SequenceDataset, tmp_path: Path
) -> None:
    alone = steps(Team(), cycle, SETTINGS[name], shared=False)
    assert steps(Team(), cycle, SETTINGS[name], shared=True) == alone
    found = together(size, partial(steps, shared=True), tmp_path, cycle, SETTINGS[name])
    assert found[0] == repr(alone)


def test_a_worker_has_its_rows_alone() -> None:
    training = Training(experiment(table_optimizer="adagrad"), ITEMS, CPU, shard=Shard(2, 4))
    tensors = training.tensors()
    for name in ("model.items.weight", "optimiser.tables.items.weight.sums"):
        assert len(tensors[name]) == 13  # of 51: 2, 6, ..., 50
    sizes = [tensor.shape[0] for tensor in tensors.values() if tensor.dim()]
    assert ITEMS + 1 not in sizes
    whole = training.whole(tensors)["model.items.weight"]
    assert (whole.shape, whole.nbytes) == ((51, 16), 51 * 16 * 4)


def loss(team: Team, data: SequenceDataset, settings: dict[str, Any]) -> list[float]:
    events = whole_training(team, data, settings, shared=True)[1]
    return [event.loss for event in events if isinstance(event, Validated)]


def test_added_at_once_they_differ_by_rounding(cycle: SequenceDataset, tmp_path: Path) -> None:
    settings = {"epochs": 1, "negatives": 3}
    alone = loss(Team(), cycle, settings)
    found = together(2, loss, tmp_path, cycle, settings, exact=False)
    assert found[0] == found[1]
    assert eval_list(found[0]) == pytest.approx(alone, rel=1e-5)
