"""Memory of `seqrec serve` over many requests of every kind, right and wrong.

$ seqrec serve RUN & python -m benchmarks.serving_memory $! --requests 100000

Prints the resident memory of the process each tenth of the way. No two bodies are the same, so
that what is kept of each would show.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.serving import Connection, answered, ask
from seqrec_cli import console

CONNECTIONS = 16

Body = tuple[str, str, Any]  # method, path, and the body


def resident(pid: int) -> float:
    """The resident memory of a process, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


def drawn(draw: random.Random, items: list[Any], number: int) -> Body:
    """The request of that number."""
    some = draw.choices(items, k=draw.randint(1, 50))
    strange = [f"strange {number} {n}" for n in range(draw.randint(1, 50))]
    kinds: list[Body] = [
        ("POST", "/recommend", {"history": some, "k": draw.randint(1, 100)}),
        ("POST", "/recommend", {"history": [*some, *strange], "exclude": [*some, *strange]}),
        ("POST", "/recommend", {"many": [{"history": [item]} for item in some], "k": 5}),
        ("POST", "/recommend", {"history": some[:10], "why": True}),
        ("POST", "/similar", {"item": some[0], "k": draw.randint(1, 100)}),
        ("POST", "/score", {"history": some, "items": [*items, *strange]}),
        ("GET", f"/items?query={number % 1000}", None),
        ("POST", "/recommend", {"user": f"nobody {number}"}),
        ("POST", "/recommend", {"history": strange}),
        ("POST", f"/nowhere/{number}", {f"key {number}": number}),
        ("POST", "/similar", [number]),
        ("GET", "/metrics", None),
    ]
    return draw.choice(kinds)


async def work(
    connection: Connection, numbers: "asyncio.Queue[int]", items: list[Any], seen: Counter[int]
) -> None:
    """Ask what waits, and count the statuses."""
    while True:
        number = await numbers.get()
        status, _ = await answered(connection, *drawn(random.Random(number), items, number))
        seen[status] += 1
        numbers.task_done()


async def measure(given: argparse.Namespace) -> None:
    """Ask in tenths, and print after each."""
    where = given.host, given.port
    connections = [await asyncio.open_connection(*where) for _ in range(CONNECTIONS)]
    items = [r["item"] for r in json.loads(await ask(connections[0], "GET", "/items?query=1"))]
    seen: Counter[int] = Counter()
    numbers: asyncio.Queue[int] = asyncio.Queue()
    workers = [asyncio.create_task(work(each, numbers, items, seen)) for each in connections]
    start, tenth = time.monotonic(), max(1, given.requests // 10)
    console.print_text(f"{0:>9,} requests: {resident(given.pid):.1f} MiB")
    for first in range(0, given.requests, tenth):
        for number in range(first, min(first + tenth, given.requests)):
            numbers.put_nowait(number)
        done = asyncio.create_task(numbers.join())
        await asyncio.wait([done, *workers], return_when="FIRST_COMPLETED")
        for worker in workers:
            if worker.done():
                worker.result()  # it raised
        by_status = ", ".join(f"{status}: {count:,}" for status, count in sorted(seen.items()))
        console.print_text(
            f"{seen.total():>9,} requests: {resident(given.pid):.1f} MiB, "
            f"{time.monotonic() - start:.0f} s ({by_status})"
        )
    for worker in workers:
        worker.cancel()


def main() -> None:
    """Measure and print a line for each tenth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pid", type=int, help="of the service")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--requests", type=int, default=100_000)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
