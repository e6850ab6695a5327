"""The search that is kept: a function of its seed, and whole after any interruption."""

import json
from pathlib import Path

import pytest

from seqrec_cli.core.runs.trials import SearchLimits, run_search
from seqrec_cli.core.runs.tuning import opened
from seqrec_cli.core.training.events import EpochDone
from seqrec_cli.errors import RunError
from tests.searches import plain, searched, toy_search
from tests.shop import said

pytest.importorskip("optuna")


def test_the_same_seed_tries_the_same_whether_interrupted_or_not(place: Path) -> None:
    whole = searched("a", 8)
    assert [trial.number for trial in whole] == list(range(1, 9))
    assert whole[0].changes == ("model.hidden=4", "training.lr=0.01", "model.dropout=0.2")
    searched("b", 3)
    search = toy_search()
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
