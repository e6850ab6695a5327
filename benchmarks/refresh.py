"""python -m benchmarks.refresh LOG: a run continued on a log that has grown, beside one anew.

Each user's first `--share` of the log is the old day; all of it is the new one. Trains a run on the
old day and, on the new one, three: from nothing, from the old run, and from the old run with new
items at random. Prints seconds of CPU, the valid part's figures, and what is lost on old users; the
test part is not read. A run that is there is not trained again.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from seqrec_cli import console

AT_RANDOM = (
    "import functools, sys; from seqrec_cli.core.runs import refreshing as r; "
    "r.carry_over = functools.partial(r.carry_over, neighbours=False); "
    "from seqrec_cli.__main__ import main; main()"
)


def cut(log: Path, target: Path, share: float) -> None:
    """Write each user's first `share` of a log whose lines start with the user."""
    rows: dict[str, list[str]] = {}
    for line in log.read_text().splitlines():
        rows.setdefault(line.split()[0], []).append(line)
    kept = (line for lines in rows.values() for line in lines[: max(1, int(share * len(lines)))])
    target.write_text("".join(f"{line}\n" for line in kept))


def seconds_of(*command: str, code: str = "") -> float:
    """Run seqrec and return its seconds of CPU."""
    start = ["-c", code] if code else ["-m", "seqrec_cli"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *start, *command], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def train(run: str, *command: str, code: str = "") -> float:
    """Train a run, unless it is there, and return its seconds of CPU, which it keeps."""
    noted = Path("runs", run, "cpu_seconds.json")
    if not noted.exists():
        seconds = seconds_of("train", *command, "--run", run, code=code)
        noted.write_text(json.dumps(seconds))
    return float(json.loads(noted.read_text()))


def lost(run: str) -> list[str]:
    """What a continued run has lost on old users, with the interval; of NDCG@10, then HR@10."""
    kept = Path("runs", run, "old_users.json")
    if not kept.exists():
        return ["", ""]
    figures = json.loads(kept.read_text())["figures"]
    return [
        f"{found['difference']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]"
        for found in (figures["ndcg@10"], figures["hr@10"])
    ]


def best_of(run: str) -> dict[str, float]:
    """The figures of a run's best validation."""
    lines = Path("runs", run, "metrics.jsonl").read_text().splitlines()
    found = [each for each in map(json.loads, lines) if each["best"]]
    return dict(found[-1])


def main() -> None:
    """Train the four runs in the folder, unless they are there, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--folder", type=Path, required=True, help="kept: data and runs are there")
    parser.add_argument("--config", default="seqrec-small")
    parser.add_argument("--share", type=float, default=0.9)
    parser.add_argument("--set", dest="changes", action="append", default=[], help="of all runs")
    parser.add_argument("--onward", action="append", default=[], help="--set of continued ones")
    parser.add_argument("--only", choices=("old", "anew", "neighbours", "random"))
    given = parser.parse_args()
    log = given.log.resolve()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(given.folder)
    if not Path("data/new.json").exists():
        cut(log, Path("old.txt"), given.share)
        seconds_of("prepare", "old.txt", "--name", "old")
        seconds_of("prepare", "--like", "data/old.json", str(log), "--name", "new")
    changes = [part for change in given.changes for part in ("--set", change)]
    anew = ("--config", given.config, *changes)
    changed = [part for change in given.onward for part in ("--set", change)]
    onward = ("--from", "old", "--data", "new", *changed)
    rows = []
    for run, command, code in (
        ("old", (*anew, "--data", "old"), ""),
        ("anew", (*anew, "--data", "new"), ""),
        ("neighbours", onward, ""),
        ("random", onward, AT_RANDOM),
    ):
        if given.only in (None, run):
            taken = train(run, *command, code=code)
            best = best_of(run)
            figures = [f"{best[key]:.4f}" for key in ("ndcg@10", "hr@10")]
            rows.append([run, f"{taken:.0f}", str(best["epoch"]), *figures, *lost(run)])
    columns = ["run", "CPU seconds", "epoch", "NDCG@10", "HR@10", "NDCG on old users", "HR"]
    console.print_table(columns, rows, left=(0,))


if __name__ == "__main__":
    main()
