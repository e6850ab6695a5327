"""What the user sees: results on stdout, diagnostics on stderr."""

import io
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

WIDE = 400  # columns of a table that goes into a pipe or a file

muted = {"all": False}

# A console is made at each call: a test, or a pipe set up late, may have changed what stdout is.


def stdout() -> Console:
    return fitted(Console(soft_wrap=True, highlight=False, emoji=False, quiet=muted["all"]))


def stderr() -> Console:
    quiet = muted["all"]
    return fitted(Console(stderr=True, soft_wrap=True, highlight=False, emoji=False, quiet=quiet))


def mute(silent: bool = True) -> None:
    """Print nothing from now on: of several workers the first one does."""
    muted["all"] = silent


def fitted(console: Console) -> Console:
    if isinstance(console.file, io.TextIOWrapper):
        # A title that the terminal cannot show is escaped.
        console.file.reconfigure(errors="backslashreplace")
    if not console.is_terminal:
        console.width = WIDE
    return console


def plain(text: str) -> Text:
    """Text as it is: no markup, and control characters made visible."""
    return Text(
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    )


def info(message: str) -> None:
    """Print what is going on."""
    stderr().print(plain(message))


def success(message: str) -> None:
    """Print that something is finished."""
    stderr().print(Text("done: ", "green") + plain(message))


def warn(message: str) -> None:
    """Print what the user should know before trusting the result."""
    stderr().print(Text("note: ", "yellow") + plain(message))


def warn_all(notes: Iterable[str]) -> None:
    """Print several notes."""
    for note in notes:
        warn(note)


def hint(message: str) -> None:
    """Print what to type next."""
    stderr().print(Text("hint: ", "cyan") + plain(message))


def fail(error: SeqRecError) -> None:
    """Show an error as a sentence and its remedy."""
    console = stderr()
    console.print(Text("error: ", "red") + plain(error.message))
    if error.hint:
        console.print()
        hint(error.hint)


def print_text(text: str) -> None:
    """Write a result to stdout."""
    stdout().print(plain(text))


def print_json(result: Any) -> None:
    """Write a result to stdout as JSON."""
    stdout()  # makes stdout escape what it cannot write
    from seqrec_cli.core.storage.text import to_json  # light: no torch, no numpy

    typer.echo(to_json(result, indent=2))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    left: Sequence[int] = (0,),
) -> None:
    """Write a table to stdout; the columns numbered in `left` are text, the others figures."""
    stdout().print(make_table(columns, rows, title=title, left=left))


def make_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    left: Sequence[int] = (0,),
) -> Table:
    table = Table(
        title=escape(title) if title else None, title_justify="left", box=None, pad_edge=False
    )
    for number, column in enumerate(columns):
        justify = "left" if number in left else "right"
        table.add_column(plain(column), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(plain(cell) for cell in row))
    return table


@contextmanager
def progress(total: int | None, unit: str) -> Iterator[Callable[[int, str], None]]:
    """A bar on stderr while the block runs; call what it yields with (amount done, remark)."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if total is not None else TextColumn("{task.completed}"),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr(),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda done, remark: bar.update(task, completed=done, description=escape(remark))


class TrainingView:
    """A bar for the epoch and a table that grows by a row a validation, on stderr.

    Where stderr is no terminal, a plain line a validation.
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
            info("  ".join(f"{c} {v}" for c, v in zip(self.columns, cells, strict=True)))
        else:
            self.live.update(Group(make_table(self.columns, self.rows), self.bar))


class StepRate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} steps/s" if speed else "")


@contextmanager
def training_view(columns: Sequence[str]) -> Iterator[TrainingView]:
    """Show a training while the block runs; its table is printed to stdout at the end."""
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
        view = TrainingView(None, bar, columns)
        yield view
    else:
        with Live(bar, console=console, transient=True, refresh_per_second=4) as live:
            view = TrainingView(live, bar, columns)
            yield view
    if view.rows:
        print_table(columns, view.rows)
