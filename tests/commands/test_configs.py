"""seqrec configs: lists, prints and copies the experiment files that come with seqrec."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workshop import invoke


def test_configs_are_listed_printed_and_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "gru4rec-session" in invoke(["configs"]).stdout
    text = (ROOT / "configs" / "sasrec.yaml").read_text()
    assert invoke(["configs", "sasrec"]).stdout == text
    assert invoke(["configs", "sasrec", "--copy"]).exit_code == 0
    assert Path("sasrec.yaml").read_text() == text
    again = invoke(["configs", "sasrec", "--copy"])
    assert again.exit_code == 1
    assert "`sasrec.yaml` exists already" in again.stderr
    wrong = invoke(["configs", "sasrek"])
    assert (wrong.exit_code, "did you mean `sasrec`?" in wrong.stderr) == (1, True)
    assert invoke(["configs", "--copy"]).exit_code == 2
