"""Tables of figures fit the terminal, whatever the number of columns."""

import pytest

from seqrec_cli.commands.reports.grid import Cell, mark_best, print_grid

RUNS = ["ml-100k-sasrec-1", "ml-100k-gru4rec-12", "popularity", "recent popularity"]


def grid(capsys: pytest.CaptureFixture[str], columns: list[str]) -> list[str]:
    cell = Cell("0.1234", "±0.0123")
    print_grid(
        "metric", {"ndcg@10": [cell] * len(columns), "hr@10": [cell] * len(columns)}, columns
    )
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 40])
def test_a_table_fits_80_columns_whatever_the_number_of_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = [RUNS[number % 4] for number in range(count)]
    lines = grid(capsys, columns)
    assert max(map(len, lines)) <= 80
    text = " ".join(lines)
    assert text.count("0.1234") == text.count("±0.0123") == 2 * count
    assert text.count("ml-100k-sasrec-1") == columns.count("ml-100k-sasrec-1")  # never cut


def test_the_interval_is_beside_where_there_is_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert grid(capsys, ["a", "b"])[1] == "ndcg@10  0.1234 ±0.0123  0.1234 ±0.0123"
    assert grid(capsys, ["a"] * 6)[1].split() == ["ndcg@10", *["0.1234"] * 6]


def test_the_best_is_marked_where_there_are_several() -> None:
    assert mark_best([0.1, 0.3, None, 0.3]) == [False, True, False, True]
    assert mark_best([0.1, 0.3], lower=True) == [True, False]
    assert mark_best([0.1]) == [False]
