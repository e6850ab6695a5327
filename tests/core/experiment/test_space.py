"""What may be tried: lists and ranges, and what cannot be is told with its line."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from seqrec_cli.core.experiment.loading import AnyExperiment, parse_experiment
from seqrec_cli.core.experiment.space import Dimension, Range, Space, load_space
from seqrec_cli.errors import ConfigError

CONFIG = "data: toy\nmodel: {hidden: 8, heads: 2}\ntraining: {lr: 0.01, epochs: 3}\n"


def load(changes: Sequence[str]) -> AnyExperiment:
    return parse_experiment(CONFIG, "toy.yaml", changes)


def space_of(folder: Path, text: str) -> Space:
    (folder / "space.yaml").write_text(text)
    return load_space(folder / "space.yaml", load)


def test_lists_and_ranges_become_settings(tmp_path: Path) -> None:
    space = space_of(
        tmp_path,
        "model.hidden: [8, 16]\n"
        "training.weight_decay: {low: 0, high: 1}\n"  # the setting is no whole number
        "training.lr: {low: 1e-4, high: 1e-2, log: true}\n"
        "training.epochs: {low: 1, high: 9, step: 2}\n"
        "training.final: [true, false]\n",
    )
    assert [(each.key, each.whole) for each in space.dimensions] == [
        ("model.hidden", False),
        ("training.weight_decay", False),
        ("training.lr", False),
        ("training.epochs", True),
        ("training.final", False),
    ]
    chosen = {
        "model.hidden": "16",
        "training.weight_decay": 0.123456,
        "training.lr": 0.00099999,
        "training.epochs": 5,
        "training.final": "true",
    }
    changes = space.overrides(chosen)
    assert changes == [
        "model.hidden=16",
        "training.weight_decay=0.1235",
        "training.lr=0.001",
        "training.epochs=5",
        "training.final=true",
    ]
    experiment = load(changes)
    assert experiment.model.hidden == 16  # type: ignore[union-attr]
    assert experiment.training.final is True


def test_what_the_experiment_has_is_known_if_it_is_inside(tmp_path: Path) -> None:
    inside = space_of(tmp_path, "model.hidden: [8, 16]\ntraining.lr: {low: 0.01, high: 0.1}\n")
    assert inside.own_values(load([])) == {"model.hidden": "8", "training.lr": 0.01}
    for text in (
        "model.hidden: [16, 32]\n",
        "training.lr: {low: 0.02, high: 0.1}\n",
        "training.epochs: {low: 2, high: 8, step: 2}\n",
    ):
        assert space_of(tmp_path, text).own_values(load([])) is None


def test_a_rounded_number_stays_in_its_range() -> None:
    each = Dimension("x", "", range=Range(low=0.12341, high=0.98765))
    assert float(each.text_of(0.123411)) == 0.12341
    assert float(each.text_of(0.987649)) <= 0.98765


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a list of settings"),
        ("- a\n", "is not a list of settings"),
        ("model.hidden: [8]\nmodel.hiden: [4]\n", "line 2: unknown setting `model.hiden`"),
        ("model.hidden: 8\n", "line 1: `model.hidden` is neither a list nor a range"),
        ("model.hidden: []\n", "line 1: `model.hidden` must list each value once"),
        ("model.hidden: [8, 8]\n", "line 1: `model.hidden` must list each value once"),
        ("model.hidden: [8, eight]\n", "line 1: setting `model.hidden`: `eight` is not a whole"),
        ("training.lr: {low: 0, high: 1}\n", "line 1: setting `training.lr`: `0` is too small"),
        ("training.lr: {low: 1, high: 0.1}\n", "line 1: `training.lr`: `low` (1) must be less"),
        ("training.lr: {low: 0.1}\n", "line 1: `training.lr`: `high`: it is missing"),
        ("training.lr: {low: a, high: b}\n", "line 1: `training.lr`: `low`: `a` is not a"),
        ("training.lr: {low: 0.1, high: 1, lgo: true}\n", "`training.lr` has an unknown `lgo`"),
        ("training.lr: {low: 0.1, high: 1, log: true, step: 0.1}\n", "exclude each other"),
        ("model.dropout: {low: 0, high: 0.5, log: true}\n", "`low` must be greater than 0"),
        ("model.dropout: {low: 0, high: 0.5, step: 0.2}\n", "no whole number of steps"),
        ("model.hidden: {low: 1.5, high: 8}\n", "`model.hidden` is a whole number"),
        ("model: {hidden: [8, 16]}\n", "line 1: `model` is a part with settings of its own"),
        ("seed: [0, 1]\n", "line 1: `seed` must be the same for all trials"),
        ("training.metric: [hr@5]\n", "`training.metric` must be the same"),
        ("model.hidden: [8]\nmodel.hidden: [4]\n", "line 2: the key `model.hidden` is there twice"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        space_of(tmp_path, text)
    assert message in refused.value.message
    assert "--set" not in refused.value.message


def test_what_does_not_go_together_is_left_to_the_trials(tmp_path: Path) -> None:
    # 8 is no multiple of 3, and 9 none of 2, but 9 is one of 3.
    space = space_of(tmp_path, "model.hidden: [8, 9]\nmodel.heads: [2, 3]\n")
    assert [each.values for each in space.dimensions] == [("8", "9"), ("2", "3")]


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the space"):
        load_space(tmp_path / "none.yaml", load)
