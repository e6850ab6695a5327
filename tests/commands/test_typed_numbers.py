"""Numbers that are typed: only decimal digits, for every option of every command."""

from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from seqrec_cli.app import COMMANDS, app
from seqrec_cli.core.experiment.loading import load_experiment
from seqrec_cli.core.inference.names import Names, find_users, read_ids
from seqrec_cli.errors import ConfigError, InputError
from tests.conftest import leave_one_out

ODD = ["1_0", "\u0661\u0660", "\uff11\uff10"]  # ten, for `int`


def number_options() -> list[tuple[str, str]]:
    """Each command with each of its options that takes a number."""
    found = []
    group = get_command(app)
    for command in COMMANDS:
        hints = get_type_hints(command)
        for parameter in group.commands[command.__name__.rstrip("_")].params:  # type: ignore[attr-defined]
            kind = hints.get(parameter.name)
            if any(each in (int, float) for each in (kind, *get_args(kind))):
                found.append((command.__name__.rstrip("_"), max(parameter.opts, key=len)))
    return found


def test_options_that_take_numbers_are_found() -> None:
    assert {("recommend", "--topk"), ("compare", "--topk"), ("prepare", "--min-rating")} <= set(
        number_options()
    )


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize(("command", "option"), number_options())
def test_no_option_takes_them(runner: CliRunner, command: str, option: str, text: str) -> None:
    result = runner.invoke(app, [command, option, text])
    assert result.exit_code == 2
    assert "is not a number in the digits 0 to 9" in " ".join(
        result.stderr.replace("│", " ").split()
    )


@pytest.mark.parametrize("text", [*ODD, "010", "0x10", "1:30"])
@pytest.mark.parametrize("key", ["training.epochs", "training.lr", "seed", "model.hidden"])
def test_no_setting_takes_them(tmp_path: Path, key: str, text: str) -> None:
    part, _, name = key.rpartition(".")
    inside = f"{part}: {{{name}: TEXT}}" if part else f"{name}: TEXT"
    for written in (text, f"'{text}'"):
        if written == "'010'":
            continue  # text that pydantic reads as 10, as everybody does
        path = tmp_path / "x.yaml"
        path.write_text(inside.replace("TEXT", written))
        with pytest.raises(ConfigError):
            load_experiment(path)
        path.write_text("")
        with pytest.raises(ConfigError):
            load_experiment(path, [f"{key}={written}"])


@pytest.mark.parametrize("text", ODD)
def test_no_id_is_taken_for_another(tmp_path: Path, text: str) -> None:
    data = leave_one_out([[1, 2, 3]] * 10, 3)
    names = Names(data.user_ids - 95)
    path = tmp_path / "users.txt"
    path.write_text(f"10\n{text}\n")
    assert find_users(names, ["10"], "toy").tolist() == [5]
    with pytest.raises(InputError, match="there is no user"):
        find_users(names, read_ids(path), "toy")


def test_an_id_may_have_any_character_but_a_line_end(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    odd = ["a\u2028b", "a\x85b", "a\x0bb", "a\x1cb"]
    path.write_bytes("\r\n".join(odd).encode())
    assert read_ids(path) == odd
