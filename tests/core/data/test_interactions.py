"""Every format gives the same interactions; no bytes give anything but these or an InputError."""

import gzip
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.interactions import Interactions, Reading, read_interactions
from seqrec_cli.core.data.reading import texts
from seqrec_cli.core.data.reading.identifiers import code_numbers
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError

# The same three rows in every format that has all four columns.
ROWS = [(7, 30, 4.5, 978300760), (2, 10, 3.0, 978300761), (7, 10, 1.0, 978300000)]

repeatedly = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150
)


@pytest.fixture
def datasets() -> Path:
    folder = os.environ.get("SEQREC_DATASETS")
    if not folder:
        pytest.skip("SEQREC_DATASETS is not set")
    return Path(folder)


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
    "text", ["3 1\n3 2\n10 1\n", "3\t1\n3\t2\n10\t1", " 3  1\n\n3 \t2\r\n10 1"]
)
def test_reads_user_item_text(tmp_path: Path, text: str) -> None:
    log = read(written(tmp_path, text, "log.txt"))
    assert rows_of(log) == [(3, 1), (3, 2), (10, 1)]
    assert (log.timestamps, log.ratings, log.origin.format) == (None, None, "user-item")


@pytest.mark.parametrize("gap", [", ", " ,", "; ", "| ", ":: "])
def test_a_delimiter_and_a_space_are_not_user_item_text(tmp_path: Path, gap: str) -> None:
    for header in ("", f"user{gap}item\n"):
        log = read(written(tmp_path, f"{header}3{gap}1\n3{gap}2\n10{gap}1\n", "log.txt"))
        assert log.origin.format == "delimited"
        assert rows_of(log) == [(3, 1), (3, 2), (10, 1)]


def test_reads_a_movielens_folder_and_its_zip(tmp_path: Path) -> None:
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ratings.dat").write_text(lines("::"))
    (folder / "movies.dat").write_bytes(
        "10::Misérables, Les (1995)::Drama\n99::X::Y\n".encode("latin-1")
    )
    archive = tmp_path / "ml-1m.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(folder / "ratings.dat", "ml-1m/ratings.dat")
        file.write(folder / "movies.dat", "ml-1m/movies.dat")
    for path in (folder, archive, folder / "ratings.dat"):
        log = read(path)
        assert rows_of(log) == ROWS
        assert log.item_titles is not None
        assert log.item_titles.tolist() == ["Misérables, Les (1995)", ""]


def test_prefers_the_shallowest_log_of_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a/old/u.data", "1\t1\t1\t1\n")
        file.writestr("a/u.data", lines("\t"))
    assert rows_of(read(archive)) == ROWS


def test_reads_titles_of_an_inter(tmp_path: Path) -> None:
    written(
        tmp_path,
        "item_id:token\tmovie_title:token_seq\trelease_year:token\n10\tHeat\t1995\n",
        "a.item",
    )
    path = written(tmp_path, "user_id:token\titem_id:token\n1\t10\n1\t11\n", "a.inter")
    log = read(path)
    assert log.item_titles is not None
    assert log.item_titles.tolist() == ["Heat (1995)", ""]


def test_needs_no_room_for_the_name_of_a_file_with_titles(tmp_path: Path) -> None:
    content = "user_id:token\titem_id:token\n1\t10\n"
    log = read(written(tmp_path, content, "x" * 249 + ".inter"))  # `.item.gz` would be too long
    assert log.item_titles is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("i.csv", "item,title\n10,A; B\n30,\n"),
        ("i.csv", "10,A; B\n30,\n"),
        ("i.csv", 'year,name,product_id\n1,"A; B",10\n'),
        ("u.item", "10|A; B|x\n30||y\n"),
        ("movies.dat", "10::A; B::x\n"),
        ("i.item", "item_id:token\tname:token\n10\tA; B\n"),
    ],
)
def test_reads_titles_from_a_file(tmp_path: Path, name: str, content: str) -> None:
    log = read(written(tmp_path, lines(",")), items=written(tmp_path, content, name))
    assert log.item_titles is not None
    assert log.item_titles.tolist() == ["A; B", ""]


