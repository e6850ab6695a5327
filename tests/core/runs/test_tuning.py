"""The search: a function of its seed, whole after any interruption, and blind to the test part."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.experiment.loading import AnyExperiment, load_experiment
from seqrec_cli.core.experiment.space import load_space
from seqrec_cli.core.runs.tuning import (
    STARTUP,
    SearchLimits,
    TrialEnded,
    TrialStarted,
    make_search,
    opened,
    run_search,
)
from seqrec_cli.core.training.events import EpochDone, StepDone
from seqrec_cli.errors import ConfigError, RunError
from tests.shop import said

pytest.importorskip("optuna")
SPACE = """\
model.hidden: [4, 8]
training.lr: {low: 0.001, high: 0.3, log: true}
model.dropout: {low: 0.0, high: 0.8}
"""


def loader(*more: str) -> Callable[[Sequence[str]], AnyExperiment]:
    return lambda changes: load_experiment(Path("toy.yaml"), [*more, *changes])


def searched(
    folder: str,
    trials: int,
    *more: str,
    space: str = SPACE,
    data: str = "data/toy.npz",
    **options: Any,
) -> list[TrialEnded]:
    """Search on, to so many trials; returns all of them."""
    Path("space.yaml").write_text(space)
    load = loader(*more)
    settings = {"seed": 0, "prune": True} | options
    search = make_search(
        load_space(Path("space.yaml"), load), load, Path(data), torch.device("cpu"), **settings
    )
    with opened(Path(folder), search) as tuning:
        for _ in run_search(tuning, SearchLimits(trials=trials)):
            pass
        return tuning.ended


def plain(trials: Sequence[TrialEnded]) -> list[TrialEnded]:
    """Trials without how long they took."""
    return [replace(trial, seconds=0.0) for trial in trials]


def test_the_same_seed_tries_the_same_whether_interrupted_or_not(place: Path) -> None:
    whole = searched("a", 8)
    assert [trial.number for trial in whole] == list(range(1, 9))
    assert whole[0].changes == ("model.hidden=4", "training.lr=0.01", "model.dropout=0.2")
    searched("b", 3)
    load = loader()
    search = make_search(
        load_space(Path("space.yaml"), load),
        load,
        Path("data/toy.npz"),
        torch.device("cpu"),
        seed=0,
        prune=True,
    )
    with opened(Path("b"), search) as tuning:  # killed in the midst of a trial
        for event in run_search(tuning, SearchLimits(trials=8)):
            if isinstance(event, EpochDone):
                break
    with Path("b/study.jsonl").open("ab") as file:
        file.write(b'{"op_code": 4, "wor')  # and of a line
    assert plain(searched("b", 8)) == plain(whole)
    assert plain(searched("c", 8, seed=1))[1:] != plain(whole)[1:]


def test_a_trial_is_the_training_of_its_settings(place: Path) -> None:
    trials = searched("a", 4)
    best = json.loads(Path("a/result.json").read_text())["best"]
    assert best["score"] == max(t.score for t in trials if t.outcome == "finished" and t.score)
    assert (best["number"], len(trials)) == (best["number"], 4)
    said("train", "--config", "a/best.yaml", "--run", "best", "--device", "cpu")
    lines = Path("runs/best/metrics.jsonl").read_text().splitlines()
    assert max(json.loads(line)["ndcg@10"] for line in lines) == best["value"]


def test_the_test_part_is_not_read(place: Path) -> None:
    data = SequenceDataset.load(Path("data/toy.npz"))
    assert data.test is not None
    others = Sequences.from_lists([[int(item) % 9 + 1 for item in row] for row in data.test])
    replace(data, test=others).save(Path("data/other.npz"))
    assert plain(searched("a", 3)) == plain(searched("b", 3, data="data/other.npz"))


def test_a_trial_that_is_worse_ends_early(place: Path) -> None:
    # With a learning rate of nearly nothing a trial stays what chance gives.
    space = "training.lr: [0.02, 0.000000001]\n"
    settings = ("training.lr=0.02", "training.epochs=6", "model.hidden=8")
    trials = searched("a", STARTUP + 9, *settings, space=space)
    pruned = [trial for trial in trials if trial.outcome == "pruned"]
    assert pruned
    assert all(trial.changes == ("training.lr=1e-09",) for trial in pruned)
    assert all(trial.number > STARTUP for trial in pruned)
    whole = searched("b", STARTUP + 9, *settings, space=space, prune=False)
    assert all(trial.outcome == "finished" for trial in whole)


def test_what_does_not_go_together_or_fails_counts_and_is_told(place: Path) -> None:
    trials = searched("a", 6, space="model.hidden: [4, 5]\nmodel.heads: [1, 2]\n")
    refused = [trial for trial in trials if trial.outcome == "refused"]
    assert all("multiple" in trial.remark for trial in refused)
    assert {trial.changes for trial in refused} <= {("model.hidden=5", "model.heads=2")}
    result = json.loads(Path("a/result.json").read_text())
    assert result["trials"] == 6
    assert result["finished"] + result["pruned"] + result["refused"] == 6


def test_time_that_is_over_leaves_the_trial_out(place: Path) -> None:
    Path("space.yaml").write_text(SPACE)
    load = loader("training.epochs=100000")
    search = make_search(
        load_space(Path("space.yaml"), load),
        load,
        Path("data/toy.npz"),
        torch.device("cpu"),
        seed=0,
        prune=True,
    )
    with opened(Path("a"), search) as tuning:
        events = list(run_search(tuning, SearchLimits(deadline=time.monotonic() + 0.5)))
        assert isinstance(events[0], TrialStarted)
        assert any(isinstance(event, StepDone) for event in events)
        last = events[-1]
        assert isinstance(last, TrialEnded)
        assert last.outcome == "unfinished"
        assert tuning.ended == []
        assert tuning.best is None


def test_another_search_is_not_gone_on_with(place: Path) -> None:
    searched("a", 1)
    with pytest.raises(RunError, match="another value of the seed of the search"):
        searched("a", 2, seed=1)
    with pytest.raises(RunError, match="another value of the space, pruning"):
        searched("a", 2, space="model.hidden: [4, 8]\n", prune=False)
    with pytest.raises(RunError, match="another value of the experiment"):
        searched("a", 2, "training.epochs=1")
    Path("a/study.jsonl").write_text('{"op_code": 99}\n' + "x" * 30 + "\n")
    with pytest.raises(RunError, match="is damaged"):
        searched("a", 2)


def test_a_search_that_would_read_the_test_part_is_refused(shop: Path) -> None:
    said("prepare", "shop.csv", "--task", "ranking", "--name", "rows", "--negatives", "4")
    Path("toy.yaml").write_text(
        "data: rows\nmodel: {name: logistic}\ntraining: {epochs: 1, validate_on: test}\n"
    )
    with pytest.raises(ConfigError, match="must not read"):
        searched("a", 1, space="training.lr: [0.01]\n", data="data/rows.npz")
    trials = searched(
        "a",
        2,
        "training.validate_on=held_out",
        space="training.lr: [0.01, 0.1]\n",
        data="data/rows.npz",
    )
    assert len(trials) == 2
