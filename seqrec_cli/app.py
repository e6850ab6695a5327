"""The Typer app: the list of commands and the error boundary."""

import errno
import functools
import gc
import os
import re
from collections.abc import Callable
from typing import Annotated

import typer

from seqrec_cli import __version__, console
from seqrec_cli.commands import (
    compare,
    configs,
    doctor,
    drift,
    embed,
    evaluate,
    experiment,
    export,
    importing,
    leaderboard,
    listing,
    plot,
    prepare,
    recommend,
    report,
    score,
    serve,
    similar,
    train,
    tune,
)
from seqrec_cli.commands.binding import Command
from seqrec_cli.errors import SeqRecError

app = typer.Typer(
    name="seqrec",
    help="Learn what a person does next: prepare a log, train a sequential recommender, "
    "evaluate it honestly, recommend.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="markdown",
)

TORCH_SPACE = 1 << 30  # bytes of addresses that loading torch takes, and some more
NO_MEMORY_WORDS = (
    *("DefaultCPUAllocator", "out of memory", "failed to map segment", "std::bad_alloc"),
    *("cannot allocate memory", "Cannot allocate memory", "can't start new thread"),
)
SIZES = (  # as numpy and torch say what they could not get
    re.compile(r"Unable to allocate ([0-9.]+ [A-Za-z]{1,8}) for"),
    re.compile(r"tried to allocate ([0-9.]+ [A-Za-z]{1,8})", re.IGNORECASE),
)


def friendly(command: Callable[..., None]) -> Callable[..., None]:
    """Show a SeqRecError as a sentence and a hint, exit code 1; a defect keeps its traceback."""

    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> None:
        try:
            if command is not prepare.prepare:
                check_address_space()
            command(*args, **kwargs)
        except SeqRecError as error:
            if os.environ.get("SEQREC_DEBUG"):
                raise
            console.fail(error)
            raise typer.Exit(1) from error
        except BrokenPipeError:
            raise  # the reader of our output has closed it; Typer ends quietly
        except OSError as error:
            if is_about_memory(error):
                console.fail(no_memory(error))
                raise typer.Exit(1) from error
            # A path that cannot be reached is the user's to fix, wherever it came up.
            if os.environ.get("SEQREC_DEBUG"):
                raise
            place = f"`{error.filename}`" if error.filename else "the output"
            reason = error.strerror or str(error)
            console.fail(
                SeqRecError(
                    f"{place}: {reason}", "check the path and its permissions, or name another"
                )
            )
            raise typer.Exit(1) from error
        except (MemoryError, RuntimeError, ImportError) as error:
            if os.environ.get("SEQREC_DEBUG") or not is_about_memory(error):
                raise
            console.fail(no_memory(error))
            raise typer.Exit(1) from error

    return run


def check_address_space() -> None:
    """Refuse to load torch where it does not fit: half loaded, it aborts the process.

    Raises:
        SeqRecError: the address space is limited to less.
    """
    from seqrec_cli.core.storage.memory import address_space, in_words  # light: no torch

    if 0 < (limit := address_space()) < TORCH_SPACE:
        raise SeqRecError(
            f"there is not enough memory to load torch: the address space is limited to "
            f"{in_words(limit)}, and it takes {in_words(TORCH_SPACE)}",
            "raise the limit: `ulimit -v unlimited`",
        )


def is_about_memory(error: Exception) -> bool:
    """Whether memory ran out, which torch, the loader of libraries and threads say in words."""
    message = str(error)
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or any(words in message for words in NO_MEMORY_WORDS)
    )


def no_memory(error: Exception) -> SeqRecError:
    """The message of an error about memory, with the size that was asked for if it is known."""
    sizes = (pattern.search(str(error)) for pattern in SIZES)
    size = next((f": {match[1]} more were asked for" for match in sizes if match), "")
    return SeqRecError(
        f"there is not enough memory for this{size}",
        "use a machine with more (see `ulimit -v`), or a smaller model, batch or list",
    )


def print_version(wanted: bool) -> None:
    if wanted:
        console.print_text(f"seqrec {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


COMMANDS = (
    prepare.prepare,
    train.train,
    evaluate.evaluate,
    compare.compare,
    experiment.experiment,
    tune.tune,
    leaderboard.leaderboard,
    drift.drift,
    recommend.recommend,
    similar.similar,
    score.score,
    serve.serve,
    embed.embed,
    export.export_,
    importing.import_,
    plot.plot,
    report.report,
    listing.list_,
    configs.configs,
    doctor.doctor,
)
USE = ("recommend", "similar", "score", "serve", "embed", "export", "import")
LOOK = ("plot", "report", "list", "configs", "doctor")
PANELS = dict.fromkeys(USE, "Use a model") | dict.fromkeys(LOOK, "Look at what is here")
for command in COMMANDS:
    name = command.__name__.rstrip("_")
    panel = PANELS.get(name, "From a log to a measured model")
    app.command(name, cls=Command, rich_help_panel=panel)(friendly(command))


def run_app() -> None:
    """Run the command line."""
    # Importing torch makes half a million objects, none of them garbage. With the usual thresholds
    # the collector scans them again and again, and once more at the end: 0.4 s in all.
    gc.set_threshold(50_000, 20, 100)
    console.write_anything()  # Typer prints help and usage errors without asking us
    try:
        app()
    finally:
        gc.freeze()
