"""A line a user, however the items are separated."""

import json

import pytest

from tests.core.data.reading.conftest import ReadText, rows_of
from tests.core.data.reading.forms import PAIRS, by_user


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{u} {' '.join(i)}" for u, i, _ in by_user()) + "\n9 i1\n",
        "\n".join(f"{u}: {' '.join(i)}" for u, i, _ in by_user()) + "\n9: i1\n",
        "\n".join(f"{u},{','.join(i)}" for u, i, _ in by_user()) + "\n9,i1\n",
        "\n".join(f"{u}\t{' '.join(i)}" for u, i, _ in by_user()) + "\n9\ti1 i2\n",
        json.dumps({str(u): i for u, i, _ in by_user()} | {"9": ["i1"]}),
    ],
)
def test_reads_a_line_a_user(read: ReadText, text: str) -> None:
    rows = [row for row in rows_of(read(text, "a.txt")) if row[0] != 9]
    assert rows == PAIRS


def test_reads_sequences_of_spmf(read: ReadText) -> None:
    log = read("1 -1 5 3 -1 2 -1 -2\n7 -1 1 -1 -2\n5 -1 -2\n", "kosarak.txt")
    assert rows_of(log) == [(1, 1), (1, 5), (1, 3), (1, 2), (2, 7), (2, 1), (3, 5)]
    assert any("as in SPMF" in note for note in log.findings.notes)
