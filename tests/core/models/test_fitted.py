"""Models that learn without gradients: one way to fit them all, and what joins a network."""

import pytest
import torch
from pydantic import ValidationError

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.models.fitted import FITTED, JoinedSettings, fit_whole


@pytest.mark.parametrize("name", ["linear", "transitions"])
def test_a_fitted_model_is_the_same_bytes_again_and_restored(
    cycle: SequenceDataset, name: str
) -> None:
    settings = FittedExperiment.model_validate({"model": {"name": name}}).model
    workers = WorkerPool(torch.device("cpu"))
    first, second = (fit_whole(name, cycle.train, 50, settings, workers) for _ in range(2))
    restored = FITTED[name].restored(50, settings, first.state_dict())
    expected = first.score(cycle.histories())
    assert expected.shape == (cycle.num_users, 51)
    for other in (second, restored):
        assert torch.equal(other.score(cycle.histories()), expected)
    # Whoever walks a cycle goes on to the next item.
    newest = torch.tensor([int(history[-1]) for history in cycle.histories()])
    best = expected[:, 1:].argmax(dim=1) + 1
    assert (best == newest % 50 + 1).float().mean() > 0.9


@pytest.mark.parametrize(("weight", "expected"), [("auto", "auto"), (0, 0.0), ("2.5", 2.5)])
def test_weights_are_numbers_or_chosen(weight: object, expected: object) -> None:
    assert JoinedSettings.model_validate({"weight": weight}).weight == expected


@pytest.mark.parametrize("weight", [-1, 101, "none", [], float("nan")])
def test_what_is_no_weight_is_refused(weight: object) -> None:
    with pytest.raises(ValidationError, match="must be a number from 0 to 100, or auto"):
        JoinedSettings.model_validate({"weight": weight})
