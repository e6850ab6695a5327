"""Blocks of commands in Markdown: which ones there are, and which are run.

A block of `console` is run by the tests, all of a page in one folder, and its output is compared.
One that cannot be (it needs other data, hours or a network) says so in a comment before it:

    <!-- shown: needs MovieLens-1M -->

and a page whose blocks all are like that says it once: `<!-- page shown: REASON -->`. Their
commands are still read as the command line would read them.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHOWN = re.compile(r"<!-- (page )?shown: (\S.*) -->")
PROMPT = "$ "


@dataclass(frozen=True)
class Step:
    """A command, its lines as they stand in the page, and the output that the page shows for it."""

    command: str
    typed: tuple[str, ...]
    output: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A block of commands.

    Attributes:
        page: its file, from the root of the repository.
        line: of its first line in the file, from 1.
        shown: why it is not run; "" if it is.
    """

    page: str
    line: int
    shown: str
    lines: tuple[str, ...]

    def steps(self) -> Iterator[Step]:
        """Its commands, each with its output; a line that ends in a backslash goes on."""
        typed, output = list[str](), list[str]()
        for line in self.lines:
            if typed and not output and typed[-1].endswith("\\"):
                typed.append(line)
            elif line.startswith(PROMPT):
                if typed:
                    yield Step(command_of(typed), tuple(typed), tuple(output))
                typed, output = [line], []
            else:
                output.append(line)
        if typed:
            yield Step(command_of(typed), tuple(typed), tuple(output))


def command_of(typed: list[str]) -> str:
    """The command in these lines, without the prompt and the remark behind it."""
    joined = " ".join(line.removesuffix("\\").strip() for line in typed)
    return re.sub(r"\s+# .*", "", joined.removeprefix(PROMPT))


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of a page."""
    inside, marked, everywhere = None, "", ""
    lines: list[str] = []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if inside is not None:
            if line.startswith("```"):
                name = page.relative_to(ROOT).as_posix()
                yield Block(name, inside, marked or everywhere, tuple(lines))
                inside, marked, lines = None, "", []
            else:
                lines.append(line)
        elif match := SHOWN.fullmatch(line.strip()):
            if match[1]:
                everywhere = match[2]
            else:
                marked = match[2]
        elif line.startswith("```console"):
            inside = number + 1
        elif line.strip():
            marked = ""


def pages() -> list[Path]:
    """Every page of the project that a person reads."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def seqrec_commands(block: Block) -> Iterator[list[str]]:
    """The arguments of each command of ours in a block, as the shell would cut them."""
    for step in block.steps():
        if step.command.startswith("seqrec "):
            yield shlex.split(step.command.partition(" | ")[0])[1:]
