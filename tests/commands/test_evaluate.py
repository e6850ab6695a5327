"""seqrec evaluate (and what it shares with recommend) on a run that has learnt the cycle."""

import csv
import io
import json
import shutil
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


def test_the_latest_run_is_the_default_and_the_valid_part_can_be_asked(runner: CliRunner) -> None:
    found = ask(runner, "evaluate", "--split", "valid", "--k", "10", "--no-baselines")
    lines = Path("runs/good/metrics.jsonl").read_text().splitlines()
    best = max((json.loads(line) for line in lines), key=lambda line: line["ndcg@10"])
    for name in ("hr@10", "ndcg@10", "map@10"):
        assert found["figures"]["good"][name]["mean"] == pytest.approx(best[name], abs=1e-9)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_per_user_metrics_average_to_the_table(
    runner: CliRunner, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"users.{ending}"
    arguments = ["evaluate", "good", "--k", "10", "--per-user", str(file), "--no-baselines"]
    found = ask(runner, *arguments)
    if ending == "csv":
        rows = list(csv.DictReader(io.StringIO(file.read_text())))
    else:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [int(row["user"]) for row in rows] == list(range(100, 300))
    mean = sum(float(row["ndcg@10"]) for row in rows) / 200
    assert mean == pytest.approx(found["figures"]["good"]["ndcg@10"]["mean"])


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["recommend", "--user", "99"], "there is no user `99` in the dataset `toy`", "100, 101"),
        (["recommend", "--user", "x"], "there is no user `x`", "nearest"),
        (["recommend", "--history", "7 8"], "no item of the history is known", "similar are"),
        (["recommend", "--history", " "], "the history is empty", "write ids"),
        (["recommend", "--user", "100", "--run", "none"], "there is no run `runs/none`", "good"),
        (["recommend", "--users", "none.txt", "--output", "x.csv"], "cannot read `none.txt`", ""),
        (["recommend", "--users", "a", "--output", "x.xls"], "ends in neither .csv nor", ""),
        (["recommend", "--user", "100", "--data", "none"], "there is no prepared dataset", ""),
        (["evaluate", "none"], "there is no run `runs/none`", "the runs here are good, raw"),
        (["evaluate", "--k", "ten"], "`--k ten` is not a list of lengths", "--k 5,10"),
        (["evaluate", "--k", "0"], "`--k 0` is not a list of lengths", ""),
        (["evaluate", "--device", "gpu"], "unknown device `gpu`", ""),
        (["evaluate", "--per-user", "x.txt"], "ends in neither .csv nor .jsonl", ""),
    ],
)
def test_a_mistake_is_one_sentence(
    runner: CliRunner, arguments: list[str], message: str, hint: str
) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1, result.output
    assert message in result.stderr.splitlines()[0]
    assert result.stderr.startswith("error: ")
    assert hint in result.stderr
    assert result.stdout == ""
    assert not Path("x.csv").exists()


def test_a_run_named_like_a_baseline_or_like_another_keeps_its_own_column(
    runner: CliRunner, place: Path
) -> None:
    (place / "else").mkdir(exist_ok=True)
    for copy in (place / "else" / "good", place / "runs" / "popularity"):
        if not copy.exists():
            shutil.copytree(place / "runs" / "good", copy)
    found = ask(runner, "evaluate", "popularity", "--k", "10")["figures"]
    assert found["runs/popularity"]["hr@10"]["mean"] > 0.9
    assert found["popularity"]["hr@10"]["mean"] < 0.6
    both = ask(runner, "evaluate", "runs/good", "else/good", "--k", "10", "--no-baselines")
    assert set(both["figures"]) == {"runs/good", "else/good"}
    result = runner.invoke(app, ["evaluate", "good", "runs/good"])
    assert result.exit_code == 1
    assert "a run is named twice" in result.stderr
    shutil.rmtree(place / "runs" / "popularity")


def test_a_dataset_that_changed_is_refused(
    runner: CliRunner, cycle: SequenceDataset, tmp_path: Path
) -> None:
    from tests.conftest import leave_one_out

    leave_one_out([[1, 2, 3, 4]] * 5, 50).save(tmp_path / "other.npz")
    for command in (["evaluate", "good"], ["embed", "good", "--users", "--output", "u.npz"]):
        result = runner.invoke(app, [*command, "--data", str(tmp_path / "other.npz")])
        assert result.exit_code == 1
        assert "was trained on another dataset" in result.stderr
