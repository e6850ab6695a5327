"""The validation metric of an experiment is NAME@K."""

import pytest

from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.metrics import check_metric_at_k
from seqrec_cli.errors import ConfigError


@pytest.mark.parametrize("metric", ["ndcg@10", "hr@1", "mrr@10000"])
def test_a_metric_at_k_is_taken_as_it_is(metric: str) -> None:
    assert check_metric_at_k(metric) == metric


@pytest.mark.parametrize(
    "metric",
    ["speed", "speed@10", "ndcg", "ndcg@", "ndcg@0", "ndcg@-1", "ndcg@10001", "ndcg@\u0663"],
)
def test_what_is_no_metric_at_k_is_refused(metric: str) -> None:
    with pytest.raises(ValueError, match="must be NAME@K"):
        check_metric_at_k(metric)


def test_an_experiment_is_refused_with_it() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment("model: {name: linear}", "linear.yaml", ["training.metric=speed"])
    assert "must be NAME@K" in caught.value.message
