"""The Typer app: the list of commands and the error boundary."""

import functools
import gc
import os
from collections.abc import Callable
from typing import Annotated

import typer

from seqrec_cli import __version__, console
from seqrec_cli.commands import (
    compare,
    configs,
    doctor,
    embed,
    evaluate,
    experiment,
    leaderboard,
    listing,
    plot,
    prepare,
    recommend,
    score,
    similar,
    train,
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

NO_MEMORY = SeqRecError(
    "there is not enough memory for this",
    "use a machine with more, or a smaller model, batch or list",
)


def friendly(command: Callable[..., None]) -> Callable[..., None]:
    """Show a SeqRecError as a sentence and a hint, exit code 1; a defect keeps its traceback."""

    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> None:
        try:
            command(*args, **kwargs)
        except SeqRecError as error:
            if os.environ.get("SEQREC_DEBUG"):
                raise
            console.fail(error)
            raise typer.Exit(1) from error
        except BrokenPipeError:
            raise  # the reader of our output has closed it; Typer ends quietly
        except OSError as error:
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
        except (MemoryError, RuntimeError) as error:
            if os.environ.get("SEQREC_DEBUG") or not is_about_memory(error):
                raise
            console.fail(NO_MEMORY)
            raise typer.Exit(1) from error

    return run


def is_about_memory(error: Exception) -> bool:
    """Whether memory ran out, which torch says in words."""
    message = str(error)
    return isinstance(error, MemoryError) or any(
        words in message for words in ("DefaultCPUAllocator", "out of memory")
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
    leaderboard.leaderboard,
    recommend.recommend,
    similar.similar,
    score.score,
    embed.embed,
    plot.plot,
    listing.list_,
    configs.configs,
    doctor.doctor,
)
for command in COMMANDS:
    app.command(command.__name__.rstrip("_"), cls=Command)(friendly(command))


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
