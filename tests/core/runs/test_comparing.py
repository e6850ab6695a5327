"""Runs that are compared have one dataset, one protocol and names of their own."""

from pathlib import Path

import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.runs.comparing import (
    labelled,
    load_runs,
    refuse_different_data,
    seed_groups,
    without_number,
)
from seqrec_cli.core.runs.loading import agreed_seen
from seqrec_cli.core.runs.run import Run, create_run
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import ConfigError, InputError
from tests.conftest import leave_one_out
from tests.core.runs.conftest import EXPERIMENT


def made(path: str, data: SequenceDataset, seen: str = "exclude", seed: int = 0) -> Run:
    """A run that has only begun."""
    training = EXPERIMENT.training.model_copy(update={"seen": seen})
    experiment = EXPERIMENT.model_copy(update={"training": training, "seed": seed})
    return create_run(Path(path), experiment, data, Path("data/toy.npz"), "cpu")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stored(data: SequenceDataset, name: str) -> SequenceDataset:
    data.save(Path(f"data/{name}.npz"))
    return SequenceDataset.load(Path(f"data/{name}.npz"))


def test_runs_are_loaded_with_their_dataset(cycle: SequenceDataset) -> None:
    run, data = made("runs/one", stored(cycle, "toy")), stored(cycle, "toy")
    training = Training(run.experiment(), 50, torch.device("cpu"))
    run.checkpoints.save_best(training, 1, {"ndcg@10": 0.5})
    compared = load_runs([run], None, Path("data"), torch.device("cpu"))
    assert list(compared.runs) == list(compared.scorers) == ["one"]
    assert compared.dataset.sha256 == data.sha256
    scorer = compared.scorers["one"]
    assert isinstance(scorer, ModelScorer)
    assert torch.equal(scorer.model.items.weight, training.model.items.weight)


def test_runs_of_one_name_go_by_their_paths(cycle: SequenceDataset) -> None:
    runs = [made("a/one", cycle), made("b/one", cycle), made("a/popularity", cycle)]
    assert list(labelled(runs)) == ["a/one", "b/one", "a/popularity"]
    with pytest.raises(InputError, match="named twice"):
        labelled([runs[0], Run(Path("a/../a/one"))])


def test_runs_of_different_datasets_are_refused(cycle: SequenceDataset) -> None:
    other = leave_one_out([[1, 2, 3, 4], [2, 3, 4, 1]], 4)
    runs = {"x": made("x", stored(cycle, "x")), "y": made("y", stored(other, "y"))}
    with pytest.raises(ConfigError, match="the runs x, y were trained on different datasets"):
        refuse_different_data(runs)
    refuse_different_data({"x": runs["x"]})


def test_seen_is_what_was_said_or_what_the_runs_agree_on(cycle: SequenceDataset) -> None:
    first, second = made("x", cycle), made("y", cycle, "include")
    assert agreed_seen([first], None) == "exclude"
    assert agreed_seen([first, second], "include") == "include"
    with pytest.raises(ConfigError, match="`x` was trained with `seen: exclude` and `y` with"):
        agreed_seen([first, second], None)


def test_runs_that_differ_in_their_seeds_are_a_group(cycle: SequenceDataset) -> None:
    runs = {f"a-seed{seed}": made(f"a-seed{seed}", cycle, seed=seed) for seed in (0, 1)}
    runs["b"] = made("b", cycle, "include")
    assert seed_groups(runs) == {"a": ["a-seed0", "a-seed1"], "b": ["b"]}


@pytest.mark.parametrize(
    ("name", "plain"),
    [("sasrec-3", "sasrec"), ("a_seed10", "a"), ("run2", "run"), ("7", "7"), ("x", "x")],
)
def test_the_number_at_the_end_of_a_name_goes(name: str, plain: str) -> None:
    assert without_number(name) == plain