def test_refuses_titles_of_other_items(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no title for any item"):
        read(written(tmp_path, lines(",")), items=written(tmp_path, "5,A\n6,B\n", "i.csv"))


@pytest.mark.parametrize(
    ("times", "stored", "unit"),
    [
        (["978300760", "978300761"], [978300760, 978300761], "seconds"),
        (["978300760.0", "978300761"], [978300760, 978300761], "seconds"),
        (["978300760000", "978300761000"], [978300760000, 978300761000], "milliseconds"),
        (["978300760.5", "978300761"], [978300760500, 978300761000], "milliseconds"),
        (["978300760.123456", "978300761"], [978300760123456, 978300761000000], "microseconds"),
        (["-5", "3"], [-5, 3], "as in the source"),
        (["1e3", "3"], [1000, 3], "as in the source"),
        (["1970-01-02", "1970-01-01T00:00:01Z"], [86400, 1], "seconds"),
        (["1970-01-01 00:00:01.250", "1970-01-01T01:00:00+01:00"], [1250, 0], "milliseconds"),
        (["1969-12-31T23:59:59.999999", "1970-01-01"], [-1, 0], "microseconds"),
    ],
)
def test_reads_times(tmp_path: Path, times: list[str], stored: list[int], unit: str) -> None:
    content = "user,item,time\n" + "".join(f"1,{n},{time}\n" for n, time in enumerate(times))
    log = read(written(tmp_path, content))
    assert log.timestamps is not None
    assert log.timestamps.dtype == np.int64
    assert log.timestamps.tolist() == stored
    assert log.origin.time_unit == unit


@pytest.mark.parametrize("quote", ["", '"'])
def test_counts_what_is_rated_too_low(tmp_path: Path, quote: str) -> None:
    content = lines(",").replace("7,", f"{quote}7{quote},")
    log = read(written(tmp_path, content), min_rating=3)
    assert rows_of(log) == ROWS[:2]
    assert log.origin.rows_read == 3
    assert log.origin.dropped == {"rating below the threshold": 1}


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        (["7", "10", "9"], [7, 10, 9]),
        (["7", "-10", "0"], [7, -10, 0]),
        (["7", "07", "10"], ["7", "07", "10"]),
        (["7", "x", "10"], ["7", "x", "10"]),
        ([str(2**63 - 1), str(-(2**63)), "1"], [2**63 - 1, -(2**63), 1]),
        ([str(2**63), "1", "2"], [str(2**63), "1", "2"]),
        (["5000000000", "1", "70000000000000"], [5000000000, 1, 70000000000000]),
        (["ß", "日本", "a b"], ["ß", "日本", "a b"]),
    ],
)
def test_keeps_ids_as_they_are(tmp_path: Path, ids: list[str], kept: list[int] | list[str]) -> None:
    content = "user,item\n" + "".join(f"{user},{n}\n" for n, user in enumerate(ids))
    log = read(written(tmp_path, content))
    assert log.user_ids[log.users].tolist() == kept
    assert log.user_ids.tolist() == sorted(kept)
    assert log.user_ids.dtype.kind == ("i" if isinstance(kept[0], int) else "U")


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


def test_knows_a_time_without_header(tmp_path: Path) -> None:
    log = read(written(tmp_path, "1,2,2024-05-31\n1,3,2024-06-01\n"))
    assert log.origin.columns == {"user": "1", "item": "2", "time": "3"}


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


