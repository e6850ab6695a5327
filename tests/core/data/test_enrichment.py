"""Features and items that nobody has come from files beside the log."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset


def test_new_items_are_those_that_the_log_never_had(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = [f"{u},{i},{t}" for u in range(5) for t, i in enumerate((1, 2, 3, 4))] + ["0,9,9"]
    Path("log.csv").write_text("\n".join(["user,item,time", *log]))
    Path("items.csv").write_text("item,price\n1,5\n9,6\n10,7\n,8\n11,9\n")
    options = ["--items-file", "items.csv", "--new-items", "--min-item-count", "2"]
    result = runner.invoke(app, ["prepare", "log.csv", *options])
    assert result.exit_code == 0, result.stderr
    dataset = SequenceDataset.load(Path("data/log.npz"))
    assert dataset.item_ids.tolist() == [1, 2, 3, 4, 10, 11]  # 9 was left out for being rare
    Path("items.csv").write_text("item,price\n1,5\n01,6\n")
    result = runner.invoke(app, ["prepare", "log.csv", *options])
    assert result.exit_code == 1
    assert "has the item `01`, where the log has whole numbers" in result.stderr
