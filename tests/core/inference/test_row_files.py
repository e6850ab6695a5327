"""Files of rows keep their columns; what is no file of rows is explained."""

import csv
import json
from pathlib import Path

import pytest

from seqrec_cli.core.inference.row_files import BLOCK_ROWS, opened_rows, rewrite_rows
from tests.commands.test_score import SCORE
from tests.shop import said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user,thing\nu1,item 03\n", "has no column `item`, but `user`, `thing`"),
        ("user,item,logit\nu1,item 03,1\n", "has a column `logit` already"),
        ("user,item\nu1\n", "line 2: 1 cells, and 2 in the header"),
        ("", "has no rows"),
        ("user,item\n", "has no rows"),
    ],
)
def test_explains_a_file_that_is_no_rows(shop: Path, content: str, message: str) -> None:
    (shop / "rows.csv").write_text(content)
    assert message in said("score", "one", *SCORE, code=1)
    assert not Path("scores.csv").exists()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_rows_are_read_in_blocks_with_their_lines(tmp_path: Path, delimiter: str) -> None:
    count = BLOCK_ROWS + 3
    lines = [delimiter.join(("user", "item")), *(f"u{n}{delimiter}i {n}" for n in range(count))]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    with opened_rows(tmp_path / "rows.csv") as rows:
        assert rows.columns == ["user", "item"]
        blocks = list(rows.blocks)
    assert [(first, len(block)) for first, block in blocks] == [
        (2, BLOCK_ROWS),
        (BLOCK_ROWS + 2, 3),
    ]
    found = [row for _, block in blocks for row in block]
    assert found == [{"user": f"u{n}", "item": f"i {n}"} for n in range(count)]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rows = [
        {"item": "a,b", "tags": ["x", 1], "score": 0.5},
        {"item": '"', "tags": [], "score": None},
    ]
    for name in ("rows.jsonl", "rows.csv"):
        assert rewrite_rows(tmp_path / name, rows, list(rows[0])) == 2
    with opened_rows(tmp_path / "rows.jsonl") as again:
        assert [row for _, block in again.blocks for row in block] == rows
    with (tmp_path / "rows.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [row["item"] for row in cells] == ["a,b", '"']
    assert [row["score"] for row in cells] == ["0.5", ""]
    assert [json.loads(row["tags"]) for row in cells] == [["x", 1], []]
