"""python -m benchmarks.reading: seconds and memory of `seqrec prepare` on generated logs.

Each log is made in a temporary folder (TMPDIR), read once by a process of its own, and removed.
Prints a line a log: seconds of wall clock and of CPU, the peak of memory, and the most bytes in the
temporary folder. `--rows` shrinks them all; the log of 300 M rows is made only when it is named.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

MILLION = 10**6
EVENTS = "CASE i % 9 WHEN 0 THEN 'purchase' WHEN 1 THEN 'cart' ELSE 'view' END"


def drawn(salt: int, most: int, power: float = 1.0) -> str:
    """SQL of a number from 0 up to `most`, drawn by the row's number i."""
    return f"CAST(floor({most} * pow((hash(i + {salt}) % 1000003) / 1000003.0, {power})) AS BIGINT)"


def copy(query: str, rows: int, target: Path, form: str, parts: int = 1) -> None:
    """Write a query over rows i into a file, or into the files of a folder."""
    for part in range(parts):
        path = target if parts == 1 else target / f"part-{part}.{target.suffix or 'parquet'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        span = f"range({part * rows // parts}, {(part + 1) * rows // parts})"
        duckdb.sql(f"COPY ({query} FROM {span} AS rows(i)) TO '{path}' ({form})")


def texts(folder: Path, rows: int) -> Path:
    """CSV of text ids, an event and ISO times."""
    target = folder / "texts.csv"
    query = (
        f"SELECT 'user-' || {drawn(1, 300_000)} AS user_id, "
        f"'i' || {drawn(2, 50_000, 2)} AS item_id, "
        f"{EVENTS} AS event, strftime(to_timestamp(1.5e9 + i * 7 + hash(i) % 99991), "
        "'%Y-%m-%dT%H:%M:%SZ') AS timestamp"
    )
    copy(query, rows, target, "HEADER")
    return target


def integers(folder: Path, rows: int) -> Path:
    """CSV of whole numbers, without a header."""
    target = folder / "integers.csv"
    times = "1500000000 + i // 2 + hash(i) % 1000"
    copy(
        f"SELECT {drawn(1, MILLION)}, {drawn(2, 100_000, 2)}, {times}",
        rows,
        target,
        "HEADER false",
    )
    return target


def parquet(folder: Path, rows: int) -> Path:
    """Thirty parts of Parquet: a million users, 100,000 items, milliseconds."""
    target = folder / "events"
    times = "1500000000000 + i * 300 + hash(i) % 1000000"
    query = (
        f"SELECT {drawn(1, MILLION)} AS user_id, {drawn(2, 100_000, 2)} AS item_id, "
        f"{times} AS timestamp"
    )
    copy(query, rows, target, "FORMAT parquet", parts=30)
    return target


def wide(folder: Path, rows: int) -> Path:
    """CSV of 1,900 columns."""
    target = folder / "wide.csv"
    names = ["user_id", "item_id", "timestamp", *(f"f{n}" for n in range(1897))]
    with target.open("w") as file:
        file.write(",".join(names) + "\n")
        for i in range(rows):
            values = ",".join(str((i * 7 + n) % 10) for n in range(1897))
            file.write(f"{i % 40},{i * 7 % 23},{1_500_000_000 + i},{values}\n")
    return target


def long_ids(folder: Path, rows: int) -> Path:
    """Parquet of 1 MB with as many ids of 1,000 characters as rows."""
    target = folder / "long.parquet"
    query = "SELECT i % 100 AS user_id, lpad('' || i, 1000, 'x') AS item_id, i AS timestamp"
    copy(query, rows, target, "FORMAT parquet, COMPRESSION zstd")
    return target


Log = tuple[Callable[[Path, int], Path], int]
LOGS: dict[str, Log] = {
    "texts": (texts, 5 * MILLION),
    "integers": (integers, 100 * MILLION),
    "wide": (wide, 1000),
    "long ids": (long_ids, 900_000),
    "parquet": (parquet, 300 * MILLION),
}


def bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue  # gone meanwhile
    return total


def watched(folder: Path, done: threading.Event, seen: list[int]) -> None:
    """Note the most bytes in a folder, until it is done."""
    while not done.wait(0.5):
        seen.append(bytes_in(folder))


def measured(log: Path, folder: Path) -> dict[str, float]:
    """Prepare a log in a process of its own."""
    temporary = folder / "temporary"
    temporary.mkdir()
    done, seen = threading.Event(), [0]
    watcher = threading.Thread(target=watched, args=(temporary, done, seen))
    watcher.start()
    start = time.perf_counter()
    command = [sys.executable, "-m", "seqrec_cli", "prepare", str(log), "--name", "x", "--data-dir"]
    process = subprocess.run(
        [*command, str(folder / "data")],
        env=os.environ | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    done.set()
    watcher.join()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.stderr.write(process.stderr)
    return {
        "exit": process.returncode,
        "seconds": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory GB": usage.ru_maxrss / 1e6,
        "temporary GB": max(seen) / 1e9,
        "dataset GB": bytes_in(folder / "data") / 1e9,
    }


def lines(names: list[str], rows: int | None) -> Iterator[dict[str, object]]:
    for name in names:
        make, usual = LOGS[name]
        # A process each, as the peak of memory is that of all children so far.
        with tempfile.TemporaryDirectory(prefix="seqrec-reading-") as folder:
            log = make(Path(folder), rows or usual)
            found = measured(log, Path(folder))
            yield {"log": name, "rows": rows or usual, "source GB": bytes_of(log) / 1e9, **found}


def bytes_of(log: Path) -> int:
    return bytes_in(log) if log.is_dir() else log.stat().st_size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(LOGS)}")
    parser.add_argument("--rows", type=int)
    said = parser.parse_args()
    names = said.names or [name for name in LOGS if name != "parquet"]
    if len(names) > 1:
        for name in names:
            own = [sys.executable, "-m", "benchmarks.reading", name]
            subprocess.run(own + (["--rows", str(said.rows)] if said.rows else []), check=True)
        return 0
    for line in lines(names, said.rows):
        shown = {k: round(v, 2) if isinstance(v, float) else v for k, v in line.items()}
        sys.stdout.write(json.dumps(shown) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
