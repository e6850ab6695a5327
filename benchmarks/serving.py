"""Latency of `seqrec serve`: requests at a fixed rate from another process, timed as they were due.

$ seqrec serve RUN & python -m benchmarks.serving --rate 200 --seconds 20

A request counts from when it was due, not from when a connection was free: a service that stands
still is charged for all that had to wait (open loop; no coordinated omission).
"""

import argparse
import asyncio
import os
import random
import sys
import time

import httpx
import numpy as np


async def ask(client: httpx.AsyncClient, due: float, body: object, times: list[float]) -> None:
    """One request, and its seconds since it was due."""
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    answer = await client.post("/recommend", json=body)
    answer.raise_for_status()
    times.append(time.perf_counter() - due)


async def measure(address: str, rate: float, seconds: float, seed: int) -> list[float]:
    """The seconds of all requests: histories of 1 to 50 items, 10 items asked for."""
    draw, times = random.Random(seed), list[float]()
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60) as client:
        found = (await client.get("/items", params={"query": "a", "most": 50})).json()
        items = [row["item"] for row in found]
        bodies = [{"history": draw.choices(items, k=draw.randint(1, 50))} for _ in range(200)]
        for body in bodies[:20]:
            await client.post("/recommend", json=body)
        start = time.perf_counter() + 0.5
        count = round(rate * seconds)
        asked = (ask(client, start + n / rate, bodies[n % 200], times) for n in range(count))
        await asyncio.gather(*asked)
    return times


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    before, start = os.getloadavg()[0], time.perf_counter()
    times = asyncio.run(measure(given.address, given.rate, given.seconds, given.seed))
    rate = len(times) / (time.perf_counter() - start)
    p50, p99 = np.quantile(times, [0.5, 0.99]) * 1000
    sys.stdout.write(
        f"{len(times):,} requests, {given.rate:g} a second asked for, {rate:.0f} answered: "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; load of the machine before: {before:.1f}\n"
    )


if __name__ == "__main__":
    main()
