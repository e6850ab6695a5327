"""seqrec evaluate --reweigh: what joins a network, weighed by the protocol that is asked for."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from seqrec_cli.core.evaluation.weighing import WEIGHTS
from tests.commands.conftest import ask, run
from tests.commands.test_train import CONFIG

QUICK = ("evaluate", "joined", "--k", "10", "--no-baselines")
NAME = "joined (reweighed)"


@pytest.fixture
def place(untrained: Path, runner: CliRunner) -> Path:
    """A folder with a run that a linear model and counts join; the weight of these is given."""
    (untrained / "toy.yaml").write_text(CONFIG + "linear: {weight: auto}\ntransitions: {weight: 2}")
    run(runner, "train", "--config", "toy.yaml", "--run", "joined", "--set", "training.final=true")
    return untrained


def test_figures_of_other_weights_are_a_track_of_their_own(runner: CliRunner, place: Path) -> None:
    sampled = (*QUICK, "--protocol", "sampled", "--split", "valid")
    found = ask(runner, *sampled, "--reweigh")
    (name,) = found["figures"]
    assert name == NAME
    weights = found["joined_weights"][NAME]
    assert weights["transitions"] == 2
    assert weights["linear"] in WEIGHTS
    # By what chose them no weights are better, those of the training included.
    metric = "ndcg@10 (sampled 100)"
    plain = ask(runner, *sampled)
    before = plain["figures"]["joined"][metric]["mean"]
    assert found["figures"][NAME][metric]["mean"] >= before
    assert "joined_weights" not in plain
    said = run(runner, *sampled, "--reweigh")
    assert f"{NAME}: joined by " in said.stderr
    assert f"linear {weights['linear']:g}" in said.stderr
    both = ask(runner, *sampled, "--reweigh", "--prior", "popularity")
    assert list(both["figures"]) == ["joined (reweighed, popularity prior)"]


def test_a_last_fit_has_no_say_in_the_weights(runner: CliRunner, place: Path) -> None:
    """It has learnt by heart what is in the valid part, where nothing can be told beforehand."""
    random = np.random.default_rng(0)
    histories = [random.permutation(60)[:8] for _ in range(80)]
    rows = (
        f"{user},i{item},{n}\n" for user, own in enumerate(histories) for n, item in enumerate(own)
    )
    (place / "noise.csv").write_text("user,item,time\n" + "".join(rows))
    run(runner, "prepare", "noise.csv")
    by_heart = "linear: {weight: auto, ridge: 0.01, count_ridge: 0}\n"
    (place / "noise.yaml").write_text(CONFIG.replace("data: toy", "data: noise") + by_heart)
    final = ("--set", "training.final=true", "--epochs", "1")
    run(runner, "train", "--config", "noise.yaml", "--run", "noise", *final)
    quick = ("evaluate", "noise", "--k", "10", "--no-baselines", "--reweigh")
    for more in ((), ("--prior", "popularity")):
        valid = ask(runner, *quick, "--split", "valid", *more)
        test = ask(runner, *quick, *more)
        (name,) = test["figures"]
        assert "refitted on train + valid, reweighed" in name
        (before,), (after,) = (each["joined_weights"].values() for each in (valid, test))
        assert before == after
        if more:
            (before,), (after,) = (e["rules"]["prior_weights"].values() for e in (valid, test))
            assert before == after


def test_without_weights_to_pick_there_is_nothing_to_weigh(runner: CliRunner, place: Path) -> None:
    for name, line in (("plain", ""), ("fixed", "linear: {weight: 1}")):
        (place / "other.yaml").write_text(CONFIG + line)
        run(runner, "train", "--config", "other.yaml", "--run", name, "--epochs", "1")
        said = run(runner, "evaluate", name, "--reweigh", code=1).stderr
        assert f"`{name}` has no weights that validation picks" in said
        assert "leave out --reweigh" in said
