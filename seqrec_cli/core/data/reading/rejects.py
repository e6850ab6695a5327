"""Lines that the engine cannot read: the first of them in words, and how many there are.

Reading stops at the first one. They are recorded only if such lines are left out: for a line
with far too many values the engine needs memory in the square of their number.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from seqrec_cli.core.data.reading.engine import Engine, first_sentence
from seqrec_cli.core.data.reading.wording import shortened
from seqrec_cli.errors import InputError

# What stands in a scan for what is done about such lines, to be replaced.
STRICT = "ignore_errors = false"
SKIPPING = "ignore_errors = true"
NOTING = "store_rejects = true"
MOST_EXTRA = 1000  # values that a line may have too many, to be left out
PLACE = re.compile(r"CSV Error on Line: ([0-9]+)\nOriginal Line:(.*)", re.DOTALL)
REASONS = (
    (r"Expected Number of Columns: ([0-9]+) Found: ([0-9]+)", ""),
    ("quote", "quotes that do not fit together"),
    ("unicode", "a byte that is not UTF-8"),
    ("Maximum line size", "a very long line"),
)


@dataclass(frozen=True)
class Rejected:
    """A line that was not read.

    Attributes:
        line: its number, from 1.
        words: what is wrong with it, and how it begins.
    """

    line: int
    words: str


def rejected(error: duckdb.Error) -> Rejected | None:
    """The line that an error of the engine is about, or None."""
    match = PLACE.search(str(error))
    if match is None:
        return None
    text = match[2]
    reason = "cannot be read"
    for pattern, words in REASONS:
        if found := re.search(pattern, text):
            few = not words and int(found[2]) < int(found[1])
            reason = words or f"{'fewer' if few else 'more'} values than the other lines have"
            text = text[: found.start()] if not words else text
            break
    shown = shortened(" ".join(text.split("\nValue with")[0].split()))
    return Rejected(int(match[1]), f"{reason}: `{shown}`")


def unreadable(place: str, error: duckdb.Error, remedy: str = "fix that line") -> InputError:
    """What to say about an error of the engine."""
    found = rejected(error)
    if found is not None:
        return InputError(f"`{place}`, line {found.line}: {found.words}", remedy)
    return InputError(
        f"cannot read `{place}`: {first_sentence(error)}",
        "check that it is what its name says, or say how it is written: --delimiter, --encoding",
    )


def count_rejected(engine: Engine) -> int:
    """How many lines were left out."""
    return int(engine.value("SELECT count(DISTINCT (file_id, line)) FROM reject_errors"))


def refuse_oversized_lines(place: str, paths: Iterable[Path], delimiter: str, width: int) -> None:
    """Refuse a line with far too many values, before the engine records each of them."""
    if len(delimiter) != 1:
        return
    mark = ord(delimiter)
    for path in paths:
        carried, line = 0, 1
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                codes = np.frombuffer(block, np.uint8)
                ends = np.flatnonzero(codes == ord("\n"))
                marks = np.flatnonzero(codes == mark)
                counts = np.diff(np.searchsorted(marks, ends), prepend=0)
                if len(counts):
                    counts[0] += carried
                    carried = len(marks) - int(np.searchsorted(marks, ends[-1]))
                else:
                    carried += len(marks)
                most = int(counts.max(initial=carried))
                if most > width + MOST_EXTRA:
                    at = line + (int(counts.argmax()) if len(counts) else 0)
                    raise InputError(
                        f"`{place}`, line {at}: {most + 1:,} values, where {width} are due",
                        "leave that line out, or name the delimiter with --delimiter",
                    )
                line += len(ends)
