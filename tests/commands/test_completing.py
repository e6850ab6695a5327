"""What the shell completes: names and keys, without torch."""

import os
import subprocess
import sys
from pathlib import Path

from seqrec_cli.commands import completing


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
