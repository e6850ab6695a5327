"""Every format gives the same interactions; no bytes give anything but these or an InputError."""

import gzip
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.identifiers import code_numbers
from seqrec_cli.errors import InputError
from tests.core.data.logs import ROWS, lines, read, rows_of, written
from tests.hostile import fuzzed

repeatedly = fuzzed(25)


@pytest.fixture
def datasets() -> Path:
    folder = os.environ.get("SEQREC_DATASETS")
    if not folder:
        pytest.skip("SEQREC_DATASETS is not set")
    return Path(folder)


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


def test_prefers_the_shallowest_log_of_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a/old/u.data", "1\t1\t1\t1\n")
        file.writestr("a/u.data", lines("\t"))
    assert rows_of(read(archive)) == ROWS


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
