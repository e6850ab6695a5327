"""The samples of logs in SEQREC_DATASETS: run commands on them and compare with the truth.

python -m tests.core.data.reading.samples        a line a sample, and the counts
python -m tests.core.data.reading.samples NAME…  these alone, in full
"""

import argparse
import json
import os
import re
import shlex
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import parse_place
from seqrec_cli.errors import SeqRecError

SECONDS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}


@dataclass(frozen=True)
class Outcome:
    """What came of a command: exact, refused or wrong; and in words."""

    kind: str
    words: str
    hint: str = ""


def folder() -> Path | None:
    """Where the samples are, if they are anywhere."""
    named = os.environ.get("SEQREC_DATASETS")
    return Path(named) / "logs" if named else None


def load(name: str) -> Any:
    found = folder()
    return json.loads((found / name).read_text()) if found else {}


def parsed(command: str) -> tuple[list[str], Reading]:
    """The files and the options of what is typed after `seqrec prepare`."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("places", nargs="+")
    texts = (
        "columns",
        "delimiter",
        "encoding",
        "time-format",
        "rating-values",
        "repeats",
        "format",
    )
    for option in (*texts, "items-file", "users-file", "valid", "test", "train", "task"):
        parser.add_argument(f"--{option}", default="")
    parser.add_argument("--where", action="append", default=[])
    parser.add_argument("--min-rating", type=float)
    parser.add_argument("--header", action="store_true", default=None)
    parser.add_argument("--no-header", dest="header", action="store_false")
    parser.add_argument("--drop-incomplete", action="store_true")
    said = parser.parse_args(shlex.split(command))
    pairs = dict(part.split("=", 1) for part in said.columns.split(",") if part)
    values = dict(part.split("=", 1) for part in said.rating_values.split(",") if part)
    reading = Reading(
        format=said.format or None,
        columns=pairs,
        delimiter=said.delimiter,
        header=said.header,
        encoding=said.encoding,
        time_format=said.time_format,
        where=tuple(said.where),
        rating_values={word: float(value) for word, value in values.items()},
        min_rating=said.min_rating,
        repeats=said.repeats or "keep",
        drop_incomplete=said.drop_incomplete,
        items=Path(said.items_file) if said.items_file else None,
        users=Path(said.users_file) if said.users_file else None,
        more=tuple(map(Path, said.places[1:])),
        valid=Path(said.valid) if said.valid else None,
        test=Path(said.test) if said.test else None,
    )
    return said.places[:1], reading


def sequences(rows: Any) -> dict[str, list[tuple[int, str]]]:
    """Of each user the times and items, oldest first."""
    times = rows.times if rows.times is not None else np.zeros(len(rows.users), np.int64)
    order = np.lexsort((times, rows.users))
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    users, items = rows.user_ids[rows.users].tolist(), rows.item_ids[rows.items].tolist()
    for row in order.tolist():
        found[str(users[row])].append((int(times[row]), str(items[row])))
    return found


def within(found: list[str], items: list[str]) -> bool:
    """Whether items are some of others, in their order."""
    rest = iter(items)
    return all(item in rest for item in found)


def difference(rows: Any, truth: Any) -> str:
    """How the rows differ from the truth, "" if they do not.

    The truth has rows that lack something in the file too; where such were left out, the others
    must be there in their order.
    """
    found = sequences(rows)
    expected = truth["sequences"]
    lacking = sum(n for reason, n in rows.dropped.items() if reason.startswith("no "))
    if lacking and len(rows.users) + lacking == truth["rows"]:
        wrong = [
            u
            for u, items in found.items()
            if not within([i for _, i in items], expected.get(u, []))
        ]
        return f"users {wrong[:3]}" if wrong else ""
    if set(found) != set(expected):
        return f"users {sorted(found)[:3]} instead of {sorted(expected)[:3]}"
    resolution = truth.get("resolution")
    for user, items in expected.items():
        own = [item for _, item in found[user]]
        if own == items:
            continue
        if sorted(own) != sorted(items):
            return f"user {user}: items {own[:4]} instead of {items[:4]}"
        if not resolution or not isinstance(resolution, int) or rows.times is None:
            return f"user {user}: order {own[:4]} instead of {items[:4]}"
        # Within a time of the file's resolution the order is free.
        moved = {t for (t, item), true in zip(found[user], items, strict=True) if item != true}
        if any([t for t, _ in found[user]].count(t) < 2 for t in moved):
            return f"user {user}: order {own[:4]} instead of {items[:4]}"
    return ""


def run(sample: Path, command: str, truth: Any) -> Outcome:
    """Read as a command says, in the sample's folder."""
    before = Path.cwd()
    os.chdir(sample)
    try:
        places, reading = parsed(command)
        log = read_log(parse_place(places[0]), reading)
    except SeqRecError as error:
        return Outcome("refused", error.message, error.hint)
    finally:
        os.chdir(before)
    if truth is None:
        return Outcome("wrong", "was read, though it is no log")
    wrong = difference(log.rows, truth)
    found = log.findings
    kinds = [(kind.column, dict(kind.counts)) for kind in found.kinds]
    notes = f"{log.columns} {found.order} {kinds} {found.notes}"
    return Outcome("wrong" if wrong else "exact", f"{wrong} {notes}")


def hinted(hint: str) -> list[str]:
    """The commands in a hint."""
    return re.findall(r"`seqrec prepare (.+?)`(?:$|[;, .])", hint)


def judged(name: str, command: str, truth: Any) -> tuple[str, Outcome]:
    """exact; hint (refused, and the hint gives the truth); none (refused, no truth); or worse."""
    found = folder()
    assert found is not None
    outcome = run(found / name, command, truth)
    if outcome.kind != "refused":
        return outcome.kind, outcome
    if truth is None:
        return "not ours", outcome
    for proposal in hinted(outcome.hint):
        if run(found / name, proposal, truth).kind == "exact":
            return "hint", outcome
        again = run(found / name, proposal, truth)
        for second in hinted(again.hint):
            if run(found / name, second, truth).kind == "exact":
                return "hint twice", outcome
    return "refused", outcome


def main() -> int:
    commands, truths = load("commands.json"), load("truth.json")
    names = sys.argv[1:] or sorted(commands)
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        for number, command in enumerate(commands[name] if sys.argv[1:] else commands[name][:1]):
            try:
                kind, outcome = judged(name, command, truths.get(name))
            except Exception as error:  # a defect, shown with the others
                if sys.argv[1:]:
                    raise
                kind, outcome = "CRASH", Outcome("crash", f"{type(error).__name__}: {error}"[:300])
            counts[kind] += not number
            text = f"{outcome.words} || {outcome.hint}" if outcome.hint else outcome.words
            shown = text if sys.argv[1:] else text[:400]
            sys.stdout.write(f"{kind:10} {name:22} {command[:60]:60} {shown}\n")
    sys.stdout.write(f"{dict(counts)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
