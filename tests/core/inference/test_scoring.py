"""Scores are the same whatever the batches, and only numbers."""

import numpy as np
import pytest

from seqrec_cli.core.evaluation.sequential import evaluate
from seqrec_cli.errors import RunError
from tests.core.evaluation.tables import Table, random_dataset, random_table


@pytest.mark.parametrize("targets", [1, 3])
def test_batches_of_any_size_give_the_same(targets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqrec_cli.core.inference import scoring

    data, table = random_dataset(5, targets=targets), Table(random_table(5))
    whole = evaluate(table, data, "test", ks=[3]).per_user
    monkeypatch.setattr(scoring, "FEWEST_HISTORIES", 1)
    for size in (1, 64, 200):
        monkeypatch.setattr(scoring, "SCORE_BYTES", size)
        monkeypatch.setattr(scoring, "BATCH_SLOTS", size)
        for name, values in evaluate(table, data, "test", ks=[3]).per_user.items():
            np.testing.assert_array_equal(values, whole[name])


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error(wrong: float) -> None:
    table = random_table()
    table[:, 7] = wrong
    with pytest.raises(RunError, match="not finite"):
        evaluate(Table(table), random_dataset(1), "test")
