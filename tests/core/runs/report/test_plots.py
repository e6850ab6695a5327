"""Plots as data: what is drawn is what the tables beside them say."""

from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.runs.plotting import Curve, Panel
from seqrec_cli.core.runs.report.plots import (
    MOST_ROWS,
    Plot,
    Series,
    coverage_plot,
    learning_curves,
    score_plot,
    slice_plots,
)
from seqrec_cli.core.runs.report.study import Study


def test_learning_curves_mark_the_best() -> None:
    curve = Curve("a", (1, 2, 3), (0.1, 0.3, 0.2))
    (plot,) = learning_curves([Panel("validation ndcg@10", (curve,), (2,))])
    assert plot.series[0].marked == 1
    assert "best with 0.3000 at epoch 2" in plot.alt
    assert plot.table() == (
        ["epoch", "validation ndcg@10"],
        [["1", "0.1000"], ["2", "0.3000"], ["3", "0.2000"]],
    )


def test_scores_come_best_first_and_runs_stand_out(study: Study) -> None:
    plot = score_plot(study.report, ["one"])
    figures = study.report.figures
    means = [figures[name]["ndcg@10"].mean for name in plot.rows]
    assert means == sorted(means, reverse=True)
    trained, others = plot.series
    drawn = [plot.rows[at] for at, value in enumerate(trained.y) if value == value]
    assert drawn == ["one"]
    assert sum(value == value for value in others.y) == len(figures) - 1
    _, rows = plot.table()
    assert all(row[1] or row[2] for row in rows)


def test_slices_have_a_plot_each() -> None:
    rows = {"history 1–2 items": {"a": Figure(0.1, 0.0, 0.2), "b": Figure(0.3, 0.2, 0.4)}}
    (plot,) = slice_plots("ndcg@10", {"length of the history": rows})
    assert plot.table() == (
        ["users", "a", "b"],
        [["history 1–2 items", "0.1000 [0.0000, 0.2000]", "0.3000 [0.2000, 0.4000]"]],
    )
    assert "history 1–2 items: a 0.1000, b 0.3000" in plot.alt


def test_coverage_has_everybody(study: Study) -> None:
    plot = coverage_plot(study.report, ["one"])
    assert plot is not None
    figures = study.report.figures
    assert [s.name for s in plot.series if s.marked is not None] == ["one"]
    assert {(s.name, s.x[0], s.y[0]) for s in plot.series} == {
        (name, of["coverage@10"].mean, of["ndcg@10"].mean) for name, of in figures.items()
    }


def test_a_table_of_very_many_numbers_is_shortened_to_the_ends() -> None:
    series = Series("n", tuple(map(float, range(1000))), tuple(map(float, range(1000))))
    _, rows = Plot("p", "t", "a", "line", "x", "y", (series,)).table()
    assert len(rows) == MOST_ROWS
    assert (rows[0], rows[-1]) == (["0", "0"], ["999", "999"])
    dated = Plot("p", "t", "a", "bars", "date", "y", (Series("n", (0.0, 7.0), (3.0,)),), dates=True)
    assert dated.table() == (["date, from", "y"], [["1970-01-01", "3"]])
