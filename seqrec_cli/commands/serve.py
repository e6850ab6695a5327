"""seqrec serve: recommendations over HTTP."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import (
    Data,
    DataDir,
    Device,
    OfOneRun,
    say_which,
)

LOCAL = ("127.0.0.1", "::1", "localhost")
TOKEN = "SEQREC_TOKEN"
LONGEST_TOKEN = 4096  # bytes of its file


@dataclass(frozen=True, kw_only=True)
class ServeOptions(OfOneRun):
    """The options of `seqrec serve`."""

    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file with the token that requests must bring (Authorization: Bearer); or set "
            f"{TOKEN}.",
        ),
    ] = None
    body_limit: Annotated[
        int, typer.Option(min=100, max=1 << 30, help="Largest body of a request, in bytes.")
    ] = 1 << 20
    timeout: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds that a request may take.")
    ] = 10.0
    renew_every: Annotated[
        float,
        typer.Option(min=0.1, max=86_400, help="Seconds between two looks for newer weights."),
    ] = 5.0
    workers: Annotated[
        int,
        typer.Option(
            min=1, max=256, help="Processes that answer, each with the run in its own memory."
        ),
    ] = 1
    data: Data = None
    data_dir: DataDir = Path("data")
    device: Device = "auto"


@takes(ServeOptions)
def serve(options: ServeOptions) -> None:
    """Answer over HTTP: recommendations, similar items, scores.

    $ seqrec serve latest --port 8000
    """
    check_packages()
    from seqrec_cli.core.devices import choose_device
    from seqrec_cli.core.runs.live import Live
    from seqrec_cli.core.runs.served import Place
    from seqrec_cli.serving.limits import Limits
    from seqrec_cli.serving.listening import listen, serve_until_stopped
    from seqrec_cli.serving.processes import Service, serve_by_processes

    token = read_token(options.token_file)
    place = Place(options.run, options.data, options.data_dir, choose_device(options.device))
    live = Live(place)
    path = live.now.run.path
    say_which(options.run, path)
    console.warn_all(live.now.notes)
    limits = Limits(body=options.body_limit, seconds=options.timeout, token=token)
    service = Service(place, limits, options.renew_every, say_news)
    with listen(options.host, options.port) as at:
        port = at.getsockname()[1]
        if options.host not in LOCAL and token is None:
            console.warn(f"anybody who reaches {options.host} may ask: set {TOKEN}")
        host = f"[{options.host}]" if ":" in options.host else options.host
        console.success(f"serving {path} at http://{host}:{port}")
        if options.workers > 1:
            del live  # each process has its own
            serve_by_processes(service, at, options.workers)
        else:
            serve_until_stopped(service.answered_by(live), at)
    console.success("stopped; what was begun was answered")


def check_packages() -> None:
    """Refuse to begin without the packages of the extra.

    Raises:
        MissingExtra: with the first that is missing.
    """
    from seqrec_cli.errors import MissingExtra

    for package in ("fastapi", "uvicorn", "prometheus_client"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "serve")


def read_token(path: Path | None) -> str | None:
    """The token of the file, or of the environment; None without either.

    Raises:
        InputError: the file cannot be read, or the token is no word of ASCII.
    """
    from seqrec_cli.core.storage import foreign
    from seqrec_cli.errors import InputError

    place = TOKEN if path is None else f"`{path}`"
    text = os.environ.get(TOKEN)
    if path is not None:
        try:
            text = foreign.read_text(path, LONGEST_TOKEN, follow=True)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the token in {place}: {error}") from error
    if text is None:
        return None
    token = text.strip()
    if not token or not token.isascii() or len(token.split()) != 1:
        raise InputError(f"{place} holds no token", "write one word of ASCII characters")
    return token


def say_news(news: str, is_bad: bool) -> None:
    """Say what became of newer weights."""
    console.warn(news) if is_bad else console.info(news)
