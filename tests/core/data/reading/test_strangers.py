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
