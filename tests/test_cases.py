"""Each fault of reading that an outsider found, as a user meets it: the file and the command.

The files are in the folder that SEQREC_DATASETS names, a folder a case.
"""

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app

# The case, what is typed after `seqrec prepare`, and what must come out: the columns that are taken
# for roles, counts of the manifest, and words that must be printed.
READ: list[tuple[str, str, dict[str, Any]]] = [
    (
        "amazon18-item-first",
        "All_Beauty.csv",
        {"user": "2", "item": "1", "time": "4", "users": 4, "items": 9},
    ),
    (
        "boolean-rating",
        "a.csv --columns rating=is_recommended --min-rating 1",
        {"rating": "is_recommended", "rows_read": 20, "interactions": 10},
    ),
    (
        "date-before-time_ms",
        "log.csv",
        {"time": "time_ms", "interactions": 20, "said": "`date` look"},
    ),
    ("dates-de", "a.csv", {"time": "date", "interactions": 20}),
    ("dates-ymd-slash", "a.csv", {"time": "date", "interactions": 20}),
    ("decimal-comma", "a.csv", {"rating": "rating", "interactions": 20}),
    ("empty-cells", "small_matrix.csv --drop-incomplete", {"rows_read": 20, "interactions": 19}),
    (
        "event-types-mixed",
        "events.csv",
        {"user": "visitorid", "said": "view 8, transaction 7, addtocart 5; to choose: --where"},
    ),
    (
        "event-types-mixed",
        "events.csv --where \"event != 'transaction'\"",
        {"interactions": 13, "user": "visitorid"},
    ),
    ("hint-names-the-time-as-item", "clicks.dat", {"user": "1", "item": "3", "time": "2"}),
    (
        "item-properties-long-table",
        "log.csv --items-file item_features.csv --min-value-count 1",
        {"said": "they became 3 columns"},
    ),
    ("json-lines", "reviews.json", {"user": "reviewerID", "item": "asin", "users": 6, "items": 6}),
    ("json-lines-two-keys", "a.jsonl", {"user": "user_id", "item": "item_id", "users": 4}),
    (
        "jsonl-nested-otto",
        "train.jsonl",
        {"user": "session", "item": "events[].aid", "time": "events[].ts", "interactions": 20},
    ),
    ("nan-as-user", "log.csv --drop-incomplete", {"users": 4, "interactions": 16}),
    (
        "netflix-blocks",
        "combined_data_1.txt",
        {"item": "1", "user": "2", "users": 4, "items": 9},
    ),
    ("one-bad-row", "log.csv --drop-incomplete", {"rows_read": 30, "interactions": 28}),
    ("packed-otherwise", "d.tar.gz", {"time": "3", "users": 4, "items": 9}),
    ("packed-otherwise", "ratings_data.txt.bz2", {"time": "3", "users": 4, "items": 9}),
    ("packed-otherwise", "log.csv.xz", {"time": "3", "users": 4, "items": 9}),
    ("parquet-lists", "seq.parquet", {"time": "timestamps", "users": 2, "interactions": 8}),
    ("parquet-parts-folder", "interactions.parquet", {"interactions": 20, "users": 4}),
    ("python-literals-steam", "steam_reviews.json", {"user": "username", "item": "product_id"}),
    ("recbole-item-id-list", "x.train.inter", {"interactions": 20, "said": "item_id_list"}),
    ("rees46-utc-suffix", "2019-Oct.csv", {"time": "event_time", "interactions": 20}),
    ("repeated-events-of-an-item", "events.csv", {"interactions": 72, "said": "cart 24"}),
    ("repeated-events-of-an-item", "events.csv --repeats collapse", {"interactions": 24}),
    ("row-number-as-user", "log.csv", {"user": "2", "item": "3", "time": "4", "users": 6}),
    ("sequence-lines", "Beauty.txt", {"interactions": 20, "users": 4, "items": 9}),
    ("sequence-lines", "train.txt", {"interactions": 13, "users": 5, "items": 3}),
    ("session-lists-as-items", "pairs.tsv", {"interactions": 60, "users": 5, "items": 9}),
    ("time-column-not-recognised", "purchases.csv", {"time": "t_dat", "interactions": 24}),
    ("time-with-utc", "events.csv", {"time": "event_time", "interactions": 20}),
    (
        "tsv-quote-swallows-rows",
        "plays.tsv --columns user=1,item=4,time=2",
        {"rows_read": 20, "interactions": 20},
    ),
    ("two-text-columns-header-counted", "a.csv", {"user": "shopper", "rows_read": 20}),
    ("yyyymmddhhmmss-year-2609", "a.csv", {"time": "timestamp", "interactions": 20}),
]

# What is refused, the words, and a command of the hint that then works, or "".
REFUSED = [
    ("empty-cells", "small_matrix.csv", "line 9: the time in `timestamp` is empty"),
    ("nan-as-user", "log.csv", "the user in `user` is `NaN`, which stands for a missing one"),
    ("one-bad-row", "log.csv", "line 15: the item in `item` is empty"),
    ("tsv-quote-swallows-rows", "plays.tsv", "cannot tell which column is the user"),
]


@pytest.fixture
def case(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> Path:
    """A copy of the folder of a case, in which commands run."""
    folder = real_data / "cases" / request.param
    if not folder.is_dir():
        pytest.skip(f"there is no case {request.param}")
    # Not copytree: the folder may be read-only, and the copy would be too.
    for source in folder.rglob("*"):
        target = tmp_path / "case" / source.relative_to(folder)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    os.makedirs(tmp_path / "case", exist_ok=True)  # noqa: PTH103
    monkeypatch.chdir(tmp_path / "case")
    return tmp_path / "case"


def prepare(command: str) -> Any:
    return CliRunner().invoke(app, ["prepare", *shlex.split(command), "--name", "made", "--json"])


@pytest.mark.parametrize(
    ("case", "command", "expected"),
    READ,
    indirect=["case"],
    ids=[f"{name}-{command}" for name, command, _ in READ],
)
def test_is_read_and_said(case: Path, command: str, expected: dict[str, Any]) -> None:
    result = prepare(command)
    assert result.exit_code == 0, result.stderr
    manifest = json.loads(result.stdout)
    taken = {each["role"]: each["column"] for each in manifest["source"]["findings"]["taken"]}
    for key, value in expected.items():
        if key == "said":
            assert value in result.stderr
        elif key in ("user", "item", "time", "rating"):
            assert taken[key] == value
        elif key == "interactions":  # before exact duplicates are dropped, which has its own tests
            dropped = manifest["dropped"]
            assert manifest[key] == value or manifest[key] + sum(dropped.values()) == value
        else:
            assert manifest[key] == value, key


@pytest.mark.parametrize(
    ("case", "command", "words"),
    REFUSED,
    indirect=["case"],
    ids=[f"{name}-{command}" for name, command, _ in REFUSED],
)
def test_is_refused_and_the_hint_works_when_pasted(case: Path, command: str, words: str) -> None:
    result = prepare(command)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not (case / "data").exists()
    _, _, hinted = result.stderr.partition("`seqrec prepare ")
    again = prepare(hinted.partition("`")[0])
    assert again.exit_code == 0, again.stderr
