"""Options that do not apply are refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from tests.commands.test_prepare_bad_input import GOOD


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--min-rating", "3"], "--min-rating is for logs"),
        (["demo", "--negatives", "4"], "--negatives is for --task ranking of a log"),
        (["demo", "--min-value-count", "2"], "--min-value-count is not for the demo"),
        (["a.txt", "--test-from", "5"], "--test-from is for --split time"),
        (["a.txt", "--seed", "5"], "--seed is for the demo, --shuffle-order"),
        (["a.txt", "--split", "user"], "--split is `user` only for --task ranking"),
        (["a.txt", "--split", "time", "--min-split-length", "9"], "for --split leave-one-out"),
        (["demo", "--scaling", "z-score"], "--scaling is not for the demo"),
        (["a.txt", "--task", "ranking", "--min-split-length", "100"], "--min-split-length is for"),
        (["a.txt", "--task", "ranking", "--negatives-power", "1"], "with --negatives"),
        (["a.txt", "--task", "ranking", "--table", "t.yaml"], "--table is for"),
        (["pair", "--task", "ranking", "--split", "time"], "--split is not for a folder with"),
        (["pair", "--task", "ranking", "--items-file", "nowhere.csv"], "--items-file is for logs"),
        (["pair", "--task", "ranking", "--history-length", "5"], "--history-length is for"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refuses_options_that_do_not_apply(
    runner: CliRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(GOOD)
    (tmp_path / "pair").mkdir()
    for name in ("train.csv", "test.csv"):
        (tmp_path / "pair" / name).write_text("label,user,item\n1,2,3\n")
    result = runner.invoke(app, ["prepare", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "data").exists()


def test_wrong_usage_is_exit_code_2(runner: CliRunner) -> None:
    for arguments in (["--split", "random"], ["--min-user-count", "0"], ["--colums", "x"]):
        assert runner.invoke(app, ["prepare", "demo", *arguments]).exit_code == 2
