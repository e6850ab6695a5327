"""A file is read however it is packed."""

import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource
from tests.core.data.reading.conftest import rows_of
from tests.core.data.reading.test_places import ROWS, TEXT, zipped


def tarred(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", TEXT.encode()),
        ("a.csv.gz", gzip.compress(TEXT.encode())),
        ("a.csv.bz2", bz2.compress(TEXT.encode())),
        ("a.csv.xz", lzma.compress(TEXT.encode())),
        ("a.csv", gzip.compress(TEXT.encode())),
        ("a.tar.gz", tarred("d/log.csv", TEXT.encode())),
        ("a.zip", zipped(log__csv=TEXT, README__md="what it is")),
        ("a*[1]?.csv", TEXT.encode()),
        ("a.csv", TEXT.encode("utf-16")),
        ("a.csv", ("\ufeffsep=,\r\n" + TEXT.replace("\n", "\r\n")).encode()),
        ("a.csv", TEXT.replace("\n", "\r").encode()),
    ],
)
def test_reads_a_file_however_it_is_packed(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    log = read_log(TextSource(tmp_path / name), Reading())
    assert rows_of(log) == ROWS


def test_reads_zstandard(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    (tmp_path / "a.csv.zst").write_bytes(zstandard.compress(TEXT.encode()))
    assert rows_of(read_log(TextSource(tmp_path / "a.csv.zst"), Reading())) == ROWS
