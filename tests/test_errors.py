"""An error of the user is a sentence and a hint."""

import typer
from typer.testing import CliRunner

from seqrec_cli.app import friendly
from seqrec_cli.errors import InputError


def test_a_users_error_is_a_sentence_and_a_hint(runner: CliRunner) -> None:
    result = runner.invoke(failing(InputError("no [old] file `a`", "make `a`")), [])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "error: no [old] file `a`\n\nhint: make `a`\n"


def failing(error: Exception) -> typer.Typer:
    def command() -> None:
        raise error

    broken = typer.Typer()
    broken.command()(friendly(command))
    return broken
