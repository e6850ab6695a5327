"""Runs the blocks of a page in a folder and compares what comes out with what the page shows."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from typer.testing import CliRunner

from docsite import shop
from docsite.blocks import Block
from seqrec_cli.app import app

WIDTH = "80"
SHELL = ("cat", "head", "ls")  # what a block may use beside seqrec
ANY = "..."  # in a page: whatever is there; alone in a line any number of lines
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?")
CLOSE = 0.02  # by which figures may differ from one kind of processor to another, of their size


class Sandbox:
    """A folder with the files of the shop, in which the commands of a page run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shop.write_files(folder)

    def run(self, command: str) -> list[str]:
        """Run a command in the folder; the lines that it prints, on stdout and stderr.

        Raises:
            ValueError: it is not one that a block may use.
        """
        words = shlex.split(command)
        if words[0] == "seqrec":
            return self._seqrec(words[1:])
        if words[0] not in SHELL:
            raise ValueError(f"`{words[0]}` is not run: mark the block, <!-- shown: REASON -->")
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()

    def _seqrec(self, arguments: list[str]) -> list[str]:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            environment = {"COLUMNS": WIDTH, "NO_COLOR": "1"}
            result = CliRunner().invoke(app, arguments, env=environment)
        finally:
            os.chdir(before)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return [line.rstrip() for line in result.output.splitlines()]


def differences(blocks: Sequence[Block], sandbox: Sandbox) -> Iterator[str]:
    """Run the blocks of a page that are run; yields each difference, as text to read."""
    for block in blocks:
        if block.shown:
            continue
        for step in block.steps():
            got = sandbox.run(step.command)
            if not agrees(step.output, got):
                place = f"{block.page}:{block.line}: $ {step.command}"
                shown, real = "\n".join(step.output), "\n".join(got)
                yield f"{place}\n--- the page\n{shown}\n--- the command\n{real}\n"


def agrees(shown: Sequence[str], got: Sequence[str]) -> bool:
    """Whether the lines of a page stand for those of a command.

    A page that shows no output leaves it out; `...` alone in a line stands for any lines.
    """
    if not shown:
        return True
    if shown[0] == ANY:
        return any(agrees_from(shown[1:], got[start:]) for start in range(len(got) + 1))
    return agrees_from(shown, got)


def agrees_from(shown: Sequence[str], got: Sequence[str]) -> bool:
    if not shown:
        return not got
    if shown[0] == ANY:
        return len(shown) == 1 or agrees(shown, got)
    return bool(got) and same_line(shown[0], got[0]) and agrees_from(shown[1:], got[1:])


def same_line(shown: str, got: str) -> bool:
    """Whether two lines agree: words exactly, figures with decimals nearly, `...` with anything."""
    return same_words(shown.split(), got.split())


def same_words(shown: Sequence[str], got: Sequence[str]) -> bool:
    """Likewise of lines cut at their gaps, whose width depends on the figures."""
    if not shown:
        return not got
    if shown[0] == ANY:
        return any(same_words(shown[1:], got[start:]) for start in range(len(got) + 1))
    return bool(got) and same_word(shown[0], got[0]) and same_words(shown[1:], got[1:])


def same_word(shown: str, got: str) -> bool:
    """Whether two words are the same but for their figures, and those are close."""
    figures, others = NUMBER.findall(shown), NUMBER.findall(got)
    return NUMBER.sub("#", shown) == NUMBER.sub("#", got) and all(
        same_number(one, other) for one, other in zip(figures, others, strict=True)
    )


def same_number(one: str, other: str) -> bool:
    """Whether two numbers are equal, or have decimals and are close."""
    if "." not in one + other:
        return one == other
    first, second = (float(text.replace(",", "")) for text in (one, other))
    return abs(first - second) <= CLOSE * max(1.0, abs(first))


def with_outputs(page: Path, blocks: Sequence[Block], sandbox: Sandbox) -> str:
    """The text of a page with the outputs of its blocks as they are now.

    What is shown without output, or with `...` in it, stays as it is.
    """
    fresh: dict[int, list[str]] = {}
    for block in blocks:
        if block.shown:
            continue
        fresh[block.line] = lines = []
        for step in block.steps():
            got, kept = sandbox.run(step.command), step.output
            stays = not kept or any(ANY in line for line in kept)
            lines += [*step.typed, *(kept if stays else got)]
    text = page.read_text().splitlines()
    for block in reversed(blocks):
        if block.line in fresh:
            start = block.line - 1
            text[start : start + len(block.lines)] = fresh[block.line]
    return "\n".join(text) + "\n"
