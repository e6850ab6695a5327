"""A training is saved as it goes on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.runs.beginning import StartedTraining, begin
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.recording import recorded
from seqrec_cli.core.runs.run import create_run
from seqrec_cli.core.storage.tensors import load_tensors
from seqrec_cli.core.training.events import EpochDone, Refitted, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.core.runs.conftest import EXPERIMENT

pytestmark = pytest.mark.usefixtures("small_log")


def test_each_validation_is_kept_with_the_best_weights_and_the_last(
    cycle: SequenceDataset, cycle_npz: Path, tmp_path: Path
) -> None:
    experiment = Experiment.model_validate(
        {
            "data": "toy",
            "model": {"hidden": 8, "max_length": 10},
            "training": {"epochs": 4, "validate_every": 2},
        }
    )
    started = begin(experiment, cycle_npz, torch.device("cpu"))
    assert started.dataset.test is None
    run = create_run(tmp_path / "run", started.experiment, started.dataset, cycle_npz, "cpu")
    validations: list[Validated] = []
    for event in recorded(run, started):
        if isinstance(event, Validated):
            validations.append(event)
            lines = run.history.read()
            assert [line["epoch"] for line in lines] == [seen.epoch for seen in validations]
            assert lines[-1]["ndcg@10"] == event.metrics["ndcg@10"]
            _, counters = load_tensors(run.checkpoints.last)
            assert counters["epoch"] == event.epoch
    assert [event.epoch for event in validations] == [2, 4]
    best = max(validations, key=lambda event: event.metrics["ndcg@10"])
    _, facts = load_tensors(run.checkpoints.best)
    assert facts["epoch"] == best.epoch


def test_the_last_fit_is_the_recipe_on_train_and_valid(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = EXPERIMENT.model_dump() | {"linear": {"weight": "auto", "decays": [0.5]}}
    content["training"] |= {"final": True, "epochs": 2, "validate_every": 1}
    experiment = Experiment.model_validate(content)
    cpu, data = torch.device("cpu"), cycle.without_test()
    training = Training(experiment, 50, cpu)
    begun = create_run(Path("runs/one"), experiment, cycle, Path("data/toy.npz"), "cpu")
    events = list(recorded(begun, StartedTraining(data, training, fit(training, data))))
    assert isinstance(events[-1], Refitted)
    facts = begun.checkpoints.best_facts()
    # The same by hand: a dataset whose train part is both, trained for as many epochs.
    assert cycle.test is not None
    both = replace(data, train=cycle.train.followed_by(cycle.valid), valid=cycle.test)
    again = Training(experiment, 50, cpu)
    for event in fit(again, both):
        if isinstance(event, EpochDone) and event.epoch == facts["epoch"]:
            break
    scorer = load_scorer(begun, cpu)
    again_scorer = ModelScorer(again.model, 50, cpu, again.joined)
    for joined in again.joined:
        joined.weight = facts["weights"][joined.name]
    histories = cycle.histories(before="test")
    torch.testing.assert_close(scorer.score(histories), again_scorer.score(histories))
    best = load_scorer(begun, cpu, final=False)
    assert evaluate(best, cycle, "valid").means() == pytest.approx(facts["metrics"])
