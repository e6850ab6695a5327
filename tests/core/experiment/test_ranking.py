"""An experiment whose model ranks is read, written and refused as others are."""

import pytest

from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.ranking import RankingExperiment
from seqrec_cli.core.models.ranking.registry import RANKERS
from seqrec_cli.errors import ConfigError


@pytest.mark.parametrize("name", RANKERS.ours)
def test_a_ranking_model_makes_a_ranking_experiment(name: str) -> None:
    experiment = parse_experiment(f"model: {{name: {name}}}\ntraining: {{lr: 1e-2}}\n", "x.yaml")
    assert isinstance(experiment, RankingExperiment)
    assert (experiment.model.name, experiment.training.lr) == (name, 0.01)
    assert parse_experiment(experiment.to_yaml(), "again") == experiment


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {metric: ndcg}", "line 2: setting `training.metric`"),
        ("training: {betas: [0.9, 1.0]}", "line 2: setting `training.betas`"),
        ("training: {validation_share: 1}", "line 2: setting `training.validation_share`"),
        ("training: {loss: bce}", "line 2: unknown setting `training.loss`"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(f"model: {{name: din}}\n{text}\n", "x.yaml")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("metric", "shown"),
    [("auc", ["auc", "log_loss"]), ("gauc", ["gauc", "auc", "log_loss"])],
)
def test_the_metric_that_picks_the_weights_is_shown_first(metric: str, shown: list[str]) -> None:
    text = f"model: {{name: din}}\ntraining: {{metric: {metric}}}\n"
    assert parse_experiment(text, "x.yaml").shown == shown
