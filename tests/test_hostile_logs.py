"""Strange logs, archives and files beside them: a dataset whose numbers add up, or a sentence."""

import gzip
import io
import os
import stat
import struct
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
from tests.hostile import fuzzed, mutated, survives

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
@fuzzed(150)
@given(data=st.data())
def test_a_mutated_log(name: str, data: st.DataObject, folder: Path) -> None:
    only(folder, **{name: data.draw(mutated(LOGS[name]))})
    survives(lambda: prepared(folder / name, Reading()))


@pytest.mark.parametrize("name", BESIDE)
@fuzzed(120)
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


ARCHIVES = {
    "a.parquet": as_parquet(),
    "a.csv.gz": gzip.compress(CSV, mtime=0),
    "a.zip": zipped({"ml/u.data": U_DATA, "ml/u.item": b"1|Title|||\n"}),
    "b.zip": zipped({"ml/ratings.dat": RATINGS, "ml/movies.dat": MOVIES, "ml/users.dat": USERS}),
}


@pytest.mark.parametrize("name", ARCHIVES)
@fuzzed(200)
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
        for number in range(100_000):
            archive.writestr(f"f{number}", b"")
        archive.writestr("u.data", U_DATA)
    refused(tmp_path / "a.zip", content.getvalue(), "has 100001 members")


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
