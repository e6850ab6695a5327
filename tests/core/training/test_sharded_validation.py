"""Where workers share the item tables, ranks are those of one process."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import Seen
from seqrec_cli.core.models.shards import Shard
from seqrec_cli.core.training import sharded_validation, sharding
from seqrec_cli.core.training.distributed import Team
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import evaluate_valid, make_scorer
from seqrec_cli.core.training.sharded_validation import shared_ranks
from tests.core.training.small import CPU

MODELS: dict[str, dict[str, Any]] = {
    "tied": {"name": "sasrec", "hidden": 16, "max_length": 12, "blocks": 1},
    "two tables": {"name": "sasrec", "hidden": 16, "max_length": 12, "tied": False},
    "biases": {"name": "gru4rec", "hidden": 8, "max_length": 6, "item_bias": True, "units": 12},
}


def made(model: str, shard: Shard | None) -> Training:
    settings = {"seed": 5, "model": MODELS[model], "training": {"table_optimizer": "adagrad"}}
    return Training(Experiment.model_validate(settings), 50, CPU, shard=shard)


@pytest.mark.parametrize("seen", ["exclude", "include"])
@pytest.mark.parametrize("model", MODELS)
def test_ranks_are_those_by_the_whole_catalogue(
    model: str, seen: Seen, cycle: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several blocks of the table, rounds of histories, and passes.
    monkeypatch.setattr(sharding, "GATHERED_BYTES", 1024)
    monkeypatch.setattr(sharded_validation, "READ_AT_ONCE", 1)
    monkeypatch.setattr(sharded_validation, "FEWEST_HISTORIES", 8)
    monkeypatch.setattr(sharded_validation, "histories_at_once", lambda items: 8)
    monkeypatch.setattr(sharded_validation, "BATCHES_A_PASS", 3)
    whole, data = made(model, None), cycle.without_test()
    expected = evaluate_valid(whole.experiment, data, make_scorer(whole), seen)
    shared = made(model, Shard(0, 1))
    before = {name: tensor.clone() for name, tensor in shared.tensors().items()}
    found = evaluate_valid(
        shared.experiment,
        data,
        make_scorer(shared),
        seen,
        None,
        Team(),
        partial(shared_ranks, shared, seen=seen),
    )
    assert len(expected.users) > 24
    for name, values in expected.per_user.items():
        np.testing.assert_array_equal(found.per_user[name], values)
    assert (found.users == expected.users).all()
    # The tables have their own rows again.
    assert all(torch.equal(shared.tensors()[name], tensor) for name, tensor in before.items())
