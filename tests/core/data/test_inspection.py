"""What a dry run says of a log is what `prepare` says of it then."""

from pathlib import Path

import pytest

from seqrec_cli.core.data.inspection import inspected
from seqrec_cli.core.data.interactions import read_interactions
from seqrec_cli.core.data.preparation import Preparation, prepare
from seqrec_cli.core.data.reading.sources import TextSource

ROWS = [  # user, item, time: one exact duplicate; of the other eight rows two repeat an item
    *("a,1,10", "a,2,11", "a,1,12", "a,1,12", "a,3,13"),
    *("b,2,20", "b,3,21", "b,3,22", "b,1,23"),
]


@pytest.mark.parametrize("times", [True, False])
def test_repeats_and_exact_duplicates_are_counted(tmp_path: Path, times: bool) -> None:
    path = tmp_path / "log.csv"
    rows = ROWS if times else [row.rpartition(",")[0] for row in ROWS]
    path.write_text("\n".join(["user,item,time" if times else "user,item", *rows]) + "\n")
    found = inspected(read_interactions(TextSource(path)), "log")
    # Without times a repeat is no duplicate.
    assert list(found["dropped"].values()) == ([1] if times else [])
    assert found["repeats"] == (2 / 8 if times else 3 / 9)
    assert (found["users"], found["items"], found["rows_read"]) == (2, 3, 9)
    manifest = prepare(read_interactions(TextSource(path)), Preparation(), "log").manifest
    assert manifest["repeats"] == found["repeats"]
    assert manifest["dropped"] == found["dropped"]
