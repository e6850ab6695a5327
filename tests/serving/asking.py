"""A service in this process, and requests to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import torch

from seqrec_cli.core.runs.live import Live
from seqrec_cli.core.runs.served import Place
from seqrec_cli.serving.limits import Limits
from seqrec_cli.serving.service import make_service

News = list[tuple[str, bool]]


def live_run(name: str = "one") -> Live:
    """The run of that name in the folder here."""
    return Live(Place(name, None, Path("data"), torch.device("cpu")))


@contextlib.asynccontextmanager
async def opened(
    live: Live, limits: Limits | None = None, every: float = 60, news: News | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service; what breaks in there is answered with 500, as over the network."""
    said: News = [] if news is None else news
    # Patient: what is slow on a busy machine is no failure.
    service = make_service(
        live, limits or Limits(seconds=120), every, lambda *each: said.append(each)
    )
    async with service.router.lifespan_context(service):
        transport = httpx.ASGITransport(app=service, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


def with_client(
    live: Live, work: Callable[[httpx.AsyncClient], Awaitable[Any]], **options: Any
) -> Any:
    """What `work` gives with a client of a service."""

    async def run() -> Any:
        async with opened(live, **options) as client:
            return await work(client)

    return asyncio.run(run())


def post(live: Live, path: str, body: Any, **options: Any) -> httpx.Response:
    """The answer to one request."""
    answer: httpx.Response = with_client(live, lambda c: c.post(path, json=body), **options)
    return answer
