"""What sets a run's figures apart."""

from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.runs.tracks import track_of


@pytest.mark.parametrize(
    ("settings", "refitted", "valid", "test"),
    [
        ({}, True, "", ""),
        ({"training": {"final": True}}, False, "", ""),
        ({"training": {"final": True}}, True, "", "refitted on train + valid"),
        ({"model": {"time": True}}, True, "with times", "with times"),
        (
            {"model": {"time": True}, "training": {"final": True}},
            True,
            "with times",
            "with times, refitted on train + valid",
        ),
    ],
)
def test_a_track_says_what_was_read(
    settings: dict[str, Any], refitted: bool, valid: str, test: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqrec_cli.core.experiment.fitted import FittedExperiment

    run = Run(Path("one"))
    monkeypatch.setattr(Run, "experiment", lambda _: FittedExperiment.model_validate(settings))
    monkeypatch.setattr(type(run.checkpoints), "has_final", lambda _: refitted)
    assert track_of(run, "valid") == valid
    assert track_of(run, "test") == test
    assert track_of(run, "test", ["something"]) == ", ".join(filter(None, [test, "something"]))
