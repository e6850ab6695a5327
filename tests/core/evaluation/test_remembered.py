"""The figures of baselines are computed once, and anew where they would differ."""

import json
from pathlib import Path

import pytest

from seqrec_cli.core.evaluation import report as report_module
from tests.commands.test_evaluate_results import run
from tests.workshop import invoke


def test_baselines_are_computed_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = json.loads(run("evaluate", "one", "--json").stdout)

    def computed(*_: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patched:
        patched.setattr(report_module, "fit_baselines", computed)
        assert json.loads(run("evaluate", "one", "--json").stdout) == first
        anew = invoke(["evaluate", "one", "--seed", "1"])  # another protocol
        assert isinstance(anew.exception, AssertionError)
    damaged = Path("data/.toy.baselines.json")
    damaged.write_text("{")
    assert json.loads(run("evaluate", "one", "--json").stdout) == first
