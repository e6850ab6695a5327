"""Trials: ended early, refused, cut off; one after the other, or side by side by workers."""

import json
import signal
import time
from pathlib import Path

import pytest

from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.runs.search import TrialEnded, score_of
from seqrec_cli.core.runs.trials import SearchLimits, TrialStarted, run_search
from seqrec_cli.core.runs.tuning import STARTUP, opened
from seqrec_cli.core.training.events import StepDone
from tests.clusters import Cluster, command, said_by
from tests.searches import SPACE, searched, toy_search

pytest.importorskip("optuna")


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
    search = toy_search("training.epochs=100000")
    with opened(Path("a"), search) as tuning:
        events = list(run_search(tuning, SearchLimits(deadline=time.monotonic() + 0.5)))
        assert isinstance(events[0], TrialStarted)
        assert any(isinstance(event, StepDone) for event in events)
        last = events[-1]
        assert isinstance(last, TrialEnded)
        assert last.outcome == "unfinished"
        assert tuning.ended == []
        assert tuning.best is None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_ctrl_c_ends_workers_and_says_how_to_go_on(place: Path, cluster: Cluster) -> None:
    Path("space.yaml").write_text(SPACE)
    arguments = ["tune", "space.yaml", "--config", "toy.yaml", "--trials", "1000"]
    process = command([*arguments, "--engine", "ray", "--output", "by-ray"], cluster)
    while process.poll() is None and not list(cluster.workers(("search_on",))):
        time.sleep(0.02)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said = said_by(process, 128 + signal.SIGINT)
    assert "Traceback" not in said
    assert "the same command goes on" in said


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_workers_share_a_search_and_one_that_dies_leaves_its_trial_out(
    place: Path, cluster: Cluster
) -> None:
    Path("space.yaml").write_text(SPACE)
    arguments = ["tune", "space.yaml", "--config", "toy.yaml", "--trials", "6"]
    process = command([*arguments, "--engine", "ray", "--output", "by-ray"], cluster)
    killed = cluster.kill(process, ("search_on",), 1)
    said = said_by(process)
    assert len(killed) == 1
    result = json.loads(Path("by-ray/result.json").read_text())
    numbers = [trial["number"] for trial in result["all"]]
    assert len(set(numbers)) == len(numbers) == result["trials"] == 6
    assert len({tuple(trial["changes"]) for trial in result["all"]}) == 6
    assert "done: the best settings are in `by-ray/best.yaml`" in said
    # One process goes on with it, in numbers that nobody has.
    more = searched("by-ray", 8)
    assert len({trial.number for trial in more}) == len(more) == 8
    best = max((trial for trial in more if trial.outcome == "finished"), key=score_of)
    alone = load_experiment(Path("toy.yaml"), best.changes)
    assert alone.to_yaml() in Path("by-ray/best.yaml").read_text()
