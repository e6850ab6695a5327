"""Experiments whose model is fitted: the tries of a grid, and what is refused."""

import itertools

import pytest

from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.errors import ConfigError


def experiment(*overrides: str) -> FittedExperiment:
    found = parse_experiment("model: {name: linear, decays: [0.5]}\n", "linear.yaml", overrides)
    assert isinstance(found, FittedExperiment)
    return found


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("training.grid={ridges: [1]}", "`ridges` is no setting of the model"),
        ("training.grid={ridge: []}", "`ridge` has no values"),
        ("training.grid={ridge: [-1]}", "`ridge` cannot be -1"),
        (f"training.grid={{ridge: {list(range(1, 102))}}}", "101 combinations"),
        ("training.epochs=3", "unknown setting `training.epochs`"),
    ],
)
def test_settings_that_do_not_apply_are_refused(override: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        experiment(override)
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("learning_rate=0.1", "`training.lr` is a setting of networks"),
        ("model.hidden_units=50", "`model.hidden` is a setting of networks"),
        ("training.epochs=3", "`training.epochs` is a setting of networks"),
        ("model.rigde=3", "did you mean `model.ridge`?"),
    ],
)
def test_a_setting_that_only_networks_have_is_named_as_that(override: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        experiment(override)
    assert caught.value.hint.startswith(meant)


def test_the_tries_are_all_combinations_each_with_its_remark() -> None:
    made = experiment("training.grid={ridge: [1, 30], decays: [[0.5], [0.3, 0.9]]}")
    expected = list(itertools.product((1, 30), ([0.5], [0.3, 0.9])))
    tries = [each.model_dump() for each in made.tries()]
    assert [(t["ridge"], list(t["decays"])) for t in tries] == expected
    assert made.count() == len(expected)
    assert made.remark(made.tries()[-1]) == "ridge 30, decays 0.3/0.9"
    (alone,) = experiment("training.grid={}").tries()
    assert alone == made.model
