"""Latency of `seqrec serve`: requests at a fixed rate from another process, timed as they were due.

$ seqrec serve RUN & python -m benchmarks.serving --rate 200 --seconds 20

A request counts from when it was due, not from when a connection was free: a service that stands
still is charged for all that had to wait (open loop; no coordinated omission).
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time

import numpy as np

CONNECTIONS = 64

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Waiting = asyncio.Queue[tuple[float, object]]  # when a request is due, and its body


async def ask(connection: Connection, method: str, path: str, body: object = None) -> bytes:
    """The body of an answer, which is a good one."""
    status, answer = await answered(connection, method, path, body)
    if status != 200:
        raise RuntimeError(f"{status}: {answer.decode()}")
    return answer


async def answered(
    connection: Connection, method: str, path: str, body: object = None
) -> tuple[int, bytes]:
    """Status and body of an answer; by hand, as a client library takes more time than the
    service."""
    reader, writer = connection
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: seqrec\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    named = dict(line.lower().split(": ", 1) for line in lines if line)
    return int(status.split()[1]), await reader.readexactly(int(named["content-length"]))


async def work(connection: Connection, waiting: Waiting, times: list[float]) -> None:
    """Ask on one connection what waits, and note the seconds since each was due."""
    while True:
        due, body = await waiting.get()
        await ask(connection, "POST", "/recommend", body)
        times.append(time.perf_counter() - due)
        waiting.task_done()


async def measure(host: str, port: int, rate: float, seconds: float, seed: int) -> list[float]:
    """The seconds of all requests: histories of 1 to 50 items, 10 items asked for."""
    draw, times = random.Random(seed), list[float]()
    connections = [await asyncio.open_connection(host, port) for _ in range(CONNECTIONS)]
    found = json.loads(await ask(connections[0], "GET", "/items?query=1&most=50"))
    items = [row["item"] for row in found]
    bodies = [{"history": draw.choices(items, k=draw.randint(1, 50))} for _ in range(200)]
    for body in bodies[:20]:
        await ask(connections[0], "POST", "/recommend", body)
    waiting: Waiting = asyncio.Queue()
    workers = [asyncio.create_task(work(each, waiting, times)) for each in connections]
    start = time.perf_counter()
    for n in range(round(rate * seconds)):
        due = start + n / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.put_nowait((due, bodies[n % 200]))
    await asyncio.wait(
        [asyncio.create_task(waiting.join()), *workers], return_when="FIRST_COMPLETED"
    )
    for worker in workers:
        if worker.done():
            worker.result()  # it raised
        worker.cancel()
    return times


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    before, start = os.getloadavg()[0], time.perf_counter()
    times = asyncio.run(measure(given.host, given.port, given.rate, given.seconds, given.seed))
    rate = len(times) / (time.perf_counter() - start)
    p50, p99 = np.quantile(times, [0.5, 0.99]) * 1000
    sys.stdout.write(
        f"{len(times):,} requests, {given.rate:g} a second asked for, {rate:.0f} answered: "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; load of the machine before: {before:.1f}\n"
    )


if __name__ == "__main__":
    main()
