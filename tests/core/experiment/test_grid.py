"""Grids of trainings: every combination once, and what cannot be is told."""

import itertools
from pathlib import Path

import pytest

from seqrec_cli.core.experiment.grid import load_grid, trials
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.settings.configs import find_config
from tests.commands.test_evaluate_results import run
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("configs: [demo]\n", "`data`: it is missing"),
        ("data: [a]\nconfigs: [demo]\nseed: [1]\n", "line 3: unknown key `seed`"),
        ("data: [a]\nconfigs: [demo]\nseeds: [1, one]\n", "line 3: `seeds`: `one` is not a whole"),
        ("data: [a, a]\nconfigs: [demo]\n", "line 1: `data`: must list each value once"),
        ("data: [a]\nconfigs: []\n", "line 2: `configs`"),
    ],
)
def test_a_grid_that_cannot_be_is_told(place: Path, text: str, message: str) -> None:
    Path("grid.yaml").write_text(text)
    refused = run("experiment", "grid.yaml", "--dry-run", code=1)
    assert message in refused.stderr
    assert "Traceback" not in refused.output


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "grids").glob("*.yaml")), ids=str)
def test_the_grids_that_repeat_our_figures_can_be_trained(path: Path) -> None:
    grid = load_grid(path)
    assert f"seqrec experiment configs/grids/{path.name}" in path.read_text()
    assert f"configs/grids/{path.name}" in (ROOT / "Makefile").read_text()
    for trial in trials(grid, path.stem):
        if trial.named_config is not None:
            load_experiment(find_config(trial.named_config), trial.overrides, trial.data)


def test_every_combination_is_a_training_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text(
        "data: [a, b]\nconfigs: [sasrec, x/gru.yaml]\nseeds: [0, 1]\n"
        "set: {training.final: [true, false], model.dropout: [0.1]}\n"
    )
    found = list(trials(load_grid(tmp_path / "g.yaml"), "g"))
    expected = itertools.product(["a", "b"], ["sasrec", "x/gru.yaml"], ["true", "false"], range(2))
    assert [(t.data, t.config, t.overrides) for t in found] == [
        (data, config, (f"training.final={final}", "model.dropout=0.1", f"seed={seed}"))
        for data, config, final, seed in expected
    ]
    assert len({t.run for t in found}) == 16
    # Trainings that differ in dataset and seed alone have the variant in common.
    assert len({t.variant for t in found}) == 4
    assert found[0].variant == "sasrec final=true dropout=0.1"
