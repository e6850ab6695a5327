"""seqrec recommend: for users of the dataset, and for somebody new."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset
from tests.commands.conftest import ask


@pytest.fixture(autouse=True)
def place(learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(learnt)
    return learnt


def test_the_next_of_the_cycle_is_recommended_to_somebody_new(runner: CliRunner) -> None:
    ids = ask(runner, "recommend", "--history", "1003 1004 1005", "--topk", "2")
    assert ids[0]["items"][0]["item"] == 1006
    arguments = ["--history", "title 3 (2003); TITLE 4; Title 5 (2005)", "--topk", "2"]
    titles = ask(runner, "recommend", *arguments)
    assert titles[0]["items"] == ids[0]["items"]
    assert titles[0]["recent"][-1] == {"item": 1005, "title": "Title 5 (2005)"}


def test_unknown_items_are_named_and_left_out(runner: CliRunner) -> None:
    result = runner.invoke(app, ["recommend", "--history", "1003 77 1004", "--topk", "1"])
    assert result.exit_code == 0
    assert "note: `77` is not in the catalogue and was left out" in result.stderr


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_metrics_recomputed_from_the_output_equal_those_of_evaluate(
    runner: CliRunner, tmp_path: Path, cycle: SequenceDataset, ending: str
) -> None:
    assert cycle.test is not None
    (tmp_path / "users.txt").write_text("\n".join(str(i) for i in cycle.user_ids))
    output = tmp_path / f"out.{ending}"
    arguments = ["--users", str(tmp_path / "users.txt"), "--output", str(output)]
    for run in ("good", "raw"):
        result = runner.invoke(
            app, ["recommend", *arguments, "--before", "test", "--topk", "10", "--run", run]
        )
        assert result.exit_code == 0, result.output
        assert result.stdout == ""
        if ending == "csv":
            rows = list(csv.DictReader(io.StringIO(output.read_text())))
        else:
            rows = [json.loads(line) for line in output.read_text().splitlines()]
        ranks = {(int(r["user"]), int(r["item"])): int(r["rank"]) for r in rows}
        targets = zip(cycle.user_ids, cycle.test.items, strict=True)
        found = [ranks.get((int(user), int(item) + 1000)) for user, item in targets]
        figures = ask(runner, "evaluate", run, "--k", "10", "--no-baselines")["figures"][run]
        assert sum(rank is not None for rank in found) / 200 == figures["hr@10"]["mean"]
        reciprocal = sum(1 / rank for rank in found if rank) / 200
        assert reciprocal == pytest.approx(figures["mrr@10"]["mean"], rel=1e-12)


def test_nothing_is_written_when_writing_fails(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("100\n101\n999\n")
    output = tmp_path / "out.csv"
    arguments = ["recommend", "--users", str(tmp_path / "users.txt"), "--output", str(output)]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert "there is no user `999`" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["users.txt"]
    (tmp_path / "users.txt").write_text("100\n")
    result = runner.invoke(app, [*arguments[:-1], str(tmp_path / "users.txt" / "out.csv")])
    assert result.exit_code == 1
    assert "error: cannot write" in result.stderr
