"""Small logs in every layout, written and read."""

from pathlib import Path
from typing import Any

from seqrec_cli.core.data.interactions import Interactions, Reading, read_interactions
from seqrec_cli.core.data.reading.sources import TextSource

# The same three rows in every format that has all four columns.
ROWS = [(7, 30, 4.5, 978300760), (2, 10, 3.0, 978300761), (7, 10, 1.0, 978300000)]


def read(path: Path, **reading: Any) -> Interactions:
    return read_interactions(TextSource(path), Reading(**reading))


def written(tmp_path: Path, content: str | bytes, name: str = "log.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(log: Interactions) -> list[tuple[Any, ...]]:
    """The rows as they were in the file: ids, rating, time."""
    columns = [log.user_ids[log.users].tolist(), log.item_ids[log.items].tolist()]
    columns += [column.tolist() for column in (log.ratings, log.timestamps) if column is not None]
    return list(zip(*columns, strict=True))


def lines(delimiter: str, header: str = "") -> str:
    body = "".join(delimiter.join(map(str, row)) + "\n" for row in ROWS)
    return (header.replace(",", delimiter) + "\n" if header else "") + body
