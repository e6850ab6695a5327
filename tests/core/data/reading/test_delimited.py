"""Delimited text, cut at any place, and the line that a row is from."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.reading import texts
from seqrec_cli.errors import InputError
from tests.core.data.logs import ROWS, lines, read, rows_of, written


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", lines(",", "userId,movieId,rating,timestamp")),
        ("a.csv", lines(",", "User ID,item_id,Stars,date")),
        ("a.csv", lines(",")),
        ("a.csv", lines(",").replace("\n", "\r\n")),
        ("a.csv", lines(",").rstrip("\n")),
        ("a.csv", lines(",") + "\n\n"),
        ("a.csv", "\n" + lines(",").replace("\n", "\n\n", 1)),
        ("a.csv", b"\xef\xbb\xbf" + lines(",", "user,item,rating,time").encode()),
        ("a.csv", lines(",").replace("7,", '"7",')),
        ("a.csv", lines(",").replace(",", ", ")),
        ("a.tsv", lines("\t", "user,item,rating,time")),
        ("a.txt", lines(";", "user,item,rating,time")),
        ("a.txt", lines("|")),
        ("a.txt", lines(" ")),
        ("a.txt", lines(" ", "user,item,rating,time")),
        ("a.txt", lines("::")),
        ("a.csv.gz", gzip.compress(lines(",").encode(), mtime=0)),
        ("ratings.dat", lines("::")),
        ("u.data", lines("\t")),
        ("ratings.csv", lines(",", "userId,movieId,rating,timestamp")),
        ("a.inter", lines("\t", "user_id:token,item_id:token,rating:float,timestamp:float")),
    ],
)
def test_reads_every_layout(tmp_path: Path, name: str, content: str | bytes) -> None:
    log = read(written(tmp_path, content, name))
    assert rows_of(log) == ROWS
    assert log.origin.rows_read == 3
    assert log.origin.time_unit == "seconds"
    assert log.users.dtype == log.items.dtype == np.int32
    assert log.user_ids.tolist() == [2, 7]
    assert log.item_ids.tolist() == [10, 30]


@pytest.mark.parametrize(
    ("content", "reading", "rows"),
    [
        ("a,b,c\n1,2,3\n4,5,6\n", {"columns": {"user": "c", "item": "a"}}, [(3, 1), (6, 4)]),
        ("1,2,3\n4,5,6\n", {"columns": {"user": "3", "item": "1"}}, [(3, 1), (6, 4)]),
        ("a,b,c\n1,2,3\n4,5,6\n", {"columns": {"user": "3", "item": "1"}}, [(3, 1), (6, 4)]),
        ("userId,thing\nx,y\n", {"columns": {"user": "1", "item": "2"}}, [("x", "y")]),
        ("u,v\nx,y\nz,y\n", {"header": False}, [("u", "v"), ("x", "y"), ("z", "y")]),
        (
            "1,2\n4,5\n4,6\n",
            {"header": True, "columns": {"user": "1", "item": "2"}},
            [(4, 5), (4, 6)],
        ),
        ("1-2\n4-5\n", {"delimiter": "-"}, [(1, 2), (4, 5)]),
        ("1 2\n4 5\n", {"format": "delimited", "delimiter": "space"}, [(1, 2), (4, 5)]),
        ("0 -2\n4 5\n", {"format": "delimited", "delimiter": " "}, [(0, -2), (4, 5)]),
    ],
)
def test_lets_the_layout_be_chosen(
    tmp_path: Path, content: str, reading: dict[str, Any], rows: list[Any]
) -> None:
    assert rows_of(read(written(tmp_path, content), **reading)) == rows


def test_joins_blocks_at_any_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = lines(",", "user,item,rating,time").replace("\n", "\r\n")
    packed = written(tmp_path, gzip.compress(content.encode()), "log.csv.gz")
    for size in range(1, 80, 3):
        monkeypatch.setattr(texts, "BLOCK_BYTES", size)
        assert rows_of(read(packed)) == ROWS


def test_names_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, "1 1\n" * 100 + "1 x\n" + "1 1\n" * 100, "log.txt")
    with pytest.raises(InputError, match="line 101: the item `x` is not a whole number"):
        read(path, format="user-item")
    path = written(tmp_path, "1,1,5\n" * 100 + "1,2\n" + "1,1,6\n" * 100)
    with pytest.raises(InputError, match="line 101: fewer values") as caught:
        read(path, columns={"user": "1", "item": "2"})
    assert f"`seqrec prepare {path} --columns user=1,item=2 --drop-incomplete`" in caught.value.hint


def test_a_line_of_types_is_in_all_files_or_in_none(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    header, *rows = lines(",", "user,item,time,rating").splitlines(keepends=True)
    types = "UInt64,UInt64,UInt32,Float32\n"
    (folder / "a.csv").write_text("".join([header, types, *rows]))
    (folder / "b.csv").write_text("".join([header, types, *rows]))
    assert len(read(folder).users) == 2 * len(rows)
    (folder / "b.csv").write_text("".join([header, *rows]))
    with pytest.raises(InputError, match="some files have a line of types"):
        read(folder)
