"""How a run is named, wherever a command takes one."""

import os
import re
import shutil
from pathlib import Path

import pytest
from typer import BadParameter
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.commands.options import chosen_run, chosen_runs, say_which, writes_csv
from tests.core.runs.test_status import interrupt
from tests.test_readme import options_of


def test_a_run_stands_behind_the_command_or_after_run() -> None:
    assert chosen_run("a", None) == chosen_run(None, "a") == "a"
    assert chosen_run(None, None) == "latest"
    with pytest.raises(BadParameter, match="`a` and --run b name a run each"):
        chosen_run("a", "b")
    assert chosen_runs(["a"], ["b", "c"]) == ["a", "b", "c"]
    assert chosen_runs(None, None) == ["latest"]


def test_a_newer_run_that_has_not_ended_is_told_where_the_latest_is_taken(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say_which("latest", Path("runs/one"))
    assert capsys.readouterr().err == ""
    shutil.copytree(place / "runs" / "one", place / "runs" / "two")
    interrupt(place / "runs" / "two")
    manifest = place / "runs" / "two" / "manifest.json"
    os.utime(manifest, (manifest.stat().st_mtime + 10,) * 2)
    say_which("one", Path("runs/one"))
    assert capsys.readouterr().err == ""
    say_which("latest", Path("runs/one"))
    told = capsys.readouterr().err
    assert re.search(r"runs/two is .*; the latest finished run is runs/one", told)


@pytest.mark.parametrize(
    "command",
    [
        ("similar", "--item", "1001"),
        ("score", "--input", "rows.csv", "--output", "scores.csv"),
        ("compare", "latest", "other"),
        ("plot",),
        ("evaluate", "--no-baselines"),
        ("recommend", "--user", "100"),
        ("embed", "--items", "--output", "items.npz"),
    ],
    ids=lambda command: command[0],
)
def test_each_command_of_the_latest_run_says_so(
    place: Path, runner: CliRunner, command: tuple[str, ...]
) -> None:
    (place / "rows.csv").write_text("user,item\n100,1001\n")
    for name, later in (("other", -10), ("two", 10)):
        shutil.copytree(place / "runs" / "one", place / "runs" / name)
        manifest = place / "runs" / name / "manifest.json"
        os.utime(manifest, (manifest.stat().st_mtime + later,) * 2)
    interrupt(place / "runs" / "two")
    result = runner.invoke(app, [*command, *(() if command == ("plot",) else ("--device", "cpu"))])
    assert result.exit_code == 0, result.output
    assert "note: runs/two is interrupted in epoch 2 of 2; the latest" in result.stderr


@pytest.mark.parametrize("command", ["similar", "export", "recommend", "evaluate", "compare"])
def test_the_length_of_lists_has_two_spellings(command: str) -> None:
    assert {"--k", "--topk"} <= options_of(command)


@pytest.mark.parametrize(("path", "applies"), [("a.csv", True), ("a.jsonl", False), (None, False)])
def test_what_is_for_csv_files_applies_to_them_alone(path: str | None, applies: bool) -> None:
    only = writes_csv("per_user")
    assert only.when({"per_user": path}) == applies
    assert only.place == "for --per-user FILE.csv"
