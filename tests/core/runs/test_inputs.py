"""What a model reads beside histories is kept in its run, and checked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.transitions import Transitions, TransitionsConfig
from seqrec_cli.core.runs.beginning import StartedTraining
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.recording import recorded
from seqrec_cli.core.runs.run import create_run
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.storage.tensors import save_tensors
from seqrec_cli.core.training.events import Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.errors import RunError
from tests.core.models.conftest import features
from tests.core.runs.conftest import EXPERIMENT


def test_what_was_counted_comes_back_with_the_run(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = EXPERIMENT.model_copy(update={"transitions": TransitionsConfig(weight=0.5)})
    training = Training(experiment, 50, torch.device("cpu"))
    run = create_run(Path("runs/one"), experiment, cycle, Path("data/toy.npz"), "cpu")
    begun = StartedTraining(cycle, training, fit(training, cycle.without_test()))
    (validated,) = (e for e in recorded(run, begun) if isinstance(e, Validated))
    scorer = load_scorer(run, torch.device("cpu"))
    assert evaluate(scorer, cycle, "valid").means() == pytest.approx(validated.metrics)
    alone = ModelScorer(training.model, 50).score(cycle.train)
    counted = Transitions(cycle.train, 50, TransitionsConfig()).score(cycle.train)
    torch.testing.assert_close(scorer.score(cycle.train), alone + 0.5 * counted)
    kept = run.path / "joined-transitions.safetensors"
    save_tensors(kept, {"offsets": torch.from_numpy(cycle.train.offsets)}, {})
    with pytest.raises(RunError, match="does not belong to this run"):
        load_scorer(run, torch.device("cpu"))
    kept.unlink()
    with pytest.raises(RunError, match="there is no checkpoint"):
        load_scorer(run, torch.device("cpu"))
    # As older versions kept it.
    arrays = {"offsets": cycle.train.offsets, "items": cycle.train.items}
    save_arrays(run.path / "transitions.npz", arrays)
    again = load_scorer(run, torch.device("cpu"))
    torch.testing.assert_close(again.score(cycle.train), scorer.score(cycle.train))


def test_two_towers_come_back_with_what_they_were_told(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = features(50)
    data = replace(cycle, item_features=told.items, encoders=told.encoders.side("item"))
    model = {"name": "two_tower", "history": {"hidden": 8, "max_length": 10}, "output": 8}
    experiment = Experiment.model_validate({"model": model, "training": {"loss": "softmax"}})
    training = Training(experiment, 50, torch.device("cpu"), data.features())
    run = create_run(Path("runs/one"), experiment, data, Path("data/toy.npz"), "cpu")
    run.checkpoints.save_best(training, 1, {})
    alone = ModelScorer(training.model, 50).score(data.train)
    torch.testing.assert_close(load_scorer(run, torch.device("cpu")).score(data.train), alone)
    arrays = load_arrays(run.path / "features.npz")
    save_arrays(run.path / "features.npz", arrays | {"trained": np.ones(49, np.bool_)})
    with pytest.raises(
        RunError, match="does not hold the features of this run: it is not about 50 items"
    ):
        load_scorer(run, torch.device("cpu"))
