"""What is shown on a terminal, any terminal."""

import os
import subprocess
import sys

import pytest

from seqrec_cli import console


def test_text_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "a :bomb: [red]x[/red] back\\ \x1b[31m new\nline"
    console.print_table(["id", "title"], [["1", odd]])
    console.info(odd)
    shown = "a :bomb: [red]x[/red] back\\ \\x1b[31m new\\nline"
    captured = capsys.readouterr()
    assert shown in captured.out
    assert shown in captured.err


def test_titles_survive_a_terminal_that_cannot_show_them() -> None:
    code = "from seqrec_cli import console; console.print_table(['t'], [['Ümlaut']])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert rb"\xdcmlaut" in result.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", [["train"], ["prepare"], ["evaluate"], []])
def test_help_can_be_read_in_any_encoding(encoding: str, command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "seqrec_cli", *command, "--help"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "80"},
        check=True,
    )
    text = result.stdout.decode(encoding)
    assert "Usage" in text
    assert "\\u" not in text
    assert b"Traceback" not in result.stderr