def oracle_user_item(content: bytes) -> list[tuple[int, int]] | None:
    """What `user item` text says, the slow way; None where it must be refused."""
    text = content.removeprefix(b"\xef\xbb\xbf")
    lines = [re.findall(rb"[^ \t\r]+", line) for line in text.split(b"\n")]
    lines = [words for words in lines if words]
    if any(len(words) != 2 for words in lines):
        return None
    for place in (0, 1):  # all of them written as pandas does, `7.0`
        column = [words[place] for words in lines]
        if all(re.fullmatch(rb"(0|[1-9][0-9]{0,17})\.0+", word) for word in column):
            for words in lines:
                words[place] = words[place].partition(b".")[0]
    rows = []
    for words in lines:
        if not all(re.fullmatch(rb"0|[1-9][0-9]{0,19}", word) for word in words):
            return None
        if not all(0 < int(word) < 2**63 for word in words):
            return None
        rows.append((int(words[0]), int(words[1])))
    return rows or None


SOUP = st.text(alphabet='0123456789 \t\n\r,;|:."-+eEx', max_size=60).map(str.encode)
CLEANISH = st.lists(
    st.tuples(st.integers(0, 10**19), st.sampled_from([" ", "\t", "  "]), st.integers(1, 30)),
    max_size=12,
).map(lambda rows: "\n".join(f"{a}{gap}{b}" for a, gap, b in rows).encode())


@repeatedly
@given(content=st.one_of(st.binary(max_size=60), SOUP, CLEANISH))
def test_user_item_text_is_read_as_the_slow_way_or_refused(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content, "log.txt")
    expected = oracle_user_item(content) if b"\0" not in content else None
    try:
        log = read(path, format="user-item")
    except InputError:
        assert expected is None
    else:
        assert rows_of(log) == expected


@repeatedly
@given(content=st.one_of(st.binary(max_size=80), SOUP))
def test_no_bytes_give_anything_but_a_log_or_an_input_error(tmp_path: Path, content: bytes) -> None:
    for name in ("a.csv", "a.inter", "u.data", "ratings.dat", "a.gz", "a.zip"):
        try:
            log = read(written(tmp_path, content, name))
        except InputError:
            continue
        else:
            assert len(log) > 0
            assert log.origin.rows_read == len(log)


@repeatedly
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_archive_gives_the_log_or_an_input_error(
    tmp_path: Path, place: int, byte: int, cut: bool
) -> None:
    good = lines("\t").encode()
    with zipfile.ZipFile(tmp_path / "good.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/u.data", good)
    for name, content in (
        ("a.zip", (tmp_path / "good.zip").read_bytes()),
        ("u.data.gz", gzip.compress(good, mtime=0)),
    ):
        place %= len(content)
        damaged = content[:place] + (b"" if cut else bytes([byte]) + content[place + 1 :])
        try:
            log = read(written(tmp_path, damaged, name))
        except InputError:
            continue
        assert rows_of(log) == ROWS


@repeatedly
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=25))
def test_codes_lead_back_to_the_ids(numbers: list[int]) -> None:
    codes, ids = code_numbers(np.array(numbers, np.int64))
    assert ids[codes].tolist() == numbers
    assert ids.tolist() == sorted(set(numbers))


def test_reads_ml_1m(datasets: Path) -> None:
    log = read(datasets / "ml-1m.txt")
    assert (len(log), len(log.user_ids), len(log.item_ids)) == (999_611, 6_040, 3_416)
    # Ids are 1, 2, ... in it, so codes are ids less one.
    np.testing.assert_array_equal(log.item_ids, np.arange(1, 3_417))
    expected = np.loadtxt(datasets / "ml-1m.txt", dtype=np.int64)
    np.testing.assert_array_equal(log.users + 1, expected[:, 0])
    np.testing.assert_array_equal(log.items + 1, expected[:, 1])


@pytest.mark.parametrize(
    ("name", "rows", "users", "first"),
    [
        ("ml-100k", 100_000, 943, "Toy Story (1995)"),
        ("ml-latest-small", 100_004, 671, "Toy Story (1995)"),
    ],
)
def test_reads_movielens(datasets: Path, name: str, rows: int, users: int, first: str) -> None:
    log = read(datasets / name)
    assert (len(log), len(log.user_ids)) == (rows, users)
    assert log.item_titles is not None
    assert log.item_titles[0] == first
    assert (log.item_titles != "").all()
    assert log.timestamps is not None
    assert log.ratings is not None
