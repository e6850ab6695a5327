"""Settings that do not go together are refused with their line; old keys mean what they meant."""

import pytest

from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.core.experiment.sequential import Experiment, TrainingConfig
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.errors import ConfigError


def test_every_setting_can_be_set_and_is_written_out() -> None:
    complete = Experiment().to_yaml()
    for part, fields in (
        ("", Experiment.model_fields),
        ("model.", MODELS["sasrec"].settings_class.model_fields),
        ("training.", TrainingConfig.model_fields),
    ):
        for name in fields:
            assert f"{name}:" in complete
            if name not in ("model", "training"):
                value = Experiment().model_dump(mode="json")
                for step in [*part.rstrip(".").split("."), name] if part else [name]:
                    value = value[step]
                shown = "null" if value is None else str(value).replace("True", "true").lower()
                assert parse_experiment("", "x", [f"{part}{name}={shown}"]) == Experiment()


def training(*lines: str) -> str:
    return "\n  ".join(["training:", *lines]) + "\n"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            training("loss: bce", "label_smoothing: 0.1"),
            "line 3: setting `training.label_smoothing`: is a setting of `loss: softmax`, not of "
            "`loss: bce`",
            "use `loss: softmax`",
        ),
        (training("half_life: 9"), "line 2: setting `training.half_life`: is a setting of", ""),
        (training("logq: true"), "`loss: sampled_softmax`, not of `loss: bce`", ""),
        (training("gbce_t: 0.5"), "`loss: gbce`, not of `loss: bce`", "leave it out"),
        (training("score_elu: 0.5"), "is a setting of `loss: bpr` and `loss: bpr_max`", "`loss: b"),
        (training("loss: bpr_max", "score_elu: 0"), "line 3: setting `training.score_elu`", "ELU"),
        (training("loss: bpr_maxx"), "line 2: unknown loss `bpr_maxx`", "did you mean `bpr_max`?"),
        (training("loss: [bce]"), "line 2: unknown loss `['bce']`", "`bce`"),
        (training("loss: gbce", "gbce_tt: 1"), "line 3: unknown setting", "`training.gbce_t`"),
        (training("momentum: 0.3"), "line 2: setting `training.momentum`: is for", "adagrad"),
        (
            training("optimizer: adagrad", "weight_decay: 0.1"),
            "line 3: setting `training.weight_decay`: is for `optimizer: adam`",
            "leave it out",
        ),
        (
            training("negatives_per: history", "in_batch: true"),
            "line 3: setting `training.in_batch`: takes negatives from the targets of the batch",
            "negatives_per: batch",
        ),
        (
            training("negatives_per: batch", "in_batch: true", "popularity_power: 0.5"),
            "line 3: setting `training.in_batch`",
            "leave `popularity_power` out",
        ),
        (
            training("loss: softmax", "popularity_power: 0.5"),
            "line 3: setting `training.popularity_power`: is for sampled negatives, and "
            "`loss: softmax` has none",
            "sampled_softmax",
        ),
        (
            training("table_optimizer: adagrad", "l2_emb: 0.1"),
            "line 2: setting `training.table_optimizer`: adagrad updates the rows of a batch, and "
            "`l2_emb`",
            "table_optimizer: adam",
        ),
        (training("loss: softmax", "table_optimiser: adagrad"), "line 3: setting", "adam"),
        (
            training("optimiser: sgd"),
            "line 2: setting `training.optimizer`",
            "optimizer of the weights",
        ),
        (
            training("optimiser: adam", "optimizer: adagrad"),
            "`optimiser` is the old name of `optimizer`",
            "",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_told_with_their_line(
    text: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_what_does_not_go_together_is_told_of_an_override_too() -> None:
    with pytest.raises(ConfigError, match=r"`--set training\.momentum=0\.3`: setting"):
        parse_experiment("training: {lr: 0.1}", "x.yaml", ["training.momentum=0.3"])
    with pytest.raises(ConfigError, match=r"`--set training\.half_life=3`: setting"):
        parse_experiment("training: {lr: 0.1}", "x.yaml", ["training.half_life=3"])


OLD = """\
model: {name: two_tower, normalise: false}
training:
  optimiser: adagrad
  momentum: 0.2
  table_optimiser: null
  loss: bpr_max
  label_smoothing: 0.0
  half_life: null
  logq: false
  gbce_t: 0.5
  score_elu: 0.5
  bpr_max_regularisation: 2.0
"""


def test_the_experiment_of_an_older_run_means_the_same() -> None:
    """It has the old keys, and the settings of all losses: unused ones meant nothing."""
    old = parse_experiment(OLD, "x")
    new = OLD.replace("normalise", "normalize").replace("optimiser", "optimizer")
    new = new.replace("regularisation", "regularization").replace("  gbce_t: 0.5\n", "")
    assert old == parse_experiment(new, "x")
    assert old.training.optimizer == "adagrad"
    assert old.training.loss.bpr_max_regularization == 2
    assert (old.training.loss.score_elu, old.model.normalize) == (0.5, False)
    written = old.to_yaml()
    assert parse_experiment(written, "again") == old
    for key in ("optimiser", "normalise", "regularisation", "gbce_t", "half_life"):
        assert key not in written


def test_a_history_without_a_name_is_the_default_one() -> None:
    text = "model: {name: two_tower, history: {hidden: 7}}"
    model = parse_experiment(text, "x.yaml").model
    assert model.name == "two_tower"
    assert model.history.name == "gru4rec"
    assert parse_experiment("model: {name: two_tower}", "x.yaml").model.history.name == "gru4rec"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["sampler: populr"], "must be one of uniform, popularity"),
        (["sampler: uniform", "popularity_power: 0.5"], "is for `sampler: popularity`"),
        (["loss: softmax", "sampler: uniform"], "`loss: softmax` has none"),
        (["negatives_per: batch", "in_batch: true", "sampler: uniform"], "a whole batch shares"),
    ],
)
def test_a_sampler_that_has_no_use_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_experiment(training(*lines), "x.yaml")


def test_a_sampler_is_named_or_follows_from_the_power() -> None:
    for lines in (["sampler: popularity", "popularity_power: 0.5"], ["sampler: uniform"], []):
        experiment = parse_experiment(training("loss: bce", *lines), "x.yaml")
        assert parse_experiment(experiment.to_yaml(), "again") == experiment
