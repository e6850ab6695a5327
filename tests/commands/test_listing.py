"""seqrec list, configs and doctor; and what the shell completes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqrec_cli.commands import completing
from tests.conftest import ROOT
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


def test_the_doctor_knows_the_versions_and_finds_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = json.loads(invoke(["doctor", "--json"]).stdout)
    assert told["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["problems"] == []
    monkeypatch.setenv("SEQREC_KERNELS", "slow")
    result = invoke(["doctor"])
    assert result.exit_code == 1
    assert "the environment variable `SEQREC_KERNELS` is `slow`" in result.stderr
    assert "hint: unset SEQREC_KERNELS" in result.stderr


def test_names_are_completed(place: Path) -> None:
    assert completing.run_names("") == ["latest", "one"]
    assert completing.dataset_names("t") == ["toy"]
    assert completing.config_names("sas") == ["sasrec"]
    assert "training.lr=" in completing.setting_keys("training.l")
    assert completing.setting_keys("training.lr=") == []
    assert "ml-1m" in completing.source_names("ml-")


def test_completion_imports_no_torch(place: Path) -> None:
    code = (
        "import sys; from seqrec_cli.commands import completing as c\n"
        "for f in (c.run_names, c.dataset_names, c.config_names, c.setting_keys, c.source_names):\n"
        "    assert f('')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_shell_is_given_run_names(place: Path) -> None:
    environment = os.environ | {
        "_SEQREC_COMPLETE": "complete_bash",
        "COMP_WORDS": "seqrec evaluate o",
        "COMP_CWORD": "2",
    }
    code = (
        "import sys; sys.argv = ['seqrec']; from seqrec_cli.app import app; app(prog_name='seqrec')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert result.stdout.split() == ["one"]
