"""A training is saved as it goes on, and what it does not use is said."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.recording import StartedTraining, begin, recorded
from seqrec_cli.core.runs.run import create_run
from seqrec_cli.core.storage.tensors import load_tensors
from seqrec_cli.core.training.events import EpochDone, Refitted, Validated
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from tests.core.runs.conftest import EXPERIMENT
from tests.small_log import SMALL, run

pytestmark = pytest.mark.usefixtures("small_log")


def test_features_that_the_model_does_not_read_are_said() -> None:
    run("prepare", "log.csv", "--items-file", "items.csv", "--min-value-count", "1")
    said = run("train", "--config", "toy.yaml", *SMALL)
    assert "sasrec does not read the features of `log` (items' category)" in said
    assert "two_tower does: `--config two-tower`" in said
    assert "does not read" not in run("train", "--config", "two.yaml", *SMALL)


def test_without_features_nothing_is_said_of_them() -> None:
    run("prepare", "log.csv")
    assert "does not read" not in run("train", "--config", "toy.yaml", *SMALL)


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


def test_vectors_that_the_model_does_not_read_are_said_with_what_reads_them() -> None:
    ids = [f"i{n}" for n in range(9)]
    Path("v.csv").write_text("".join(f"{each},{n},1\n" for n, each in enumerate(ids)))
    run(
        "prepare",
        "log.csv",
        "--items-file",
        "items.csv",
        "--item-vectors",
        "v.csv",
        "--min-value-count",
        "1",
    )
    said = run("train", "--config", "toy.yaml", *SMALL)
    assert "sasrec does not read the vectors of the items of `log`" in said
    assert "does not read the features" in said
    assert "`--set model.item_vectors=added` makes it read them" in said
    added = run("train", "--config", "toy.yaml", *SMALL, "--set", "model.item_vectors=added")
    assert "does not read the vectors" not in added
    assert "does not read the features" in added
    towers = run("train", "--config", "two.yaml", *SMALL)
    assert "`--set model.history.item_vectors=added` makes it read them" in towers
    added = run(
        "train", "--config", "two.yaml", *SMALL, "--set", "model.history.item_vectors=added"
    )
    assert "does not read" not in added
