"""What workers tell the process that launched them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from seqrec_cli.core.training import launching


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(launching.OUTCOME, str(tmp_path / "outcome"))
    return tmp_path / "outcome"


def test_a_process_by_itself_was_not_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(launching.OUTCOME, raising=False)
    assert not launching.is_launched()


def test_the_exit_code_that_one_leaves_is_that_of_all(outcome: Path) -> None:
    assert launching.is_launched()
    assert launching.told(outcome) == 0
    assert not launching.has_told()
    assert not launching.told_soon(0.0)
    launching.tell(143)
    assert launching.told_soon(0.0)
    assert launching.told(outcome) == 143


def test_all_that_failed_are_named() -> None:
    error = Exception()
    failures = [SimpleNamespace(rank=0, exitcode=1), SimpleNamespace(rank=2, exitcode=-9)]
    vars(error)["failures"] = dict(enumerate(failures))
    expected = "worker 0 ended with 1, worker 2 ended with -9"
    assert launching.failures_in_words(error) == expected
