"""What is none of ours is said, whatever it is called."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.reading.log import read_log
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.strangers import STRANGERS, refuse_strangers
from seqrec_cli.errors import InputError


@pytest.mark.parametrize(("magic", "what"), [(m, w) for m, w, _ in STRANGERS], ids=lambda x: "")
def test_a_stranger_is_named(tmp_path: Path, magic: bytes, what: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(magic + b" 1,2\n" * 9)
    with pytest.raises(InputError) as caught:
        read_log(TextSource(path), Reading())
    assert what in caught.value.message
    assert caught.value.hint


def test_a_log_is_none() -> None:
    for head in (b"", b"user,item\n", b"PAR1", b"PK\x03\x04", b"\x1f\x8b"):
        refuse_strangers(TextSource(Path("log.csv")), head)
    with pytest.raises(InputError, match="a spreadsheet"):
        refuse_strangers(TextSource(Path("log.xlsx")), b"PK\x03\x04")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<votes>\n", "is an XML file"),
        (b"-[ RECORD 1 ]----\nuser_id | u1\nitem_id | i1\n", "has a line for each value"),
        (
            b"*************************** 1. row ***********\nuser: u1\n",
            "has a line for each value",
        ),
        (b"reviews = {}\nreviews[('1', 'a')] = {'user': 'a'}\n", "has assignments of Python"),
        (b'event: message\nid: [1]\ndata: {"user": "a"}\n\n', "is a stream of events"),
        (b"-- MySQL dump 10.13\n--\n", "is a dump of a database"),
    ],
)
def test_a_text_that_is_none_is_named(head: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        refuse_strangers(TextSource(Path("log.txt")), head)
