"""The text of a log is made when a format asks for it, in UTF-8, whatever the file is in."""

import gzip
from pathlib import Path

from seqrec_cli.core.data.reading.engine import opened_engine
from seqrec_cli.core.data.reading.landed import Landed
from seqrec_cli.core.data.reading.options import Reading
from seqrec_cli.core.data.reading.places import Files
from seqrec_cli.core.data.reading.sources import TextSource

TEXT = "user,item\n1,é\n"


def files_of(path: Path, content: bytes) -> Files:
    path.write_bytes(content)
    source = TextSource(path)
    return Files(source, ((source,),))


def test_the_first_bytes_are_those_of_the_file_and_of_its_text(tmp_path: Path) -> None:
    content = TEXT.encode("latin-1")
    files = files_of(tmp_path / "a.csv.gz", gzip.compress(content))
    with opened_engine() as engine:
        landed = Landed(files, Reading(encoding="latin-1"), engine)
        assert landed.raw_head == content
        assert not landed.damaged
        assert landed.head == TEXT.encode()
        assert not landed.damaged


def test_bytes_that_were_replaced_are_known(tmp_path: Path) -> None:
    files = files_of(tmp_path / "a.csv", TEXT.encode("latin-1"))
    with opened_engine() as engine:
        landed = Landed(files, Reading(), engine)
        assert not landed.damaged  # no text was asked for yet
        assert landed.head == TEXT.replace("é", "\ufffd").encode()
        assert landed.damaged
