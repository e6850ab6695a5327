"""The page of a command has all that `--help` says."""

import pytest
from typer.testing import CliRunner

from docsite import commands
from seqrec_cli.app import app


@pytest.mark.parametrize("name", commands.names())
def test_every_option_and_panel_of_the_help_is_there(name: str) -> None:
    page = commands.page(name)
    assert page.startswith(f"# seqrec {name}\n")
    for parameter in commands.command_group().commands[name].params:
        if parameter.name == "help":
            continue
        for spelled in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"{spelled}" in page, spelled
        words = (parameter.help or "").split()
        assert " ".join(words[:4]).replace("|", "\\|").replace("<", "&lt;") in page
    help_text = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "80"}).stdout
    panels = [line.split("─ ")[1].split(" ─")[0] for line in help_text.splitlines() if "╭─" in line]
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")]
    for panel in panels:
        assert f"\n## {panel}\n" in page


def test_cells_keep_their_table() -> None:
    rows = [line for line in commands.page("prepare").splitlines() if line.startswith("| ")]
    assert len(rows) > 30
    for row in rows:
        assert row.replace("\\|", "").count("|") == 3, row


def test_the_list_links_every_command() -> None:
    index = commands.index()
    for name in commands.names():
        assert f"[seqrec {name}]({name}.md)" in index
        assert commands.summary(name).endswith(".")
