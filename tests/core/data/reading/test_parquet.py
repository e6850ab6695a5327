"""Parquet gives the same interactions as text; pyarrow writes it here, the engine reads it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from seqrec_cli.core.data.interactions import Reading, read_interactions
from seqrec_cli.core.data.reading import identifiers
from seqrec_cli.core.data.reading import parquet as reading_parquet
from seqrec_cli.core.data.reading.engine import Engine
from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import rows_of

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def read(tmp_path: Path, table: dict[str, list[Any]], **reading: Any) -> Any:
    path = tmp_path / "log.parquet"
    parquet.write_table(arrow.table(table), path)
    return read_interactions(TextSource(path), Reading(**reading))


@pytest.mark.parametrize(
    ("times", "stored", "unit"),
    [
        ([100, 101, 99], [100, 101, 99], "as in the source"),
        ([1e9, 1e9 + 0.5, 0.0], [10**12, 10**12 + 500, 0], "milliseconds"),
        ([datetime(1970, 1, 2, tzinfo=UTC)] * 3, [86_400] * 3, "seconds"),
        (["1970-01-02"] * 3, [86_400] * 3, "seconds"),
    ],
)
def test_reads_columns(tmp_path: Path, times: list[Any], stored: list[int], unit: str) -> None:
    log = read(
        tmp_path,
        {"userId": ["b", "a", "b"], "itemId": [7, 5, 5], "time": times, "rating": [1, 2, 3]},
    )
    assert log.user_ids[log.users].tolist() == ["b", "a", "b"]
    assert log.item_ids[log.items].tolist() == [7, 5, 5]
    assert log.timestamps.tolist() == stored
    assert log.ratings.tolist() == [1, 2, 3]
    assert (log.origin.time_unit, log.origin.format) == (unit, "parquet")


def test_leaves_out_low_ratings(tmp_path: Path) -> None:
    table = {"u": [1, 2, 3], "i": [4, 5, 6], "r": [1.0, 3.5, 5.0]}
    log = read(tmp_path, table, columns={"user": "u", "item": "i", "rating": "r"}, min_rating=3)
    assert log.user_ids[log.users].tolist() == [2, 3]
    assert log.origin.dropped == {"rating below the threshold": 1}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user": [1, None], "item": [1, 2]}, "row 2: the user in `user` is empty"),
        ({"a": [1], "b": [2]}, "cannot tell which column is the user"),
        ({"user": [1], "item": [2], "time": ["now"]}, "such as `now`, are in no known time format"),
        ({"user": [], "item": []}, "has no interactions"),
    ],
)
def test_refuses(tmp_path: Path, columns: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, columns)


def test_refuses_what_is_not_parquet(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    path.write_bytes(b"PAR1 is how it begins")
    with pytest.raises(InputError, match="as Parquet"):
        read_interactions(TextSource(path))


@pytest.mark.parametrize("size", [3, 1000])
@pytest.mark.parametrize("time", ["n", "CAST(n AS DOUBLE)", "to_timestamp(n)", "'' || n"])
def test_pieces_are_the_rows_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, time: str
) -> None:
    monkeypatch.setattr(reading_parquet, "PIECE_ROWS", size)
    rows = [(n * 7 % 5 - 2, 2**40 + n * 3 % 4, 1_500_000_000 - n) for n in range(20)]
    folder = tmp_path / "events"
    folder.mkdir()
    for part, own in enumerate((rows[:8], rows[8:9], rows[9:])):
        listed = ", ".join(map(str, own))
        table = f"(VALUES {listed}) AS t(user_id, item_id, n)"
        query = f"SELECT user_id, item_id, {time} AS timestamp FROM {table}"
        duckdb.sql(f"COPY ({query}) TO '{folder}/part-{part}.parquet'")
    asked: list[str] = []
    run = Engine.run
    monkeypatch.setattr(Engine, "run", lambda self, sql: asked.append(sql) or run(self, sql))
    assert rows_of(read_log(TextSource(folder), Reading())) == rows
    assert not asked  # no table of all rows was made


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("NULL, 6, 1500000001.0", "row 2: the user in `user_id` is empty"),
        ("3, 6, NULL", "row 2: the time in `timestamp` is empty"),
    ],
)
def test_pieces_are_not_read_where_a_value_is_missing(
    tmp_path: Path, row: str, message: str
) -> None:
    path = tmp_path / "log.parquet"
    values = f"(1, 5, 1500000000.0::DOUBLE), ({row}), (2, 7, 1500000002.5)"
    query = f"SELECT * FROM (VALUES {values}) AS t(user_id, item_id, timestamp)"
    duckdb.sql(f"COPY ({query}) TO '{path}'")
    with pytest.raises(InputError, match=message):
        read_log(TextSource(path), Reading())


def test_refuses_ids_that_swell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifiers, "SWOLLEN_ANYWAY", 1 << 20)
    path = tmp_path / "log.parquet"
    query = "SELECT i % 9 AS user_id, lpad('' || i, 1000, 'x') AS item_id FROM range(20000) t(i)"
    duckdb.sql(f"COPY ({query}) TO '{path}' (COMPRESSION zstd)")
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError, match="made to fill a memory"):
        read_log(TextSource(path), Reading())
