"""What stands before every request: its size, its time, its token; and the count of them all."""

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

WHOLE = "seqrec.whole"  # in the scope of a request that was read to its end
OPEN = ("/health", "/")  # asked without a token: by a load balancer, and by a browser for the page


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request may take.

    Attributes:
        body: bytes.
        seconds: from its first byte to its answer.
        token: what `Authorization: Bearer` must hold; None: nothing.
    """

    body: int = 1 << 20
    seconds: float = 10.0
    token: str | None = None


class Guard:
    """Refuses requests that are too large, too slow or without the token, before the service."""

    def __init__(
        self, app: Application, limits: Limits, count: Callable[[str, int, float], None]
    ) -> None:
        """Of the service; `count` gets path, status and seconds of each request."""
        self.app = app
        self.limits = limits
        self.count = count

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on with its whole body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, answered = time.perf_counter(), 500, False

        async def noted(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
            await send(message)

        try:
            async with asyncio.timeout(self.limits.seconds):
                await self.guarded(scope, receive, noted)
        except TimeoutError:
            if answered:
                raise
            if scope.get(WHOLE):
                await refuse(noted, 503, "the answer took too long", "ask again later")
            else:
                await refuse(noted, 408, "the request did not end in time", "send it faster")
        finally:
            self.count(scope["path"], status, time.perf_counter() - started)

    async def guarded(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on if it may."""
        if not self.is_allowed(scope):
            await refuse(send, 401, "this needs the service's token", "Authorization: Bearer …")
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > self.limits.body:
                hint = f"send at most {self.limits.body:,} bytes"
                await refuse(send, 413, "the body of the request is too large", hint)
                return
            if not message.get("more_body"):
                break
        scope[WHOLE], given = True, False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, whole, send)

    def is_allowed(self, scope: MutableMapping[str, Any]) -> bool:
        """Whether the request brings the token, or needs none."""
        if self.limits.token is None or scope["path"] in OPEN:
            return True
        wanted = f"Bearer {self.limits.token}".encode()
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return any(hmac.compare_digest(value, wanted) for value in given)


async def refuse(send: Send, status: int, error: str, hint: str) -> None:
    """Answer with a problem."""
    body = json.dumps({"error": error, "hint": hint}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
