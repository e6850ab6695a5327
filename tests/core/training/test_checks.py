"""What cannot be trained is refused before anything is begun."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.training import checks
from seqrec_cli.core.training.checks import check_device
from seqrec_cli.core.training.network import Training
from seqrec_cli.core.training.sequential import fit
from seqrec_cli.errors import ConfigError, DatasetError
from tests.conftest import leave_one_out
from tests.core.training.small import CPU, experiment
from tests.shop import invoke


def test_says_when_there_is_nobody_to_train_on() -> None:
    lonely = leave_one_out([[1, 2, 3], [3, 2, 1]], 3)
    with pytest.raises(DatasetError, match="no user with two items in its train part"):
        next(fit(Training(experiment(), 3, CPU), lonely.without_test()))


def test_a_part_that_cannot_be_validated_on_is_refused_at_once() -> None:
    part = Sequences.from_lists
    data = SequenceDataset(
        "new", part([[1, 2, 3], []]), part([[], [1]]), None, np.arange(2), np.arange(3)
    )
    with pytest.raises(DatasetError, match="no user with a history and an item in its valid part"):
        next(fit(Training(experiment(), 3, CPU), data))


def test_half_precision_is_refused_where_the_device_cannot() -> None:
    check_device(experiment(precision="bfloat16"), CPU)
    with pytest.raises(ConfigError, match="does not work on mps"):
        check_device(experiment(precision="bfloat16"), torch.device("mps"))


TEXT = "model: {name: sasrec}\ntransitions: {weight: auto}\nlinear: {weight: 0.5, decays: [0.5]}\n"


def joined() -> Experiment:
    found = parse_experiment(TEXT, "x")
    assert isinstance(found, Experiment)
    return found


@pytest.mark.parametrize("told", ["", "--items-file items.csv --item-features price=dense"])
def test_what_is_alike_is_asked_of_categories_and_tags(shop: Path, told: str) -> None:
    assert invoke("prepare", "shop.csv", "--name", "bare", *told.split()).exit_code == 0
    for setting, config in (("linear", "toy.yaml"), ("model", "linear")):
        train = ("train", "--config", config, "--data", "bare", "--device", "cpu")
        result = invoke(*train, "--set", f"{setting}.alike=2")
        assert result.exit_code == 1
        assert f"`{setting}.alike: 2` reads categories and tags of items" in result.stderr
        assert "the dataset has none" in " ".join(result.stderr.split())


def test_what_memory_cannot_hold_is_refused(
    cycle: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks.check_joined(joined(), cycle)
    size = 4 * 51**2 * 2  # X'X and X'Y of one scale
    monkeypatch.setattr(checks, "total_memory", lambda: size - 1)
    for left_out, name, hint in (
        ("transitions", "linear", "--set linear.items=5000"),
        ("linear", "transitions", "--set transitions=null"),
    ):
        one = joined().model_copy(update={left_out: None})
        with pytest.raises(ConfigError, match=f"the {name} model that joins the") as refused:
            checks.check_joined(one, cycle)
        assert hint in refused.value.hint
        assert "for 50 items" in refused.value.message


def test_tables_are_shared_only_where_nothing_needs_all_their_rows() -> None:
    checks.check_shared_tables(experiment(table_optimizer="adagrad"))
    for settings, missing in (
        ({}, "`--set training.table_optimizer=adagrad`"),
        (
            {"l2_emb": 0.1, "final": True},
            "`--set training.l2_emb=0 --set training.table_optimizer=adagrad "
            "--set training.final=false`",
        ),
    ):
        with pytest.raises(ConfigError, match="nothing may read the whole table") as refusal:
            checks.check_shared_tables(experiment(**settings))
        assert refusal.value.hint == f"add {missing}"
    with pytest.raises(ConfigError) as refusal:
        checks.check_shared_tables(joined())
    assert "--set transitions=null --set linear=null" in str(refusal.value.hint)
