"""Lines that the engine could not read: how many, and the first of them in words."""

from dataclasses import dataclass

from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.wording import shortened

REASONS = {
    "MISSING COLUMNS": "fewer values than the other lines have",
    "TOO MANY COLUMNS": "more values than the other lines have",
    "UNQUOTED VALUE": "quotes that do not fit together",
    "LINE SIZE OVER MAXIMUM": "a very long line",
    "INVALID ENCODING": "a byte that is not UTF-8",
    "INVALID STATE": "quotes that do not fit together",
}
SHOWN = 1 << 12  # characters of a line that are looked at


@dataclass(frozen=True)
class Rejected:
    """Lines that were not read.

    Attributes:
        count: how many.
        line: the first of them, from 1.
        words: what is wrong with it, and how it begins.
    """

    count: int
    line: int
    words: str


def rejected(engine: Engine) -> Rejected | None:
    """The lines that the scans so far could not read, or None."""
    ((count, line, kind, text),) = engine.rows(
        "SELECT count(DISTINCT (file_id, line)), min(line), arg_min(error_type, line), "
        f"left(arg_min(csv_line, line), {SHOWN}) FROM reject_errors"
    )
    if not count:
        return None
    reason = REASONS.get(str(kind), str(kind).lower())
    shown = shortened(" ".join(str(text or "").split()))
    return Rejected(int(count), int(line), f"{reason}: `{shown}`")


def forget_rejected(engine: Engine) -> None:
    """Start counting anew."""
    for table in ("reject_errors", "reject_scans"):
        engine.run(f"DROP TABLE IF EXISTS {table}")
