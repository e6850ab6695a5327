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
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import create_run
from seqrec_cli.core.storage.arrays import load_arrays, save_arrays
from seqrec_cli.core.training.events import Validated
from seqrec_cli.core.training.sequential import Training, fit
from seqrec_cli.errors import DatasetError, RunError
from tests.core.models.conftest import features
from tests.core.runs.conftest import EXPERIMENT


def test_what_was_counted_comes_back_with_the_run(
    cycle: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = EXPERIMENT.model_copy(update={"transitions": TransitionsConfig(weight=0.5)})
    training = Training(experiment, 50, torch.device("cpu"))
    run = create_run(Path("runs/one"), experiment, cycle, Path("data/toy.npz"), "cpu")
    (validated,) = (e for e in fit(training, cycle.without_test()) if isinstance(e, Validated))
    run.checkpoints.save_best(training, validated.epoch, validated.metrics)
    scorer = load_scorer(run, torch.device("cpu"))
    assert evaluate(scorer, cycle, "valid").means() == pytest.approx(validated.metrics)
    alone = ModelScorer(training.model, 50).score(cycle.train)
    counted = Transitions(cycle.train, 50, TransitionsConfig()).score(cycle.train)
    torch.testing.assert_close(scorer.score(cycle.train), alone + 0.5 * counted)
    save_arrays(run.path / "transitions.npz", {"offsets": cycle.train.offsets})
    with pytest.raises(RunError, match="does not hold the counts of this run"):
        load_scorer(run, torch.device("cpu"))
    (run.path / "transitions.npz").unlink()
    with pytest.raises(DatasetError, match="there is no file"):
        load_scorer(run, torch.device("cpu"))


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
