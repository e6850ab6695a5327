"""An experiment file is read strictly, and every mistake is told with its place."""

from pathlib import Path

import pytest

from seqrec_cli.core.experiment.loading import load_experiment, parse_experiment
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.errors import ConfigError

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


@pytest.mark.parametrize(
    ("lines", "override", "setting"),
    [
        ("loss: softmax\n  half_life: 9", "training.loss=bce", "half_life"),
        # The problem does not name the setting that was overridden.
        ("negatives_per: batch\n  in_batch: true", "training.negatives_per=target", "in_batch"),
        ("weight_decay: 0.1", "training.optimizer=adagrad", "weight_decay"),
    ],
)
def test_of_several_overrides_the_one_that_does_not_go_with_it_is_to_blame(
    lines: str, override: str, setting: str
) -> None:
    text = GOOD.replace("training:\n", f"training:\n  {lines}\n")
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml", [override, "training.epochs=3"])
    message = caught.value.message
    assert message.startswith(f"`--set {override}`: setting `training.{setting}`")


def test_a_grid_that_cannot_be_tried_is_refused_at_its_line() -> None:
    text = "model:\n  name: linear\ntraining:\n  grid: {colour: [1, 2]}\n"
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml")
    assert caught.value.message.startswith("`x.yaml`, line 4: setting `training.grid`: `colour`")
