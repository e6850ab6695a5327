"""Strange logs, archives and files beside them: a dataset whose numbers add up, or a sentence."""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.features.kinds import Encoding
from seqrec_cli.core.data.interactions import Reading, read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.errors import InputError, SeqRecError
from tests.hostile import CASES, fuzzed, mutated, survives

PAIRS = [
    (user, (user * 7 + t) % 11 + 1, 1_000_000_000 + 60 * t)
    for user in range(1, 7)
    for t in range(5)
]
TEXT = "".join(f"{u} {i}\n" for u, i, _ in PAIRS).encode()
CSV = b"user,item,rating,time\n" + "".join(f'u{u},"i{i}",3.5,{t}\n' for u, i, t in PAIRS).encode()
DATES = (
    b"item;user;date\n"
    + "".join(f"{i};{u};2024-05-{t % 27 + 1:02}T12:00\n" for u, i, t in PAIRS).encode()
)
U_DATA = "".join(f"{u}\t{i}\t4\t{t}\n" for u, i, t in PAIRS).encode()
RATINGS = "".join(f"{u}::{i}::4::{t}\n" for u, i, t in PAIRS).encode()
INTER = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + U_DATA
TITLES = (
    b"item,title,year,genres\n"
    + "".join(
        f'{i},"Title, {i} (19{i + 70})",19{i + 70},Drama|War\n' for i in range(1, 12)
    ).encode()
)
MOVIES = "".join(f"{i}::Title {i} (19{i + 70})::Drama|War\n" for i in range(1, 12)).encode()
ITEM = (
    b"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    + "".join(f"{i}\tTitle {i}\t19{i + 70}\tDrama War\n" for i in range(1, 12)).encode()
)
PEOPLE = b"user,age,city\n" + "".join(f"{u},{20 + u},city {u % 2}\n" for u in range(1, 7)).encode()
USERS = "".join(f"{u}::M::{20 + u}::{u % 3}::12345\n" for u in range(1, 7)).encode()
LOGS = {
    "a.txt": TEXT,
    "a.csv": CSV,
    "b.csv": DATES,
    "u.data": U_DATA,
    "ratings.dat": RATINGS,
    "a.inter": INTER,
}
JSON = "".join(
    f'{{"user": {{"id": {u}}}, "items": [{{"id": "i{i}"}}], "ts": {t}}}\n' for u, i, t in PAIRS
).encode()
LITERALS = "".join(f"{{'user': u'a{u}', 'item': {i}, 'time': {t}}}\n" for u, i, t in PAIRS).encode()
SEQUENCES = "".join(f"{u} {' '.join(str(n) for n in range(1, u + 3))}\n" for u in range(1, 9))
CELLS = b"user,items\n" + "".join(f'{u},"[{u}, 2, 3]"\n' for u in range(1, 9)).encode()
BLOCKS = b"1:\n1,3,2005-09-06\n2,5,2005-05-13\n2:\n1,4,2005-10-19\n2,4,2005-11-19\n"
LOGS |= {
    "a.jsonl": JSON,
    "a.json": b"[" + JSON.strip().replace(b"\n", b",") + b"]",
    "literals.json": LITERALS,
    "sequences.txt": SEQUENCES.encode(),
    "cells.csv": CELLS,
    "blocks.txt": BLOCKS,
}
BESIDE = {
    "titles.csv": ("a.txt", TITLES),
    "movies.dat": ("ratings.dat", MOVIES),
    "a.item": ("a.inter", ITEM),
    "people.csv": ("a.txt", PEOPLE),
    "users.dat": ("ratings.dat", USERS),
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def prepared(path: Path, reading: Reading, options: Preparation | None = None) -> SequenceDataset:
    """Read, prepare, save and load a log; what it tells must add up."""
    interactions = read_interactions(TextSource(path), reading)
    rows = len(interactions)
    assert len(interactions.items) == rows
    assert np.isfinite(interactions.ratings).all() if interactions.ratings is not None else True
    data = prepare(interactions, options or Preparation(), "x")
    told = data.manifest
    assert told["rows_read"] == told["rows_kept"] + sum(told["dropped"].values())
    target = path.parent / "out" / "x.npz"
    data.save(target)
    again = SequenceDataset.load(target)
    assert again.test is not None
    assert data.test is not None
    for one, other in ((data.train, again.train), (data.test, again.test)):
        np.testing.assert_array_equal(one.items, other.items)
    for one, other in ((data.user_ids, again.user_ids), (data.item_ids, again.item_ids)):
        np.testing.assert_array_equal(one, other)
        assert len(np.unique(one)) == len(one)
    return data


def only(folder: Path, **contents: bytes) -> None:
    """Let nothing but these files be in the folder."""
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    for name, content in contents.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("name", LOGS)
@fuzzed(20)
@given(data=st.data())
def test_a_mutated_log(name: str, data: st.DataObject, folder: Path) -> None:
    only(folder, **{name: data.draw(mutated(LOGS[name]))})
    survives(lambda: prepared(folder / name, Reading()))


@pytest.mark.parametrize("name", BESIDE)
@fuzzed(20)
@given(data=st.data())
def test_a_mutated_file_beside_a_log(name: str, data: st.DataObject, folder: Path) -> None:
    log, seed = BESIDE[name]
    only(folder, **{log: LOGS[log], name: data.draw(mutated(seed))})
    given_files = {
        "titles.csv": {"items": folder / name},
        "people.csv": {"users": folder / name},
    }.get(name, {})
    options = Preparation(encoding=Encoding(min_value_count=2), new_items=name == "titles.csv")
    survives(lambda: prepared(folder / log, Reading(**given_files), options))


def zipped(members: dict[str, bytes], **options: Any) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def as_parquet() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        rows = ", ".join(f"({u}, ['i{i}'], {t})" for u, i, t in PAIRS)
        path = Path(name) / "a.parquet"
        duckdb.sql(f"COPY (FROM (VALUES {rows}) AS log(user, items, ts)) TO '{path}'")
        return path.read_bytes()


def tarred(members: dict[str, bytes], mode: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=f"w:{mode}") as archive:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return content.getvalue()


ARCHIVES = {
    "a.parquet": as_parquet(),
    "a.csv.gz": gzip.compress(CSV, mtime=0),
    "a.zip": zipped({"ml/u.data": U_DATA, "ml/u.item": b"1|Title|||\n"}),
    "a.csv.bz2": bz2.compress(CSV),
    "a.jsonl.xz": lzma.compress(JSON),
    "a.tar": tarred({"ml/u.data": U_DATA, "ml/u.item": b"1|Title|||\n"}, ""),
    "a.tgz": tarred({"log.csv": CSV, "README.md": b"a log"}, "gz"),
    "b.zip": zipped({"ml/ratings.dat": RATINGS, "ml/movies.dat": MOVIES, "ml/users.dat": USERS}),
}


@pytest.mark.parametrize("name", ARCHIVES)
@fuzzed(20)
@given(data=st.data())
def test_a_mutated_archive(name: str, data: st.DataObject, folder: Path) -> None:
    only(folder, **{name: data.draw(mutated(ARCHIVES[name]))})
    survives(lambda: prepared(folder / name, Reading()))


def refused(path: Path, content: bytes, words: str, reading: Reading | None = None) -> None:
    path.write_bytes(content)
    found = survives(lambda: prepared(path, reading or Reading()))
    assert isinstance(found, SeqRecError), found
    assert words in found.message
    assert found.hint


def test_bombs(tmp_path: Path) -> None:
    zeros, lines = b"0" * (200 << 20), b"1 1\n" * (50 << 20)
    words = "unpacks to more than 100 times its size"
    refused(tmp_path / "a.csv.gz", gzip.compress(zeros, 9, mtime=0), words)
    refused(tmp_path / "a.txt.gz", gzip.compress(lines, 9, mtime=0), words)
    refused(
        tmp_path / "a.zip",
        zipped({"u.data": U_DATA[: U_DATA.index(b"\n") + 1] * (4 << 20)}, compresslevel=9),
        words,
    )
    refused(tmp_path / "b.csv.gz", gzip.compress(b'"a b",2\n' * (9 << 20), 9, mtime=0), words)


def test_an_archive_of_many_members(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"f{number}", b"")
        archive.writestr("u.data", U_DATA)
    refused(tmp_path / "a.zip", content.getvalue(), "has 20001 members")


def test_members_with_wicked_names_are_never_unpacked(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    link = zipfile.ZipInfo("ml/u.item")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../u.data", U_DATA)
        archive.writestr("/etc/u.data", U_DATA)
        archive.writestr("C:\\u.data", U_DATA)
        archive.writestr(link, "/etc/passwd")
    (inside / "a.zip").write_bytes(content.getvalue())
    before = set(tmp_path.rglob("*"))
    found = survives(lambda: read_interactions(TextSource(inside / "a.zip"), Reading()))
    assert isinstance(found, InputError) or len(found) == len(PAIRS)
    assert set(tmp_path.rglob("*")) == before
    assert "root:" not in str(vars(found))


def test_encrypted_overlapping_and_strangely_packed_members(tmp_path: Path) -> None:
    plain = zipped({"u.data": U_DATA})
    at = plain.index(b"PK\x01\x02")
    encrypted = bytearray(plain)
    encrypted[6] |= 1
    encrypted[at + 8] |= 1
    refused(tmp_path / "a.zip", bytes(encrypted), "is encrypted")
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", method) as archive:
            archive.writestr("u.data", U_DATA)
        refused(tmp_path / "a.zip", content.getvalue(), "is packed in a way")
    # Both entries of the directory point at the same bytes.
    two = zipped({"u.data": U_DATA, "u.item": U_DATA})
    first, second = two.index(b"PK\x01\x02"), two.rindex(b"PK\x01\x02")
    overlapping = bytearray(two)
    overlapping[second + 42 : second + 46] = overlapping[first + 42 : first + 46]
    refused(tmp_path / "a.zip", bytes(overlapping), "is a damaged archive")
    # A size that is a lie.
    lying = bytearray(plain)
    lying[at + 24 : at + 28] = struct.pack("<I", 1 << 30)
    (tmp_path / "a.zip").write_bytes(lying)
    survives(lambda: prepared(tmp_path / "a.zip", Reading()))


def test_a_single_long_id_does_not_take_the_memory_of_all(tmp_path: Path) -> None:
    rows = "".join(f"u{n},i{n % 50},{n}\n" for n in range(50_000))
    content = f"user,item,time\n{rows}{'u' * 999},i1,5\n".encode()
    refused(tmp_path / "a.csv", content, "would take")
    assert len(content) < 4 << 20


def test_a_single_long_value_does_not_take_the_memory_of_all(tmp_path: Path) -> None:
    values = "".join(f"{i},{'x' * 50_000 if i == 1 else f'v{i}'}\n" for i in range(1, 3000))
    log = "".join(f"{u} {i}\n" for u in range(1, 1000) for i in range(u, u + 4))
    (tmp_path / "a.txt").write_text(log)
    (tmp_path / "i.csv").write_text(f"item,kind\n{values}")
    options = Preparation(encoding=Encoding(item_kinds={"kind": "sparse"}, min_value_count=1))
    found = survives(
        lambda: prepared(tmp_path / "a.txt", Reading(items=tmp_path / "i.csv"), options)
    )
    assert isinstance(found, InputError)
    assert "a value of 50000 characters" in found.message


def test_new_items_with_long_ids_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "i.csv").write_text(f"item,kind\n{'n' * 20_000},b\ni1,a\n")
    options = Preparation(new_items=True)
    found = survives(
        lambda: prepared(tmp_path / "a.csv", Reading(items=tmp_path / "i.csv"), options)
    )
    assert isinstance(found, InputError)
    assert "an id of 20000 characters" in found.message


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt"))
    path.write_bytes(TEXT)
    data = prepared(path, Reading())
    assert data.num_users == 6


LONG = 100_000  # characters
RUNS = {
    **{mark: mark for mark in "\"9[{,\\': .-|;#(\t\r\n"},
    **{
        text: text
        for text in ("1 ", "1e", "2024-", "9.9", "1,", '{"a":', "['a', ", '\\"', "1|", "é")
    },
}


def long_runs(run: str) -> dict[str, bytes]:
    """Files of some 100 kB with a run of the same in every place."""
    rows = "".join(f"{u},{i},{t}\n" for u, i, t in PAIRS)
    lines = "".join(f'{{"user": {u}, "item": {i}, "time": {t}}}\n' for u, i, t in PAIRS)
    text = (run * LONG)[:LONG]
    header = "user,item,time\n"
    files = {
        "alone.csv": text,
        "user.csv": f"{header}{rows}{text},1,1000000000\n",
        "item.csv": f"{header}{rows}1,{text}x,1000000000\n",
        "time.csv": f"{header}1,1,{text}x\n{rows}",
        "last.csv": f"{header}{rows}1,1,{text}x\n",
        "header.csv": f"{text}\n{rows}",
        "lines.csv": header + f"{run}\n" * (LONG // 4),
        "lines.jsonl": f"{lines}{text}",
        "cell.jsonl": lines + '{"user": 1, "item": "' + text.replace('"', '\\"') + '"}\n',
        "sequence.txt": f"1 2 3\n2 3 4 5\n3 {text}\n",
    }
    return {name: content.encode() for name, content in files.items()}


@pytest.mark.parametrize("run", RUNS, ids=ascii)
def test_long_runs_of_anything_cost_little(run: str, tmp_path: Path) -> None:
    for name, content in long_runs(run).items():
        (tmp_path / name).write_bytes(content)
        survives(lambda: read_interactions(TextSource(tmp_path / name), Reading()))  # noqa: B023
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    "content",
    [
        "1" * 60_000 + "x,5\n1,2\n",
        "user,item,rating\n1,2," + "1" * 60_000 + "x\n1,3,4\n",
        "user,item,time\n1,2," + "1" * 60_000 + "x\n1,3,4\n",
    ],
)
def test_a_long_number_that_is_none_costs_little(content: str, tmp_path: Path) -> None:
    """What took minutes once, as the expression for numbers took the square of their length."""
    (tmp_path / "a.csv").write_text(content)
    survives(lambda: read_interactions(TextSource(tmp_path / "a.csv"), Reading()))


DEEP = 20_000
DEEP_FILES = {
    "lists.jsonl": "[" * DEEP + "]" * DEEP,
    "objects.jsonl": '{"a":' * DEEP + "1" + "}" * DEEP,
    "value.jsonl": '{"user": 1, "item": 2}\n' * 9
    + '{"user": 1, "item": '
    + "[" * DEEP
    + "]" * DEEP,
    "array.json": '[{"user": 1, "item":' + "[" * DEEP + "]" * DEEP + "}]",
    "literal.txt": "{'user': 1, 'item': " + "(" * DEEP + ")" * DEEP + "}\n",
    "signs.txt": "{'user': 1, 'item': 2}\n{'user': 1, 'item': " + "-" * DEEP + "1}\n",
    "keys.jsonl": "{" + ",".join(f'"k{n}":{n}' for n in range(DEEP)) + "}\n",
    "new keys.jsonl": "".join(f'{{"k{n}": 1, "user": 1, "item": {n}}}\n' for n in range(DEEP)),
    "open.json": "[" + '{"user": 1, "item": 2},' * DEEP,
    "wide.csv": ",".join(f"c{n}" for n in range(DEEP)) + "\n" + "1," * (DEEP - 1) + "1\n",
    "wide rows.csv": (",".join(map(str, range(1999))) + "\n") * 50,
    "cells.csv": "user,items\n" + f'1,"[{",".join(map(str, range(DEEP)))}]"\n' * 9,
    "impressions.tsv": "1\tU1\t11/11/2019 9:05:58 AM\tN1\t" + "N2-1 " * DEEP + "N1-0\n",
    "blocks.txt": "".join(f"{n}:\n1,3,2005-09-06\n" for n in range(DEEP)),
    "colons.txt": "1:\n1,3,2005-09-06\n" + (":" * 50 + "\n") * 2000,
}


@pytest.mark.parametrize("name", DEEP_FILES)
def test_what_is_deep_or_wide_costs_little(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(DEEP_FILES[name])
    survives(lambda: read_interactions(TextSource(tmp_path / name), Reading()))


PARQUET_BOMBS = {
    "rows": ("SELECT 1 AS user, 1 AS item FROM range(20000000)", "claims 20,000,000 rows"),
    "long ids": (
        "SELECT repeat('x', 1000000) AS user, range AS item FROM range(3000)",
        "more memory than it may take",
    ),
    "long texts": (
        "SELECT range % 9 AS user, range % 7 AS item, repeat('x', 1000000) AS title "
        "FROM range(3000)",
        "more memory than it may take",
    ),
    "long lists": (
        "SELECT range AS user, [1 FOR x IN range(100000)] AS item FROM range(100)",
        "more memory than it may take",
    ),
}


@pytest.mark.parametrize("name", PARQUET_BOMBS)
def test_parquet_that_unpacks_to_very_much_is_refused(name: str, tmp_path: Path) -> None:
    """A dictionary says the same many times: some kB that would be GB in memory."""
    query, words = PARQUET_BOMBS[name]
    path = tmp_path / "a.parquet"
    duckdb.sql(f"COPY ({query}) TO '{path}' (COMPRESSION zstd)")
    assert path.stat().st_size < 200_000
    refused(path, path.read_bytes(), words)


@pytest.mark.parametrize("size", [2**31 - 1, 2**62])
def test_parquet_with_sizes_that_are_lies(size: int, tmp_path: Path) -> None:
    """Numbers all over the footer: what each says is held against the bytes that are there."""
    good = as_parquet()
    lie = bytearray()
    rest = (size << 1) ^ (size >> 63)  # as the format writes numbers: zigzag, seven bits a byte
    while rest > 127:
        lie.append(rest & 127 | 128)
        rest >>= 7
    lie.append(rest & 127)
    footer = struct.unpack("<I", good[-8:-4])[0]
    start = len(good) - 8 - footer
    path = tmp_path / "a.parquet"
    for at in range(start, len(good) - 8, 1 if CASES else 13):
        changed = good[start:at] + bytes(lie) + good[at + 1 : -8]
        tail = struct.pack("<I", len(changed)) + b"PAR1"
        path.write_bytes(good[:start] + changed + tail)
        survives(lambda: read_interactions(TextSource(path), Reading()))
    path.write_bytes(good[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1")
    assert isinstance(survives(lambda: prepared(path, Reading())), SeqRecError)


@pytest.mark.parametrize(
    "name", ["a*.csv", "[ab].csv", "a?.csv", "{a,b}.csv", "a**", "a'b.csv", "~.csv"]
)
def test_a_name_is_a_name_and_no_pattern(name: str, tmp_path: Path) -> None:
    """Beside a file whose name looks like a pattern lie others that it would fit."""
    for other in ("ab.csv", "a.csv", "b.csv", "a1.csv"):
        (tmp_path / other).write_text("user,item,time\nsecret,secret,1\n")
    (tmp_path / name).write_bytes(CSV)
    log = read_interactions(TextSource(tmp_path / name), Reading())
    assert log.user_ids.tolist() == [f"u{n}" for n in range(1, 7)]


def test_a_pattern_does_not_leave_its_folder_by_links(tmp_path: Path) -> None:
    """A link is read as what it points to, as the user may: but never a device."""
    (tmp_path / "a.csv").symlink_to("/dev/zero")
    found = survives(lambda: read_interactions(TextSource(tmp_path / "a.csv"), Reading()))
    assert isinstance(found, InputError)
    assert "is not a regular file" in found.message
    found = survives(lambda: read_interactions(TextSource(tmp_path / "*.csv"), Reading()))
    assert isinstance(found, InputError)


@pytest.mark.parametrize("name", ["a.json", "a.parquet"])
def test_an_id_with_a_nul_is_refused(name: str, tmp_path: Path) -> None:
    """In an array of texts it would be cut off, and two ids would be one."""
    path = tmp_path / name
    if name == "a.json":
        path.write_text('{"user": 1, "item": "a\\u0000"}\n{"user": 1, "item": "a"}\n' * 3)
    else:
        duckdb.sql(
            f"COPY (SELECT 1 AS user, unnest(['a', 'a' || chr(0), 'b']) AS item) TO '{path}'"
        )
    found = survives(lambda: prepared(path, Reading()))
    assert isinstance(found, InputError) or found.num_items == len(set(found.item_ids.tolist()))


def test_archives_in_archives_are_not_opened(tmp_path: Path) -> None:
    """Ten levels of ten copies each would be ten billion logs."""
    content = zipped({"u.data": U_DATA})
    for _ in range(10):
        content = zipped({f"{n}.zip": content for n in range(10)})
    (tmp_path / "a.zip").write_bytes(content)
    assert isinstance(
        survives(lambda: read_interactions(TextSource(tmp_path / "a.zip"), Reading())), SeqRecError
    )
    packed = CSV
    for _ in range(10):
        packed = gzip.compress(packed, mtime=0)
    (tmp_path / "a.csv.gz").write_bytes(packed)
    assert isinstance(
        survives(lambda: read_interactions(TextSource(tmp_path / "a.csv.gz"), Reading())),
        SeqRecError,
    )
