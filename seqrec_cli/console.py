"""What the user sees: results on stdout, diagnostics on stderr."""

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from seqrec_cli.errors import SeqRecError

ABOVE = 5  # lines of a terminal that the rows of a training leave: header, bar, earlier messages
NARROWEST = 7  # characters of a column of figures that is written row by row
WIDE = 400  # columns of a table that goes into a pipe or a file

muted = {"all": False}

# The console on which a bar is being drawn: messages through it stand above the bar, and others
# would be mistaken for lines of the bar when that is removed.
drawing: dict[str, Console | None] = {"on": None}

# A console is made at each call: a test, or a pipe set up late, may have changed what stdout is.


def stdout() -> Console:
    return fitted(Console(soft_wrap=True, highlight=False, emoji=False, quiet=muted["all"]))


def stderr() -> Console:
    if drawing["on"] is not None:
        return drawing["on"]
    quiet = muted["all"]
    return fitted(Console(stderr=True, soft_wrap=True, highlight=False, emoji=False, quiet=quiet))


def mute(silent: bool = True) -> None:
    """Print nothing from now on: of several workers the first one does."""
    muted["all"] = silent


@contextmanager
def drawn_on(console: Console | None) -> Iterator[None]:
    """While the block runs, messages go through the console that draws a bar, if one does."""
    before, drawing["on"] = drawing["on"], console
    try:
        yield
    finally:
        drawing["on"] = before


# What stands for characters of ours in a terminal that has not got them.
PLAIN = str.maketrans(
    {
        **{"…": "...", "·": ".", "•": "*", "×": "x", "±": "+-", "→": "->", "≥": ">=", "≤": "<="},
        **{"–": "-", "—": "-", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "\xa0": " "},
    }
)


def spell_out(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: ASCII in place of what an encoding lacks, or an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def write_anything() -> None:
    """Let stdout and stderr spell out what the terminal's encoding has not got."""
    codecs.register_error("seqrec.spell_out", spell_out)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="seqrec.spell_out")


def fitted(console: Console) -> Console:
    write_anything()
    if not console.is_terminal and not os.environ.get("COLUMNS"):
        console.width = WIDE
    return console


def visible(text: str) -> Text:
    """Text as it is: no markup, and control characters made visible."""
    return Text(
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    )


def print_message(text: Text) -> None:
    """Print a message on stderr; a terminal gets it wrapped between words.

    A hint is never wrapped, as it is to be copied.
    """
    console = stderr()
    console.print(text, soft_wrap=not console.is_terminal)


def info(message: str) -> None:
    """Print what is going on."""
    print_message(visible(message))


def success(message: str) -> None:
    """Print that something is finished."""
    print_message(Text("done: ", "green") + visible(message))


def warn(message: str) -> None:
    """Print what the user should know before trusting the result."""
    print_message(Text("note: ", "yellow") + visible(message))


def warn_all(notes: Iterable[str]) -> None:
    """Print several notes."""
    for note in notes:
        warn(note)


def hint(message: str) -> None:
    """Print what to type next."""
    stderr().print(Text("hint: ", "cyan") + visible(message))


def fail(error: SeqRecError) -> None:
    """Show an error as a sentence and its remedy."""
    console = stderr()
    print_message(Text("error: ", "red") + visible(error.message))
    if error.hint:
        console.print()
        hint(error.hint)


def print_text(text: str) -> None:
    """Write a result to stdout."""
    stdout().print(visible(text))


def print_prose(text: str) -> None:
    """Write a sentence to stdout; a terminal gets it wrapped between words."""
    console = stdout()
    console.print(visible(text), soft_wrap=not console.is_terminal)


def print_lines(text: str) -> None:
    """Write lines to stdout as they are."""
    for line in text.splitlines():
        print_text(line)


def print_json(result: Any) -> None:
    """Write a result to stdout as JSON."""
    stdout()  # makes stdout escape what it cannot write
    from seqrec_cli.core.storage.text import to_json  # light: no torch, no numpy

    typer.echo(to_json(result, indent=2))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    *,
    title: str = "",
    left: Sequence[int] = (0,),
) -> None:
    """Write a table to stdout; the columns numbered in `left` are text, the others figures."""
    stdout().print(make_table(columns, rows, title=title, left=left))


def make_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    *,
    title: str = "",
    left: Sequence[int] = (0,),
) -> Table:
    table = Table(
        title=escape(title) if title else None, title_justify="left", box=None, pad_edge=False
    )
    for number, column in enumerate(columns):
        justify = "left" if number in left else "right"
        header = Text("\n").join(map(visible, column.split("\n")))
        table.add_column(header, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(visible(cell) if isinstance(cell, str) else cell for cell in row))
    return table


@contextmanager
def progress(total: int | None, unit: str) -> Iterator[Callable[[int, str], None]]:
    """A bar on stderr while the block runs; call what it yields with (amount done, remark).

    Where stderr is no terminal there is none.
    """
    console = stderr()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if total is not None else TextColumn("{task.completed}"),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with drawn_on(console), bar:
        task = bar.add_task("", total=total)
        yield lambda done, remark: bar.update(task, completed=done, description=escape(remark))


class TrainingView:
    """A bar, and a table that grows by a row a validation.

    On a terminal both are on stderr, the newest rows only, so that the bar stays in view; the whole
    table goes to stdout at the end. Where stderr is no terminal each row goes to stdout at once.
    """

    def __init__(self, live: Live | None, bar: Progress, columns: Sequence[str]) -> None:
        self.live = live
        self.bar = bar
        self.task = bar.add_task("", total=None)
        self.columns = columns
        self.rows: list[Sequence[str]] = []

    def step(self, done: int, total: int, remark: str) -> None:
        """Show how many steps are done of the whole training."""
        self.bar.update(self.task, completed=done, total=total, description=escape(remark))

    def row(self, cells: Sequence[str]) -> None:
        """Add a row to the table."""
        self.rows.append(cells)
        if self.live is None:
            if len(self.rows) == 1:
                self.line(self.columns)
            self.line(cells)
            return
        newest = self.rows[-max(3, self.live.console.height - ABOVE) :]
        self.live.update(Group(make_table(self.columns, newest), self.bar))

    def line(self, cells: Sequence[str]) -> None:
        """Write a row to stdout now, in columns that fit any row."""
        widths = [max(len(column), NARROWEST) for column in self.columns]
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True)]
        print_text("  ".join(padded))
        sys.stdout.flush()


TEXTS = ("settings", "weights")  # columns of a training's table that are no figures


class StepRate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} steps/s" if speed else "")


@contextmanager
def training_view(columns: Sequence[str]) -> Iterator[TrainingView]:
    """Show a training while the block runs; its table is on stdout, once, when it ends."""
    console = stderr()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        StepRate(),
        TimeRemainingColumn(),
        console=console,
    )
    if not console.is_terminal:
        yield TrainingView(None, bar, columns)
        return
    view = None
    try:
        live = Live(bar, console=console, transient=True, refresh_per_second=4)
        with drawn_on(console), live:
            view = TrainingView(live, bar, columns)
            yield view
    finally:  # a training that fails or is stopped has a table too
        if view is not None and view.rows:
            texts = (n for n, name in enumerate(columns) if name in TEXTS)
            print_table(columns, view.rows, left=(0, *texts))
