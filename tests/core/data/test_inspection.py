"""What a dry run says of a log is what `prepare` says of it then."""

import json
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


CLICKS = [("a", 10, ["x", "y", "x"]), ("a", 20, ["y", "z"]), ("b", 5, ["z", "z", "x"])]
LISTS = {
    "log.jsonl": "".join(
        json.dumps({"user": user, "time": time, "items": items}) + "\n"
        for user, time, items in CLICKS
    ),
    "log.csv": "user,time,items\n"
    + "".join(f'{user},{time},"{items}"\n' for user, time, items in CLICKS),
}


@pytest.mark.parametrize("name", LISTS)
def test_what_comes_again_in_a_list_with_one_time_is_no_duplicate(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_text(LISTS[name])
    found = inspected(read_interactions(TextSource(path)), "log")
    assert (found["rows_read"], found["dropped"]) == (8, {})
    data = prepare(read_interactions(TextSource(path)), Preparation(), "log")
    ids = [data.item_ids[history - 1].tolist() for history in data.histories("end")]
    assert ids == [["x", "y", "x", "y", "z"], ["z", "z", "x"]]


def test_with_a_time_of_its_own_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    clicks = [{"item": item, "time": 1_600_000_000 + n} for n, item in enumerate("xyzx")]
    rows = [{"user": user, "clicks": [*clicks, clicks[0]]} for user in "ab"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = inspected(read_interactions(TextSource(path)), "log")
    assert list(found["dropped"].values()) == [2]


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
