"""What joins a network: fitted as by itself, and refused where memory cannot hold it."""

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import Joined
from seqrec_cli.core.models.fitted import fit_whole
from seqrec_cli.core.training import joining
from seqrec_cli.core.training.events import JoinedFitted, Joining
from seqrec_cli.errors import ConfigError

TEXT = "model: {name: sasrec}\ntransitions: {weight: auto}\nlinear: {weight: 0.5, decays: [0.5]}\n"


def experiment() -> Experiment:
    found = parse_experiment(TEXT, "x")
    assert isinstance(found, Experiment)
    return found


def test_each_is_fitted_with_its_weight(cycle: SequenceDataset) -> None:
    workers = WorkerPool(torch.device("cpu"))
    events = list(joining.join(experiment(), cycle, workers))
    joined = [event for event in events if isinstance(event, Joined)]
    assert [(each.name, each.weight, each.picked) for each in joined] == [
        ("transitions", 1.0, True),
        ("linear", 0.5, False),
    ]
    assert [e.model for e in events if isinstance(e, JoinedFitted)] == [j.scorer for j in joined]
    assert any(isinstance(event, Joining) for event in events)
    expected = fit_whole("linear", cycle.train, 50, experiment().linear, workers)
    assert torch.equal(joined[1].scorer.weights, expected.weights)  # type: ignore[attr-defined]


def test_what_memory_cannot_hold_is_refused(
    cycle: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    joining.check_joined(experiment(), cycle)
    size = 4 * 51**2 * 2  # X'X and X'Y of one scale
    monkeypatch.setattr(joining, "total_memory", lambda: size - 1)
    for left_out, name, hint in (
        ("transitions", "linear", "--set linear.items=5000"),
        ("linear", "transitions", "--set transitions=null"),
    ):
        one = experiment().model_copy(update={left_out: None})
        with pytest.raises(ConfigError, match=f"the {name} model that joins the") as refused:
            joining.check_joined(one, cycle)
        assert hint in refused.value.hint
        assert "for 50 items" in refused.value.message
