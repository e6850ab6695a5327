"""Small logs, written and read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.data.reading.log import Log, read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource

ReadText = Callable[..., Log]


def rows_of(log: Log) -> list[tuple[Any, ...]]:
    """The rows as they were in the file: user, item, and the time if there is one."""
    rows = log.rows
    columns = [rows.user_ids[rows.users].tolist(), rows.item_ids[rows.items].tolist()]
    columns += [rows.times.tolist()] if rows.times is not None else []
    return list(zip(*columns, strict=True))


@pytest.fixture
def read(tmp_path: Path) -> ReadText:
    """Write a text into a file and read it as a log."""

    def read_text(content: str | bytes, name: str = "log.csv", **reading: Any) -> Log:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_log(TextSource(path), Reading(**reading))

    return read_text


HEADER = "user,item,rating,time\n"


GOOD = "".join(f"{u},{i},{i % 5 + 1},{1_500_000_000 + i}\n" for u in (1, 2) for i in range(1, 9))
