"""Size, time and token of requests, refused before the service sees them."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastapi")

from seqrec_cli.serving.limits import Limits
from tests.serving.asking import live_run, post, with_client


def test_a_large_body_is_refused(shop: Path) -> None:
    body = {"history": ["item 01"] * 100}
    answer = post(live_run(), "/recommend", body, limits=Limits(body=500))
    assert answer.status_code == 413
    assert "500 bytes" in answer.json()["hint"]
    assert (
        post(live_run(), "/recommend", body, limits=Limits(body=5000, seconds=120)).status_code
        == 200
    )


def test_a_slow_body_is_refused(shop: Path) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/recommend", content=slowly())

    assert with_client(live_run(), ask, limits=Limits(seconds=0.2)).status_code == 408


def test_a_slow_answer_is_the_services_fault(shop: Path) -> None:
    live = live_run()
    live.now.rules = lambda *rules: time.sleep(1)  # type: ignore[assignment]
    body = {"user": "u1", "only": "in_stock"}
    answer = post(live, "/recommend", body, limits=Limits(seconds=0.1))
    assert answer.status_code == 503
    assert "took too long" in answer.json()["error"]


def test_the_token_is_needed_but_for_health_and_the_page(shop: Path) -> None:
    async def ask(client: httpx.AsyncClient) -> list[int]:
        codes = [(await client.get(path)).status_code for path in ("/health", "/", "/metrics")]
        for given in ("Bearer wrong", "secret", "Bearer secret"):
            headers = {"Authorization": given}
            answer = await client.post("/recommend", json={"user": "u1"}, headers=headers)
            codes.append(answer.status_code)
        return codes

    codes = with_client(live_run(), ask, limits=Limits(token="secret"))
    assert codes == [200, 200, 401, 401, 401, 200]
