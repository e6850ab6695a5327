"""What the README says is there: commands, options, configs, pages, and figures with a source."""

import re
import shlex

import pytest
import typer
import yaml

from seqrec_cli import __version__
from seqrec_cli.app import app
from seqrec_cli.core.settings.configs import find_config
from tests.conftest import ROOT
from tests.docsite.test_blocks import typed_wrongly

README = (ROOT / "README.md").read_text()
CONSOLE = [line[2:].split("#")[0].strip() for line in README.splitlines() if line.startswith("$ ")]
SEQREC = [line for line in CONSOLE if line.startswith("seqrec ")]


def options_of(name: str) -> set[str]:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts}


def test_the_first_two_commands_are_demo_and_test() -> None:
    assert CONSOLE[:2] == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert "\ndemo:" in makefile
    assert "\ntest:" in makefile


@pytest.mark.parametrize("line", SEQREC)
def test_every_command_and_option_exists(line: str) -> None:
    _, command, *arguments = shlex.split(line)
    if command.startswith("-"):
        assert command in ("--version", "--install-completion")
        return
    known = options_of(command)
    assert {a.split("=")[0] for a in arguments if a.startswith("--")} <= known
    for argument in arguments:
        if argument.startswith("configs/"):
            assert (ROOT / argument).is_file()
    if "--config" in arguments:
        assert find_config(arguments[arguments.index("--config") + 1]).is_file()


def test_the_demo_runs_the_commands_that_its_config_shows() -> None:
    makefile = (ROOT / "Makefile").read_text()
    config = (ROOT / "configs" / "demo.yaml").read_text()
    shown = [line[4:] for line in config.splitlines() if line.startswith("#   seqrec")]
    assert len(shown) == 4
    for line in shown:
        assert f"$(BIN)/{line}\n" in makefile


def test_every_config_is_in_the_table() -> None:
    for path in (ROOT / "configs").glob("*.yaml"):
        assert f"| `configs/{path.name}` |" in README


def test_every_command_is_in_the_table_with_a_page() -> None:
    table = README.split("## Commands")[1].split("## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for row in rows:
        pages = re.findall(r"\]\((docs/[\w-]+\.md)", row)
        assert pages, row
        assert all((ROOT / page).is_file() for page in pages)


def test_every_figure_has_a_source() -> None:
    """No figure of the table of results is made up: each one is on a page of experiments."""
    table = README.split("## How good")[1].split("## ")[0]
    figures = re.findall(r"\b0\.\d{3,4}\b", table)
    assert len(figures) > 10
    sources = "".join(
        (ROOT / "docs" / name).read_text() for name in ("accuracy.md", "diary.md", "published.md")
    )
    assert [figure for figure in figures if figure not in sources] == []


@pytest.mark.parametrize("line", re.findall(r"`(seqrec [^`]+)`", README))
def test_every_command_in_the_text_can_be_typed(line: str) -> None:
    if not line.startswith("seqrec COMMAND"):
        assert not typed_wrongly(shlex.split(line)[1:])


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_the_version_to_cite_is_the_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)


def test_the_picture_of_the_house_is_the_house() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    core = ROOT / "seqrec_cli" / "core"
    shown = re.findall(r"^    ([\w.]+/?) ", page.split("  core/\n")[1].split("```")[0], re.M)
    folders = {f"{p.name}/" for p in core.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert set(shown) == folders | {p.name for p in core.glob("*.py") if p.name != "__init__.py"}
