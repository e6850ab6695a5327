"""An experiment file is read strictly, and every mistake is told with its place."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.experiment.loading import load_experiment, parse_experiment
from seqrec_cli.core.experiment.sequential import Experiment, TrainingConfig
from seqrec_cli.core.models.sequential.registry import MODELS
from seqrec_cli.errors import ConfigError, SeqRecError

GOOD = """\
data: ml-1m
model:
  name: sasrec
  hidden: 64
training:
  lr: 1e-3
"""


def test_reads_settings_and_fills_in_defaults() -> None:
    experiment = parse_experiment(GOOD, "x.yaml")
    assert (experiment.model.hidden, experiment.training.lr) == (64, 0.001)
    assert experiment.training.betas == (0.9, 0.98)
    assert parse_experiment(experiment.to_yaml(), "again") == experiment
    assert parse_experiment("", "empty") == Experiment()


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


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            GOOD.replace("hidden", "hiden"),
            "`x.yaml`, line 4: unknown setting `model.hiden`",
            "did you mean `model.hidden`?",
        ),
        ("epochs: 5\n", "line 1: unknown setting `epochs`", "did you mean `training.epochs`?"),
        ("model:\n  maxlen: 5\n", "line 2: unknown setting `model.maxlen`", "model.max_length"),
        (
            GOOD.replace("64", "many"),
            "line 4: setting `model.hidden`: `many` is not a whole number",
            "hidden size",
        ),
        (
            GOOD.replace("64", "0"),
            "line 4: setting `model.hidden`: `0` is too small: it must be 1 or more",
            "hidden size",
        ),
        (
            "training: {schedule: linear}\n",
            "`training.schedule`: `linear` is not one of `constant` or `cosine`",
            "learning rate",
        ),
        (GOOD.replace("64", "no"), "`model.hidden`: must not be false", ""),
        (GOOD.replace("64", "3.5"), "line 4: setting `model.hidden`", ""),
        (GOOD.replace("1e-3", ".nan"), "line 6: setting `training.lr`", ""),
        (GOOD + "  lr: 2\n", "line 7: the key `lr` is there twice", "remove one"),
        (GOOD.replace("sasrec", "sasrek"), "line 3: unknown model `sasrek`", "`sasrec`"),
        ("model:\n  name: [a]\n", "line 2: unknown model `['a']`", "sasrec"),
        ("training:\n  metric: ndcg@99999999999999\n", "setting `training.metric`", ""),
        ("model:\n  heads: 3\n", "line 1: setting `model`: hidden (50) is not a multiple", ""),
        ("training:\n  metric: auc\n", "line 2: setting `training.metric`: must be NAME@K", ""),
        ("- a\n", "is not a list of settings", ""),
        ("model: [1]\n", "line 1: setting `model`: must be the settings of a model", ""),
        ("model: {name: gru4rec, hidden: -3}\n", "line 1: setting `model.hidden`", "item vectors"),
        ("model: {name: gru4rec, blocks: 2}\n", "unknown setting `model.blocks`", "layers"),
        ("model: {name: two_tower, history: {name: gru}}\n", "unknown model `gru`", "gru4rec"),
        (
            "model: {name: two_tower, history: {name: sasrec, blocs: 2}}\n",
            "unknown setting `model.history.blocs`",
            "`model.history.blocks`",
        ),
        (
            "model: {name: two_tower, history: {name: sasrec, blocks: -2}}\n",
            "setting `model.history.blocks`",
            "blocks of attention",
        ),
        (
            "model: {name: two_tower, history: {tied: false}}\n",
            "the towers compute the scores: `history` needs `tied: true`",
            "",
        ),
        ("transitions: 3\n", "line 1: setting `transitions`", "transition counts"),
        ("transitions:\n  lag: 3\n", "line 2: unknown setting", "`transitions.lags`"),
        (
            "transitions: {weight: heavy}\n",
            "line 1: setting `transitions.weight`",
            "log probabilities",
        ),
        ("data: 2024-01-01\n", "line 1: `2024-01-01` is not a plain value", ""),
        ("data: 'a\n", "line 2: not YAML", ""),
        ("data: !!python/object:os.system x\n", "line 1", ""),
        ("a: &a [*a]\n", "line 1", ""),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs=three", "`three` is not a whole number"),
        ("model.heads=3", "hidden (50) is not a multiple"),
        ("training.optimizer=adagrad", "`training.weight_decay`: is for `optimizer: adam`"),
        ("training.lr=0", "`0` is too small: it must be greater than 0"),
    ],
)
def test_an_override_is_to_blame_and_not_the_file(override: str, message: str) -> None:
    text = "model: {hidden: 50}\ntraining: {weight_decay: 0.1}\n"
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml", [override])
    assert message in caught.value.message
    assert caught.value.message.startswith(f"`--set {override}`: ")


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


def test_an_override_wins_by_either_spelling() -> None:
    for text in ("training: {optimiser: adagrad}", "training: {optimizer: adagrad}"):
        for key in ("optimiser", "optimizer"):
            changed = parse_experiment(text, "x", [f"training.{key}=adam"])
            assert changed.training.optimizer == "adam"


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("training.epoch=5", "unknown setting `training.epoch`", "did you mean `training.epochs`?"),
        ("training.epochs", "override `training.epochs` has no value", "--set KEY=VALUE"),
        ("training.epochs=", "has no value", "--set KEY=VALUE"),
        ("training.lr=fast", "`--set training.lr=fast`: setting `training.lr`", "learning rate"),
        ("data.x=1", "`data` has no settings inside", ""),
        ("training={epochs: 3", "`--set training={epochs: 3`, line 1: not YAML", ""),
        ("a.b.c.d.e=1", "unknown setting `a`", ""),
    ],
)
def test_a_bad_override_is_told(override: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(GOOD, "x.yaml", [override])
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_datasets_name_is_taken_as_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("data: a\n")
    for name in ("2024", "no", "1e5", "a: b #c"):
        assert load_experiment(tmp_path / "x.yaml", data=name).data == name


def test_overrides_win_over_the_file() -> None:
    changed = parse_experiment(GOOD, "x", ["model.hidden=32", "data=other", "training.patience=3"])
    assert (changed.model.hidden, changed.data, changed.training.patience) == (32, "other", 3)
    without = parse_experiment("transitions: null", "x", ["transitions.weight=2"])
    assert without.transitions is not None
    assert without.transitions.weight == 2
    assert parse_experiment("", "x", ["training.betas=[0.8, 0.9]"]).training.betas == (0.8, 0.9)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the experiment .*: No such file"):
        load_experiment(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"data: caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8 text, byte 9"):
        load_experiment(tmp_path / "latin.yaml")


@given(st.text(max_size=60) | st.text("abc:-[]{}&*!|>'\"#%@`\n \t0123.", max_size=60))
def test_any_text_is_an_experiment_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(SeqRecError):  # said clearly, which is what it must be
        parse_experiment(text, "x.yaml")


def test_a_history_without_a_name_is_the_default_one() -> None:
    text = "model: {name: two_tower, history: {hidden: 7}}"
    model = parse_experiment(text, "x.yaml").model
    assert model.name == "two_tower"
    assert model.history.name == "gru4rec"
    assert parse_experiment("model: {name: two_tower}", "x.yaml").model.history.name == "gru4rec"
