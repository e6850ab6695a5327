"""Models fitted without gradients: tries, what is kept, how it goes on, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.devices import WorkerPool
from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.models.fitted import fit_whole
from seqrec_cli.core.runs.listing import list_runs
from seqrec_cli.core.runs.loading import load_scorer
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.storage.tensors import save_tensors
from seqrec_cli.core.training.events import Validated
from seqrec_cli.core.training.fitted import Fitting, fit
from seqrec_cli.errors import ConfigError, RunError

CONFIG = """\
data: toy
model: {name: linear, decays: [0.5]}
training:
  grid: {ridge: [1.0e+6, 1], decays: [[0.5], [0.3, 0.9]]}
"""


@pytest.fixture
def place(cycle_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for file in (cycle_npz, cycle_npz.with_suffix(".json")):
        (tmp_path / "data" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "linear.yaml").write_text(CONFIG)
    return tmp_path


def experiment(*overrides: str) -> FittedExperiment:
    found = parse_experiment(CONFIG, "linear.yaml", overrides)
    assert isinstance(found, FittedExperiment)
    return found


def invoke(runner: CliRunner, *arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.stdout + result.stderr


def test_learns_the_cycle(cycle: SequenceDataset) -> None:
    fitting = Fitting(experiment("training.grid={}"), cycle)
    (validated,) = (e for e in fit(fitting, cycle.without_test()) if isinstance(e, Validated))
    assert validated.metrics["hr@10"] > 0.9
    assert evaluate(fitting.model, cycle, "test").means()["hr@10"] > 0.9
    with pytest.raises(ValueError, match="must not be given the test part"):
        next(fit(fitting, cycle))


def test_every_combination_is_tried_and_the_best_comes_back(
    runner: CliRunner, place: Path, cycle: SequenceDataset
) -> None:
    text = invoke(runner, "train", "--config", "linear.yaml")
    assert "fitting takes 1 MB of memory" in text
    run = Run.open(place / "runs" / "toy-linear-1")
    lines = run.history.read()
    remarks = [line["remark"] for line in lines]
    assert remarks[0] == "ridge 1e+06, decays 0.5"
    assert remarks[3] == "ridge 1, decays 0.3/0.9"
    assert not any("loss" in line for line in lines)
    best = max(lines, key=lambda line: line["ndcg@10"])
    scorer = load_scorer(run, torch.device("cpu"))
    assert evaluate(scorer, cycle, "valid").means()["ndcg@10"] == best["ndcg@10"]
    assert best["remark"].startswith("ridge 1,")
    before = (run.path / "best.safetensors").read_bytes()
    invoke(runner, "train", "--config", "linear.yaml", "--run", "again")
    assert (place / "runs" / "again" / "best.safetensors").read_bytes() == before


def test_goes_on_after_the_tries_that_are_done(runner: CliRunner, place: Path) -> None:
    invoke(runner, "train", "--config", "linear.yaml", "--run", "whole")
    invoke(runner, "train", "--config", "linear.yaml", "--run", "cut")
    cut = Run.open(place / "runs" / "cut")
    whole = Run.open(place / "runs" / "whole")
    tensors, counters, _ = cut.checkpoints.load_last()
    assert tensors == {}
    # As it was after two tries.
    first = whole.history.read()[:2]
    scores = [line["ndcg@10"] for line in first]
    best = {"best": max(scores), "best_epoch": 1 + scores.index(max(scores))}
    counters |= {"epoch": 2, "validated": 2, "worse": 0} | best
    save_tensors(cut.checkpoints.last, {}, counters)
    tensors, facts = cut.checkpoints.load_best_weights()
    facts |= {"epoch": best["best_epoch"], "metrics": first[best["best_epoch"] - 1]}
    save_tensors(cut.checkpoints.best, tensors, facts)
    text = invoke(runner, "train", "--resume", "cut")
    assert "after epoch 2" in text
    done = [(line["epoch"], line["ndcg@10"]) for line in cut.history.read()]
    assert done == [(line["epoch"], line["ndcg@10"]) for line in whole.history.read()]
    now, then = (run.checkpoints.load_best_weights()[0]["weights"] for run in (cut, whole))
    assert torch.equal(now, then)
    invoke(runner, "train", "--resume", "cut", "--set", "training.metric=hr@10", code=1)


def test_evaluates_recommends_and_says_why(runner: CliRunner, place: Path) -> None:
    invoke(runner, "train", "--config", "linear.yaml")
    figures = json.loads(invoke(runner, "evaluate", "--json", "--k", "10"))
    assert "toy-linear-1" in json.dumps(figures)
    text = invoke(runner, "recommend", "--history", "1004 1005 1006", "--topk", "2", "--why")
    assert "1006" in text.split("1007", 1)[1]
    refused = invoke(runner, "embed", "--items", "--output", "x.npz", code=1)
    assert "has no vectors of users and items" in refused
    refused = invoke(runner, "recommend", "--history", "1004", "--index", "hnsw", code=1)
    assert "use `--index exact`" in refused


def test_counts_are_a_model_too(runner: CliRunner, place: Path, cycle: SequenceDataset) -> None:
    config = "data: toy\nmodel: {name: transitions}\ntraining: {grid: {lags: [1, 2]}}\n"
    (place / "counts.yaml").write_text(config)
    invoke(runner, "train", "--config", "counts.yaml")
    scorer = load_scorer(Run.open(place / "runs" / "toy-transitions-1"), torch.device("cpu"))
    assert evaluate(scorer, cycle, "test").means()["hr@10"] > 0.9


def test_a_try_that_is_too_large_is_left_out_or_refused(cycle: SequenceDataset) -> None:
    small = 3 * 51**2 * 4 / 2**30  # GB, more than one scale takes and less than two
    fitting = Fitting(experiment(f"training.gigabytes={small}"), cycle)
    assert [len(settings.decays) for settings in fitting.tries] == [1, 1]  # type: ignore[attr-defined]
    assert len(fitting.left_out) == 2
    with pytest.raises(ConfigError, match="needs 1 MB for 50 items"):
        Fitting(experiment("training.gigabytes=1e-9"), cycle)


def test_weights_of_another_experiment_are_refused(runner: CliRunner, place: Path) -> None:
    invoke(runner, "train", "--config", "linear.yaml")
    run = Run.open(place / "runs" / "toy-linear-1")
    other = Run.open(place / "runs" / "toy-linear-1")
    other.save_experiment(parse_experiment("model: {name: transitions}", "x"))
    with pytest.raises(RunError, match="does not belong to the experiment beside it"):
        load_scorer(run, torch.device("cpu"))


def test_a_last_fit_learns_the_valid_part_too_and_its_figures_say_so(
    runner: CliRunner, place: Path, cycle: SequenceDataset
) -> None:
    final = ("--set", "training.final=true")
    text = invoke(runner, "train", "--config", "linear.yaml", "--run", "one", *final)
    assert "refitted on train + valid (try" in text
    run, cpu = Run.open(place / "runs" / "one"), torch.device("cpu")
    settings = run.checkpoints.best_facts()["settings"]
    experiment = FittedExperiment.model_validate({"model": settings})
    whole = cycle.train.followed_by(cycle.valid)
    expected = fit_whole("linear", whole, 50, experiment.model, WorkerPool(cpu))
    assert torch.equal(load_scorer(run, cpu).weights, expected.weights)  # type: ignore[attr-defined]
    best = load_scorer(run, cpu, final=False)
    assert not torch.equal(best.weights, expected.weights)  # type: ignore[attr-defined]
    name = "one (refitted on train + valid)"
    quick = "--k", "10", "--no-baselines", "--json"
    test = json.loads(runner.invoke(app, ["evaluate", "one", *quick]).stdout)
    valid = json.loads(runner.invoke(app, ["evaluate", "one", *quick, "--split", "valid"]).stdout)
    assert name in json.dumps(test)
    assert name not in json.dumps(valid)
    expected_metrics = evaluate(best, cycle, "valid", ks=[10]).means()
    assert json.dumps(expected_metrics["ndcg@10"]) in json.dumps(valid)
    before = run.checkpoints.final.read_bytes()
    invoke(runner, "train", "--resume", "one")  # there is nothing left to do
    assert run.checkpoints.final.read_bytes() == before
    facts = run.checkpoints.best_facts()
    save_tensors(run.checkpoints.best, best.state_dict(), facts | {"epoch": 1})  # type: ignore[attr-defined]
    assert not run.checkpoints.has_final()  # other best weights: it is not theirs


def test_times_are_read_where_they_are_asked_for_and_figures_say_so(
    runner: CliRunner, place: Path
) -> None:
    random = np.random.default_rng(0)
    lines = ["user,item,time"]
    for user in range(60):
        start, hour = random.integers(20), random.integers(900)
        for step in range(12):
            hour += 1 if step % 4 else 50  # a session has four items
            lines.append(f"{user},{(start + step) % 20},{1_600_000_000 + 3600 * hour}")
    (place / "log.csv").write_text("\n".join(lines) + "\n")
    invoke(runner, "prepare", "log.csv", "--min-item-count", "1", "--min-user-count", "1")
    timed = ("--set", "model.time=true", "--set", "training.grid={session_minutes: [120, 540]}")
    text = invoke(runner, "train", "--config", "linear.yaml", "--data", "log", "--run", "a", *timed)
    assert "session_minutes 540" in text
    assert "its figures are called `with times`" in text
    assert [row["model"] for row in list_runs(place / "runs")] == ["linear (with times)"]
    quick = ("evaluate", "a", "--k", "10", "--no-baselines", "--json")
    for part in ("valid", "test"):
        found = json.loads(runner.invoke(app, [*quick, "--split", part]).stdout)
        assert list(found["figures"]) == ["a (with times)"]
        assert found["figures"]["a (with times)"]["hr@10"]["mean"] > 0.9
    for who in (("--user", "3"), ("--history", "4,5,6")):
        assert "influence" in invoke(runner, "recommend", "--run", "a", *who, "--why", "--json")
    text = invoke(runner, "train", "--config", "linear.yaml", *timed[:2], code=1)
    assert "the dataset `toy` has no times" in text
    assert "leave out `time: true`" in text
    assert not (place / "runs" / "toy-linear-1").exists()
