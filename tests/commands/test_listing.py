"""seqrec list: the datasets and runs that there are."""

import json
from pathlib import Path

import pytest

from tests.workshop import invoke


def test_list_shows_datasets_and_runs(place: Path) -> None:
    result = invoke(["list"])
    assert result.exit_code == 0, result.output
    assert "toy" in result.stdout
    assert "one *" in result.stdout
    assert "finished" in result.stdout
    told = json.loads(invoke(["list", "--json"]).stdout)
    assert [each["name"] for each in told["datasets"]] == ["toy"]
    assert [each["name"] for each in told["runs"]] == ["one"]


def test_an_empty_folder_says_where_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(["list"])
    assert result.exit_code == 0
    assert "hint: seqrec prepare ml-100k" in result.stderr
    assert list(tmp_path.iterdir()) == []
