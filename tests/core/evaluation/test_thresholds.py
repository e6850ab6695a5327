"""Figures that a run must reach: how they are typed, and which runs miss them."""

import pytest

from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.evaluation.thresholds import missed, parse_threshold
from seqrec_cli.errors import InputError

FIGURES = {
    "a": {"hr@10": Figure(0.5, 0.4, 0.6), "ndcg@10": Figure(0.25, 0.2, 0.3)},
    "b": {"hr@10": Figure(0.25, 0.2, 0.6), "ndcg@10": Figure(0.5, 0.4, 0.6)},
}


def test_a_threshold_is_a_metric_and_a_number() -> None:
    assert parse_threshold("ndcg@10=0.12") == ("ndcg@10", 0.12)
    assert parse_threshold(" hr@5 = 1e-2") == ("hr@5", 0.01)


@pytest.mark.parametrize(
    "text", ["ndcg@10", "=1", "ndcg@10=x", "ndcg@10=nan", "ndcg@10=inf", "ndcg@10=1_0", ""]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not METRIC=VALUE"):
        parse_threshold(text)


@pytest.mark.parametrize("metric", ["log_loss", "calibration_error", "popularity rank@10"])
def test_a_metric_whose_best_is_its_lowest_has_no_least_value(metric: str) -> None:
    with pytest.raises(InputError, match="higher is not better"):
        parse_threshold(f"{metric}=0.5")


def test_means_below_are_missed_and_those_at_it_are_not() -> None:
    asked = [("hr@10", 0.5), ("ndcg@10", 0.3)]
    assert missed(FIGURES, ["a", "b"], asked) == [
        "ndcg@10 of a is 0.2500, below 0.3",
        "hr@10 of b is 0.2500, below 0.5",
    ]
    assert missed(FIGURES, ["a"], asked[:1]) == []
    with pytest.raises(InputError, match="no figure `ndcg@11`") as refused:
        missed(FIGURES, ["a"], [("ndcg@11", 0.1)])
    assert "ndcg@10" in refused.value.hint
