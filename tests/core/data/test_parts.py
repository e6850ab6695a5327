"""The files of a log, read one by one, are the log read at once; or they are refused."""

import zipfile
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pytest

from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.ordering import Rows
from seqrec_cli.core.data.parts import (
    WholeLog,
    alike,
    cut_rows,
    joined_rows,
    plain_files,
    read_part,
    recoded_rows,
    whole_log,
)
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError

HEAD = "user,item,time\n"


def write(folder: Path, parts: list[str], head: str = HEAD, suffix: str = "csv") -> Path:
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(parts):
        (folder / f"part-{number}.{suffix}").write_text(head + text)
    return folder


def read_by_parts(source: Path, reading: Reading) -> tuple[WholeLog, Rows]:
    """As an engine does, in one process."""
    files = plain_files(str(source), reading)
    paths = [str(each) for each in files.parts[0]]
    read = [read_part(paths[0], reading)]
    read += [read_part(path, alike(reading, read[0][1])) for path in paths[1:]]
    log = whole_log(str(source), files, reading, [facts for _, facts in read])
    rows = [
        recoded_rows(own, facts, log, factor)
        for (own, facts), factor in zip(read, log.factors, strict=True)
    ]
    return log, joined_rows(rows)


def check(source: Path, reading: Reading | None = None) -> None:
    reading = reading or Reading()
    expected = read_interactions(TextSource(source), reading)
    log, rows = read_by_parts(source, reading)
    assert log.origin == expected.origin
    for own, other in (
        (log.user_ids, expected.user_ids),
        (log.item_ids, expected.item_ids),
        (rows.users, expected.users),
        (rows.items, expected.items),
        (rows.times, expected.timestamps),
        (rows.ratings, expected.ratings),
    ):
        np.testing.assert_array_equal(own, other)
        assert getattr(own, "dtype", None) == getattr(other, "dtype", None)


TEXTS = ["u2,i9,1600000000\nu1,i2,1600000001\n", "u1,i10,1600000005\n", "u10,i2,1600000003\n"]


def test_text_ids_and_numbers_as_times(tmp_path: Path) -> None:
    check(write(tmp_path / "log", TEXTS))


def test_numbers_as_ids_without_times(tmp_path: Path) -> None:
    check(write(tmp_path / "log", ["5,9\n", "4,9\n3,-2\n"], "user,item\n"))


def test_times_of_different_precision_are_in_the_finer_unit(tmp_path: Path) -> None:
    parts = [
        "1,9,2024-01-01 00:00:01\n2,8,2024-01-01 00:00:02\n",
        "1,8,2024-01-02 00:00:01.250\n",
        "2,7,2024-01-03\n",
    ]
    source = write(tmp_path / "log", parts)
    check(source)
    assert read_by_parts(source, Reading())[0].factors == [1000, 1, 1000]


def test_small_numbers_are_in_the_unit_of_the_largest(tmp_path: Path) -> None:
    check(write(tmp_path / "log", ["1,9,5\n2,8,7\n", "1,8,1600000000\n"]))


def test_ratings_events_conditions_and_dropped_rows(tmp_path: Path) -> None:
    head = "user,item,time,rating,event\n"
    parts = [
        "1,9,5,3,view\n2,8,7,4,view\n2,,7,4,buy\n1,7,9,5,buy\n",
        "1,8,8,1,buy\n3,8,8,2,view\n4,9,1,4,view\n",
    ]
    source = write(tmp_path / "log", parts, head)
    check(source, Reading(drop_incomplete=True))
    check(source, Reading(drop_incomplete=True, min_rating=2.0, where=("event != 'buy'",)))


def test_parquet_with_typed_columns(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    for number in range(3):
        duckdb.sql(
            "COPY (SELECT i % 5 AS user, i % 7 AS item, make_timestamp(1600000000000000 + i) AS at "
            f"FROM range({number}, 40, 3) t(i)) TO '{tmp_path}/log/{number}.parquet'"
        )
    check(tmp_path / "log")


def test_a_single_file_is_a_log(tmp_path: Path) -> None:
    source = write(tmp_path / "log", ["1,9,01/02/2024\n2,8,13/02/2024\n"])
    check(source / "part-0.csv")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["u1,i1,5\n", "1,i2,6\n"], "differs from .* in its ids of users"),
        (["1,9,5\n", "1,8,6\n2,x,7\n"], "differs from .* in its ids of items"),
        (["1,9,13/02/2024\n", "1,8,14/03/2024\n"], "each file could settle otherwise"),
        (["1.0,9,5\n2.0,8,6\n", "1,8,6\n"], "numbers written as `1.0`"),
        (["1,9,5.5\n2,8,6.0\n", "1,8,6\n"], "numbers written as `5.5`"),
        (["1,9,5\n", "1,8,2024-01-01\n"], "times?"),
    ],
)
def test_what_only_all_files_tell_is_refused(
    tmp_path: Path, parts: list[str], message: str
) -> None:
    source = write(tmp_path / "log", parts)
    with pytest.raises(InputError, match=message):
        read_by_parts(source, Reading())


def test_parts_that_are_split_or_packed_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "log", TEXTS)
    reading = Reading(valid=source / "part-1.csv", test=source / "part-2.csv")
    with pytest.raises(InputError, match="split into files of parts"):
        plain_files(str(source / "part-0.csv"), reading)
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.write(source / "part-0.csv", "part-0.csv")
    with pytest.raises(InputError, match="is an archive"):
        plain_files(str(tmp_path / "log.zip"), Reading())


def test_rows_of_a_range_keep_their_order() -> None:
    random = np.random.default_rng(0)
    rows = Rows(random.integers(0, 10, 50).astype(np.int32), np.arange(50, dtype=np.int32))
    bounds = [0, 3, 3, 10]
    cut = cut_rows(rows, bounds)
    for own, (start, stop) in zip(cut, pairwise(bounds), strict=True):
        inside = (rows.users >= start) & (rows.users < stop)
        assert own.items.tolist() == rows.items[inside].tolist()
        assert (own.users + start).tolist() == rows.users[inside].tolist()
        assert own.times is None
