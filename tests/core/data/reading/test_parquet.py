"""Parquet gives the same interactions as text; pyarrow writes it here, the engine reads it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seqrec_cli.core.data.interactions import Reading, read_interactions
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError

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
