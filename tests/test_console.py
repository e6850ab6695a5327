"""What people see: tables that fit, a training in view, text that any terminal can show."""

import io
import os
import subprocess
import sys

import pytest

from seqrec_cli import console


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
            with console.drawn_on(None):
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


def test_messages_beside_a_bar_go_through_the_console_that_draws_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    with console.training_view(["epoch"]) as view:
        assert view.live is not None
        assert console.stderr() is view.live.console
        console.info("said while the bar is there")
        with console.progress(3, "users"):
            assert console.stderr() is not None
        assert console.stderr() is view.live.console
    assert console.stderr() is not view.live.console
    assert "said while the bar is there" in capsys.readouterr().err


def test_where_there_is_no_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress(3, "users") as advance:
        advance(1, "evaluated")
        console.info("said")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "said\n")
