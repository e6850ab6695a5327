"""The picture of a terminal in the README: commands that are really run, as an SVG."""

import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path

from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from docsite import shop
from seqrec_cli import console
from seqrec_cli.app import app

PICTURE = Path(__file__).parent.parent / "docs" / "terminal.svg"
WIDTH = 80
FIRST = ("seqrec prepare clicks.csv",)  # what has to run before, and is not shown
COMMANDS = (
    "seqrec train --data clicks",
    "seqrec evaluate --k 5",
    "seqrec recommend --user v7 --k 3 --why",
)


@contextmanager
def recording() -> Iterator[Console]:
    """A terminal that draws nothing and remembers everything; ours print into it meanwhile."""
    terminal = Console(
        width=WIDTH,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        force_interactive=False,
        color_system="truecolor",
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )
    before = console.stdout, console.stderr
    console.stdout = console.stderr = lambda: terminal
    try:
        yield terminal
    finally:
        console.stdout, console.stderr = before


def drawn(commands: Sequence[str] = COMMANDS) -> str:
    """Run the commands in an empty folder with the shop's log; the picture of all of them."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, recording() as terminal:
        shop.write(Path(folder) / "clicks.csv")
        os.chdir(folder)
        try:
            for command in FIRST:
                run(command)
            terminal.export_text()  # forgets it
            for command in commands:
                terminal.print(Text("$ ", "bold green") + Text(command, "bold"))
                run(command)
        finally:
            os.chdir(before)
        return terminal.export_svg(title="seqrec", unique_id="seqrec")


def run(command: str) -> None:
    """Run a command of ours.

    Raises:
        RuntimeError: it fails.
    """
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    if result.exit_code:
        raise RuntimeError(f"`{command}` failed: {result.output}")


TEXT = r'<text class="([^"]+)"[^>]*? y="([\d.]+)"[^>]*>([^<]*)</text>'


def lines_of(picture: str) -> list[str]:
    """The lines of text in a picture, without the width of their gaps."""
    found: dict[float, list[str]] = {}
    for kind, y, text in re.findall(TEXT, picture):
        if not kind.endswith("title"):
            found.setdefault(float(y), []).append(unescape(text).replace("\xa0", " "))
    return [" ".join(" ".join(found[y]).split()) for y in sorted(found)]


def without_seconds(line: str) -> str:
    """A line with `...` for how long a try of a training took, which is never the same."""
    return re.sub(r"^(\d .*0\.\d{4}) [\d.]+ (ridge)", r"\1 ... \2", line)


def commands_of(picture: str) -> list[str]:
    """The commands in a picture."""
    return [line[2:] for line in lines_of(picture) if line.startswith("$ ")]
