"""Options become one object, and those that have no use are refused, even with their default."""

import re
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from seqrec_cli.app import app as seqrec
from seqrec_cli.commands.binding import Only, is_given, takes


@dataclass(frozen=True, kw_only=True)
class Options:
    name: Annotated[str, typer.Argument()]
    kind: Annotated[str, typer.Option("--kind")] = "plain"
    depth: Annotated[
        int,
        typer.Option("-d", "--depth"),
        Only(lambda values: values["kind"] == "tree", "for --kind tree"),
    ] = 3


made: list[tuple[Options, bool]] = []


@takes(Options)
def grow(options: Options, context: typer.Context) -> None:
    """Grow something."""
    made.append((options, is_given(context, "depth")))


app = typer.Typer()
app.command()(grow)


@pytest.mark.parametrize(
    ("typed", "options", "depth_given"),
    [
        (["a"], Options(name="a"), False),
        (["a", "--kind", "tree"], Options(name="a", kind="tree"), False),
        (["a", "-d", "5", "--kind", "tree"], Options(name="a", kind="tree", depth=5), True),
        (["a", "--kind", "tree", "--depth", "3"], Options(name="a", kind="tree"), True),
    ],
)
def test_a_command_gets_one_object(
    runner: CliRunner, typed: list[str], options: Options, depth_given: bool
) -> None:
    made.clear()
    result = runner.invoke(app, typed)
    assert result.exit_code == 0, result.output
    assert made == [(options, depth_given)]


@pytest.mark.parametrize("spelled", ["-d", "--depth"])
@pytest.mark.parametrize("value", ["3", "5"])
def test_an_option_without_use_is_refused_by_its_long_name(
    runner: CliRunner, spelled: str, value: str
) -> None:
    made.clear()
    result = runner.invoke(app, ["a", spelled, value], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "--depth is for --kind tree: leave it out" in result.stderr
    assert made == []


@pytest.mark.parametrize("name", sorted(typer.main.get_command(seqrec).commands))  # type: ignore[attr-defined]
def test_the_help_of_a_command_fits_its_terminal_and_names_values_in_words(name: str) -> None:
    text = CliRunner().invoke(seqrec, [name, "--help"], env={"COLUMNS": "80"}).stdout
    assert max(map(len, text.splitlines())) <= 80
    options = [line for line in text.splitlines() if line.startswith("│ --")]
    assert len(options) > 1
    for line in options:
        assert "--help" in line or not re.search("<(int|float|str|path|bool)( range)?>", line)


def test_the_list_of_commands_has_a_line_for_each() -> None:
    text = CliRunner().invoke(seqrec, ["--help"], env={"COLUMNS": "80"}).stdout
    panels = text.split("╭─ ")[2:]
    assert len(panels) == 3
    commands = typer.main.get_command(seqrec).commands  # type: ignore[attr-defined]
    lines = [line for panel in panels for line in panel.splitlines() if line.startswith("│")]
    assert {line.split()[1] for line in lines} == set(commands)
