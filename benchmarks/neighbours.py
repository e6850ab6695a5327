"""Libraries for nearest neighbours: HNSW by voyager, usearch and faiss, against exact search.

    pip install voyager usearch faiss-cpu
    python -m benchmarks.neighbours [--items 10000 100000 1000000]

Vectors of norm 1 and size 64 that resemble trained ones: clusters of unequal size, most of the
variance in few directions; queries lie between the items of a cluster. Each library uses the
smallest `ef_search` that reaches a recall@10 of 0.98; times are of 2,000 queries at once on all
cores, medians of five, and are compared with the exact search in the same process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

SIZE, QUERIES, K, REPEATS = 64, 2000, 10, 5
M, EF_CONSTRUCTION = 16, 200
EFFORTS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
WANTED = 0.98


def make(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Items (count, SIZE) and queries (QUERIES, SIZE), float32, of norm 1."""
    random = np.random.default_rng(seed)
    scales = (1 + np.arange(SIZE)) ** -0.5
    centres = random.normal(size=(max(16, count // 500), SIZE)) * scales
    chances = random.pareto(1.5, len(centres)) + 1
    owners = random.choice(len(centres), count, p=chances / chances.sum())
    items = centres[owners] + 0.5 * random.normal(size=(count, SIZE)) * scales
    asked = centres[random.choice(owners, QUERIES)]
    queries = asked + 0.5 * random.normal(size=(QUERIES, SIZE)) * scales
    items, queries = (
        np.ascontiguousarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)
        for x in (items, queries)
    )
    return items, queries


def exact(items: Any, queries: Any) -> Any:
    """The K best items of each query by matrix product and top-k, a chunk of queries at a time."""
    table = torch.from_numpy(items)
    step = max(1, (64 << 20) // (4 * len(items)))
    chunks = torch.from_numpy(queries).split(step)
    return torch.cat([(chunk @ table.T).topk(K, dim=1).indices for chunk in chunks]).numpy()


def with_voyager(items: Any) -> Callable[[Any, int], Any]:
    import voyager

    index = voyager.Index(
        voyager.Space.InnerProduct, num_dimensions=SIZE, M=M, ef_construction=EF_CONSTRUCTION
    )
    index.add_items(items, num_threads=-1)
    return lambda queries, effort: index.query(queries, K, -1, effort)[0]


def with_usearch(items: Any, dtype: str = "f32") -> Callable[[Any, int], Any]:
    from usearch.index import Index

    index = Index(
        ndim=SIZE, metric="ip", dtype=dtype, connectivity=M, expansion_add=EF_CONSTRUCTION
    )
    index.add(np.arange(len(items)), items, threads=0)

    def search(queries: Any, effort: int) -> Any:
        index.expansion_search = effort  # type: ignore[misc]  # usearch's stub lacks the setter
        return index.search(queries, K, threads=0).keys

    return search


def with_faiss(items: Any) -> Callable[[Any, int], Any]:
    import faiss

    index = faiss.IndexHNSWFlat(SIZE, M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(items)

    def search(queries: Any, effort: int) -> Any:
        index.hnsw.efSearch = effort
        return index.search(queries, K)[1]

    return search


MAKERS: dict[str, Callable[[Any], Callable[[Any, int], Any]]] = {
    "voyager": with_voyager,
    "usearch": with_usearch,
    "usearch-f16": partial(with_usearch, dtype="f16"),
    "faiss": with_faiss,
}


def resident() -> int:
    """Bytes of this process in memory, on Linux."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def timed(work: Callable[[], Any]) -> float:
    """The median seconds of several runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def measure(library: str, count: int) -> dict[str, Any]:
    """One library at one size, in this process."""
    items, queries = make(count)
    truth = exact(items, queries)
    exact_seconds = timed(lambda: exact(items, queries))
    before = resident()
    start = time.perf_counter()
    search = MAKERS[library](items)
    build = time.perf_counter() - start
    memory = resident() - before
    for effort in EFFORTS:
        found = search(queries, effort)
        recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth, strict=True)])
        if recall >= WANTED:
            break
    seconds = timed(lambda: search(queries, effort))
    return {
        "library": library,
        "items": count,
        "build_s": round(build, 2),
        "memory_mb": round(memory / 2**20),
        "effort": effort,
        "recall": round(float(recall), 4),
        "us_a_query": round(1e6 * seconds / QUERIES, 1),
        "exact_us_a_query": round(1e6 * exact_seconds / QUERIES, 1),
        "times_exact": round(exact_seconds / seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--library", choices=tuple(MAKERS))
    arguments = parser.parse_args()
    if arguments.library:
        print(json.dumps(measure(arguments.library, arguments.items[0])))  # noqa: T201
        return
    rows = []
    for count in arguments.items:
        for library in MAKERS:
            # A separate process, so that its memory is that of the library.
            command = [sys.executable, "-m", "benchmarks.neighbours", "--library", library]
            done = subprocess.run(
                [*command, "--items", str(count)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                reason = done.stderr.strip().splitlines()[-1:]
                print(f"{library} at {count:,} items: {reason}", file=sys.stderr)  # noqa: T201
                continue
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)  # noqa: T201
    target = Path(__file__).parent / "results" / "neighbours.json"
    target.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
