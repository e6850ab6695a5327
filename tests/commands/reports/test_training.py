"""What is printed while a model is trained."""

from types import SimpleNamespace
from typing import Any

import pytest

from seqrec_cli.commands.reports.training import row_of, show_event, validation_columns
from seqrec_cli.core.experiment.sequential import Experiment
from seqrec_cli.core.training.events import Judged, Spent, StepDone, Stopped, Validated

METRICS = {"ndcg@10": 0.25, "hr@10": 0.5}


def training(**settings: Any) -> Any:
    content = {"training": {"epochs": 4, "validate_every": 1, **settings}}
    return SimpleNamespace(experiment=Experiment.model_validate(content), epochs=4)


class View:
    """Takes what is shown."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, str]] = []

    def step(self, done: int, whole: int, remark: str) -> None:
        self.steps.append((done, whole, remark))


def test_a_validation_is_a_row_of_as_many_cells_as_there_are_columns() -> None:
    row = row_of(Validated(2, 0.5, METRICS, True), training(), 12.3)
    assert row == ["2 *", "0.5000", "0.2500", "0.5000", "12"]
    assert len(validation_columns(training())) == len(row)


def test_one_inside_an_epoch_names_its_step() -> None:
    row = row_of(Validated(2, 0.5, METRICS, False, step=1500), training(), 0.0)
    assert row[0] == "2, step 1,500"


@pytest.mark.parametrize(("settings", "whole"), [({}, 40), ({"max_steps": 25}, 25)])
def test_the_bar_ends_with_the_budget(settings: dict[str, Any], whole: int) -> None:
    view = View()
    show_event(StepDone(2, 3, 10, 0.125), view, training(**settings), 0.0)  # type: ignore[arg-type]
    assert view.steps == [(13, whole, "epoch 2/4, loss 0.1250")]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Spent("max_steps", 3, 1200), "epoch 3 after 1,200 steps: `training.max_steps` is used up"),
        (Judged(3, 2000, METRICS), "all 2,000 users of the valid part: ndcg@10 0.2500, hr@10 0.50"),
        (Stopped(9, 4), "stopped after epoch 9: no better validation since epoch 4"),
    ],
)
def test_why_it_ends_is_said(event: Any, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_event(event, View(), training(), 0.0)  # type: ignore[arg-type]
    assert told in capsys.readouterr().err
