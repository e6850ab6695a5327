"""What is printed of comparisons: a table for each metric, or a matrix of more than two."""

import numpy as np
import pytest

from seqrec_cli.commands.reports.comparison import show_many, show_two
from seqrec_cli.core.evaluation.comparison import Difference
from seqrec_cli.core.evaluation.sequential import evaluate
from tests.core.evaluation.tables import Table, random_dataset, random_table


def test_each_metric_has_a_table_with_a_row_for_each_kind_of_users(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_two(
        [
            Difference("new", "old", "all users", 1200, "hr@10", 0.125, 0.1, 0.15, 0.0001),
            Difference("new", "old", "some", 7, "hr@10", -0.5, -0.75, -0.25, 0.04),
            Difference("new", "old", "all users", 1200, "ndcg@10", 0.25, 0.2, 0.3, 1.0),
        ]
    )
    captured = capsys.readouterr()
    assert "p by Holm, for 3 comparisons" in captured.err
    first, second = captured.out.split("ndcg@10: new minus old")
    assert "hr@10: new minus old" in first
    rows = [" ".join(line.split()) for line in first.splitlines()]
    assert "all users 1,200 +0.1250 [+0.1000, +0.1500] <0.001" in rows
    assert "some 7 -0.5000 [-0.7500, -0.2500] 0.040" in rows
    assert "1.000" in second


def test_many_runs_are_a_matrix_of_the_differences_of_their_means(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = random_dataset(0)
    outcomes = {
        name: evaluate(Table(random_table(seed)), data, "test", ks=[3])
        for seed, name in enumerate(("a", "b", "c"))
    }
    means = {name: float(np.mean(o.per_user["hr@3"])) for name, o in outcomes.items()}
    show_many(outcomes, ["hr@3"], {"x": ["a", "b"], "y": ["c"]}, 0)
    shown = capsys.readouterr().out
    assert f"{(means['a'] + means['b']) / 2 - means['c']:+.4f}" in shown
    show_many(outcomes, ["hr@3"], {"x": ["a", "b", "c"]}, 0)
    captured = capsys.readouterr()
    assert "differ in their seeds alone" in captured.err
    assert f"{sum(means.values()) / 3:.4f}" in captured.out
