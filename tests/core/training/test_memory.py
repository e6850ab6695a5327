"""Trainings that change a whole large table are refused, or noted, with what to set."""

import re

import pytest

from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.storage import tensors
from seqrec_cli.core.training.memory import whole_table_note
from seqrec_cli.core.training.network import Training
from seqrec_cli.errors import ConfigError
from tests.core.training.small import CPU, experiment


def test_more_than_memory_is_refused_with_a_remedy_that_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items, size = 100_000, 4 * 16 * 100_000  # of the table
    monkeypatch.setattr(tensors, "total_memory", lambda: 2 * size)
    with pytest.raises(ConfigError, match="whose training takes 24 MiB of memory") as refusal:
        Training(experiment(), items, CPU)
    assert refusal.value.hint is not None
    (change,) = re.findall("`--set (.*)`", refusal.value.hint)
    settings = parse_experiment(experiment().to_yaml(), "x", [change])
    assert isinstance(settings, Experiment)
    assert Training(settings, items, CPU).optimizers["tables"].state()


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ({}, 0.9),
        ({"loss": "softmax"}, 2),
        ({"l2_emb": 0.1}, 2),
        ({"table_optimizer": "adagrad"}, 0.9),
    ],
)
def test_where_rows_alone_do_not_help_the_remedy_is_a_smaller_model(
    settings: dict[str, object], share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "total_memory", lambda: int(share * 4 * 16 * 100_000))
    with pytest.raises(ConfigError) as refusal:
        Training(experiment(**settings), 100_000, CPU)
    assert "model.hidden=16" in str(refusal.value.hint)


def test_a_dense_optimizer_of_a_large_table_is_noted() -> None:
    note = whole_table_note(experiment().training, 1_000_000)
    assert "adam changes all 1,000,000 rows of the item table in each step" in note
    assert "`--set training.table_optimizer=adagrad`" in note
    for settings in ({"loss": "softmax"}, {"l2_emb": 0.1}, {"table_optimizer": "adagrad"}):
        assert not whole_table_note(experiment(**settings).training, 1_000_000)
    assert not whole_table_note(experiment().training, 10_000)
