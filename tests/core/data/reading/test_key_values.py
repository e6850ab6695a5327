"""Blocks of lines with a key and a value each, as SNAP has the reviews of Amazon and of beer."""

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of

BLOCKS = "".join(
    f"product/productId: B00{n % 4}\nreview/userId: A{n % 3}\nreview/profileName: Anna: B\n"
    f"review/score: {n % 5 + 1}.0\nreview/time: {1_300_000_000 + n}\n"
    "review/text: good\nand more\n\n"
    for n in range(12)
)
ROWS = [(f"A{n % 3}", f"B00{n % 4}", 1_300_000_000 + n) for n in range(12)]


def test_reads_blocks_of_keys_and_values(read: ReadText) -> None:
    log = read(BLOCKS, "foods.txt")
    assert rows_of(log) == ROWS
    assert log.columns["rating"] == "review.score"


def test_the_last_block_needs_no_empty_line_and_lines_may_end_as_on_windows(
    read: ReadText,
) -> None:
    assert rows_of(read(BLOCKS.rstrip("\n").replace("\n", "\r\n"), "foods.txt")) == ROWS


def test_a_block_without_end_is_refused_and_takes_no_square_of_its_length(read: ReadText) -> None:
    endless = "review/userId: u1\nreview/productId: i1\n" + "x\n" * (3 << 20)
    with pytest.raises(InputError, match="has a block of `key: value` lines of more than"):
        read(endless, "reviews.txt")


def test_lines_between_blocks_are_counted_and_said(read: ReadText) -> None:
    blocks = BLOCKS.split("\n\n")
    text = "\n\n".join([*blocks[:4], "%%% a broken line\nand another", *blocks[4:]])
    log = read(text, "foods.txt")
    assert rows_of(log) == ROWS
    assert "2 lines between the blocks without a key: left out" in log.findings.notes
    assert not any("without a key" in note for note in read(BLOCKS, "foods.txt").findings.notes)
