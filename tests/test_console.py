"""What people see: tables that fit, a training in view, text that any terminal can show."""

import io
import os
import subprocess
import sys

import pytest

from seqrec_cli import console
from seqrec_cli.commands.reports.grid import Cell, mark_best, print_grid
from seqrec_cli.wording import counted, duration, size, span

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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_training_keeps_its_newest_rows_and_the_bar_in_view(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    lines: list[str] = []

    def stopped_training() -> None:
        with console.training_view(["epoch", "loss"]) as view:
            for number in range(1, 61):
                view.row([str(number), "0.5"])
                view.step(number, 60, f"epoch {number}")
            shown = console.stderr()
            with shown.capture() as captured:
                shown.print(view.live.get_renderable())  # type: ignore[union-attr]
            lines.extend(captured.get().splitlines())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_training()
    assert len(lines) <= 24
    assert any(line.startswith("60 ") for line in lines)
    assert "epoch 60" in lines[-1]
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table] == ["epoch", *map(str, range(1, 61))]


def test_in_a_pipe_a_training_has_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    with console.training_view(["epoch", "loss"]) as view:
        view.row(["1 *", "0.5000"])
        first = capsys.readouterr()
        view.row(["2", "0.4000"])
    assert first.out.splitlines() == ["epoch       loss", "1 *       0.5000"]
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["2         0.4000"]
    assert first.err == captured.err == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_lacks_is_spelled_out(encoding: str) -> None:
    code = "from seqrec_cli import console; console.print_text('a ± b … c – d × 5')"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        check=True,
    )
    expected = "a +- b ... c - d x 5" if encoding == "ascii" else "a ± b ... c - d × 5"
    assert result.stdout.decode(encoding).strip() == expected


def test_quantities_have_units() -> None:
    assert counted(1, "user") == "1 user"
    assert counted(2000, "user") == "2,000 users"
    assert [duration(s) for s in (0, 46, 90, 86_400, 118_356)] == [
        *("0 s", "46 s", "1.5 minutes", "1 day", "1.4 days")
    ]
    assert span("1 day", "1.4 days") == "1–1.4 days"
    assert span("46 s", "2 days") == "46 s–2 days"
    assert [size(n) for n in (12, 2300, 4_600_000)] == ["12 bytes", "2.3 kB", "4.6 MB"]


def test_text_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "a :bomb: [red]x[/red] back\\ \x1b[31m new\nline"
    console.print_table(["id", "title"], [["1", odd]])
    console.info(odd)
    shown = "a :bomb: [red]x[/red] back\\ \\x1b[31m new\\nline"
    captured = capsys.readouterr()
    assert shown in captured.out
    assert shown in captured.err


def test_titles_survive_a_terminal_that_cannot_show_them() -> None:
    code = "from seqrec_cli import console; console.print_table(['t'], [['Ümlaut']])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert rb"\xdcmlaut" in result.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", [["train"], ["prepare"], ["evaluate"], []])
def test_help_can_be_read_in_any_encoding(encoding: str, command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "seqrec_cli", *command, "--help"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "80"},
        check=True,
    )
    text = result.stdout.decode(encoding)
    assert "Usage" in text
    assert "\\u" not in text
    assert b"Traceback" not in result.stderr
