"""Ranking from the command line: prepare, train, resume, evaluate, and behind a retrieval run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from tests.core.data.ranking.test_from_log import log  # noqa: F401
from tests.core.data.ranking.toy import toy_folder

CONFIG = """\
data: toy
model: {name: dien, embedding: 8}
training: {epochs: 4, lr: 0.01}
"""


def run(runner: CliRunner, *arguments: str, code: int = 0) -> Any:
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: CliRunner) -> Path:
    """A folder with a prepared ranking dataset and an experiment, which is where commands run."""
    monkeypatch.chdir(tmp_path)
    toy_folder(tmp_path / "toy", users=300)
    (tmp_path / "toy.yaml").write_text(CONFIG)
    run(runner, "prepare", "toy", "--task", "ranking", "--table", "toy/columns.yaml")
    return tmp_path


def test_prepare_says_what_became_of_everything(runner: CliRunner, place: Path) -> None:
    arguments = ["prepare", "toy", "--task", "ranking", "--table", "toy/columns.yaml"]
    result = run(runner, *arguments)
    assert "300 rows of 300 users" in result.stdout
    assert "age (dense); city (sparse, 5 values); topics (tags, 4 values)" in result.stdout
    assert "there is no valid part" in result.stderr
    assert "hint: seqrec train --config dien --data toy" in result.stderr
    manifest = json.loads(run(runner, *arguments, "--json").stdout)
    assert manifest["task"] == "ranking"
    assert manifest == json.loads((place / "data" / "toy.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--task", "ranking"], "the demo has no ratings"),
        (["toy", "--task", "ranking"], "it is not known what the columns of"),
        (["toy", "--task", "ranking", "--table", "nope.yaml"], "cannot read `nope.yaml`"),
    ],
)
def test_prepare_explains_what_does_not_go_together(
    runner: CliRunner, place: Path, arguments: list[str], message: str
) -> None:
    (place / "log.csv").write_text("user,item,rating\n1,2,3\n")
    assert message in run(runner, "prepare", *arguments, code=1).stderr


def test_train_keeps_the_best_and_goes_on_byte_for_byte(runner: CliRunner, place: Path) -> None:
    result = run(runner, "train", "--config", "toy.yaml", "--run", "whole")
    assert "255 rows to learn from, 45 to pick the best weights" in result.stderr
    assert "auc" in result.stdout
    assert "log_loss" in result.stdout
    half = ["--run", "half", "--set", "training.epochs=2"]
    run(runner, "train", "--config", "toy.yaml", *half)
    run(runner, "train", "--resume", "half", "--set", "training.epochs=4")
    for file in ("last.safetensors", "best.safetensors", "rows.npz"):
        first, second = (place / "runs" / name / file for name in ("whole", "half"))
        assert first.read_bytes() == second.read_bytes(), file
    lines = (place / "runs" / "whole" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4]
    manifest = json.loads((place / "runs" / "whole" / "manifest.json").read_text())
    assert (manifest["task"], manifest["validated_on"]) == ("ranking", "held_out")


def test_evaluate_prints_every_metric_with_its_interval(runner: CliRunner, place: Path) -> None:
    run(runner, "train", "--config", "toy.yaml")
    run(runner, "train", "--config", "toy.yaml", "--set", "model={name: mlp}")
    result = run(runner, "evaluate", "toy-dien-1", "toy-mlp-1")
    for word in ("auc", "log_loss", "calibration_error", "predicted/observed", "item's rate"):
        assert word in result.stdout
    assert "toy-dien-1 minus toy-mlp-1" in result.stdout
    assert "150 users left out of gauc" in result.stderr
    assert "optimistic" not in result.stderr
    found = json.loads(run(runner, "evaluate", "toy-dien-1", "--json").stdout)
    figure = found["figures"]["toy-dien-1"]["auc"]
    assert figure["low"] < figure["mean"] < figure["high"]
    assert (found["rows"], found["stopped_on_the_test_part"]) == (150, [])
    assert "has no valid part" in run(runner, "evaluate", "--split", "valid", code=1).stderr


def test_what_a_ranking_run_has_no_use_for_is_refused(runner: CliRunner, place: Path) -> None:
    run(runner, "train", "--config", "toy.yaml", "--set", "training.epochs=1")
    arguments = ["evaluate", "toy-dien-1", "--k", "1,5,10,20", "--seen", "include"]
    result = run(runner, *arguments, code=2)
    assert "no use for --k, --seen" in " ".join(result.stderr.split())
    for option in ("--retrieval-weight", "--candidates"):
        result = run(runner, "evaluate", "toy-dien-1", option, "1", code=2)
        assert f"{option} is for --rerank RUN" in result.stderr


def test_who_stops_on_the_test_part_is_told_so_everywhere(runner: CliRunner, place: Path) -> None:
    walkthrough = ["--set", "training.validate_on=test"]
    result = run(runner, "train", "--config", "toy.yaml", *walkthrough)
    assert "300 rows to learn from, 150 to pick" in result.stderr
    assert "training stops on the test part" in result.stderr
    manifest = json.loads((place / "runs" / "latest" / "manifest.json").read_text())
    assert manifest["validated_on"] == "test"
    assert "stopped on the test file" in run(runner, "evaluate").stderr
    found = json.loads(run(runner, "evaluate", "--json").stdout)
    assert found["stopped_on_the_test_part"] == ["toy-dien-1"]


def test_mistakes_in_settings_are_told_with_their_place(runner: CliRunner, place: Path) -> None:
    for change, message, hint in (
        ("training.loss=bce", "unknown setting `training.loss`", "did you mean"),
        ("training.patence=3", "unknown setting `training.patence`", "`training.patience`"),
        ("model.variant=lstm", "setting `model.variant`", "how attention enters"),
        ("model.name=dein", "unknown model `dein`", "did you mean `di"),
        ("training.metric=ndcg@10", "setting `training.metric`", "selects the best weights"),
    ):
        said = run(runner, "train", "--config", "toy.yaml", "--set", change, code=1).stderr
        assert message in said
        assert hint in said


def test_tasks_are_not_mixed_up(runner: CliRunner, place: Path, cycle_npz: Path) -> None:
    for file in (cycle_npz, cycle_npz.with_suffix(".json")):
        (place / "data" / f"cycle{file.suffix}").write_bytes(file.read_bytes())
    (place / "cycle.yaml").write_text("data: cycle\ntraining: {epochs: 1}\nmodel: {hidden: 8}\n")
    said = run(runner, "train", "--config", "cycle.yaml", "--data", "toy", code=1).stderr
    assert "was prepared for the task ranking, and next-item is needed here" in said
    said = run(runner, "train", "--config", "toy.yaml", "--data", "cycle", code=1).stderr
    assert "was prepared for the task next-item, and ranking is needed here" in said
    run(runner, "train", "--config", "toy.yaml", "--set", "training.epochs=1", "--run", "ranker")
    for arguments in (["compare", "ranker", "ranker2"], ["embed", "ranker", "--items"]):
        more = ["--output", "x.npz"] if arguments[0] == "embed" else []
        (place / "runs" / "ranker2").mkdir(exist_ok=True)
        for file in (place / "runs" / "ranker").iterdir():
            (place / "runs" / "ranker2" / file.name).write_bytes(file.read_bytes())
        said = run(runner, *arguments, *more, code=1).stderr
        assert "ranks candidates and does not find any" in said


@pytest.fixture
def two_stages(
    log: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runner: CliRunner,
) -> Path:
    """A retrieval run and a ranking run of the same log."""
    monkeypatch.chdir(tmp_path)
    files = [
        "--users-file",
        str(log.parent / "people.csv"),
        "--items-file",
        str(log.parent / "things.csv"),
        "--min-value-count",
        "1",
    ]
    run(runner, "prepare", str(log), "--name", "seq")
    ranking = ["--task", "ranking", "--split", "leave-one-out", "--rows-per-user", "0"]
    run(runner, "prepare", str(log), "--name", "rows", *ranking, *files)
    (tmp_path / "seq.yaml").write_text(
        "data: seq\nmodel: {hidden: 8, max_length: 12}\ntraining: {epochs: 2, validate_every: 1}\n"
    )
    (tmp_path / "rows.yaml").write_text(CONFIG.replace("toy", "rows"))
    run(runner, "train", "--config", "seq.yaml", "--run", "finder")
    run(runner, "train", "--config", "rows.yaml", "--run", "ranker")
    return tmp_path


def test_two_stages_are_shown_side_by_side(runner: CliRunner, two_stages: Path) -> None:
    both = ["--rerank", "ranker", "--candidates", "10", "--k", "5"]
    result = run(runner, "evaluate", "finder", *both, "--no-baselines")
    assert "finder + ranker" in result.stdout
    assert "are among its 10 candidates" in result.stderr
    found = json.loads(run(runner, "evaluate", "finder", *both, "--json").stdout)
    figures = found["figures"]
    assert figures["finder"]["mrr@5"]["mean"] != figures["finder + ranker"]["mrr@5"]["mean"]
    assert figures["finder + ranker"]["hr@5"]["mean"] <= found["reach"]["finder"]
    assert "popularity" in figures


def test_recommendations_of_two_stages_give_the_metrics_of_evaluate(
    runner: CliRunner, two_stages: Path
) -> None:
    both = ["--rerank", "runs/ranker", "--candidates", "10"]
    arguments = [*both, "--k", "5", "--json", "--no-baselines"]
    figures = json.loads(run(runner, "evaluate", "finder", *arguments).stdout)["figures"]
    assert RankingDataset.load(Path("data/rows.npz")).test is not None
    from seqrec_cli.core.data.dataset import SequenceDataset

    data = SequenceDataset.load(Path("data/seq.npz"))
    assert data.test is not None
    Path("users.txt").write_text("\n".join(str(user) for user in data.user_ids) + "\n")
    out = ["--users", "users.txt", "--output", "out.jsonl", "--before", "test", "--topk", "5"]
    run(runner, "recommend", "--run", "finder", *out, *both)
    lists: dict[int, list[int]] = {}
    for line in Path("out.jsonl").read_text().splitlines():
        row = json.loads(line)
        lists.setdefault(row["user"], []).append(row["item"])
    hits = [
        int(data.item_ids[data.test[user][0] - 1]) in lists[int(data.user_ids[user])]
        for user in range(data.num_users)
    ]
    assert np.mean(hits) == pytest.approx(figures["finder + ranker"]["hr@5"]["mean"])


def test_the_newest_run_that_finds_is_taken_where_the_latest_ranks(
    runner: CliRunner, two_stages: Path
) -> None:
    assert (two_stages / "runs" / "latest").resolve().name == "ranker"
    arguments = ["--user", "100", "--topk", "3", "--candidates", "6", "--rerank", "ranker"]
    result = run(runner, "recommend", *arguments)
    assert "6 candidates found by runs/finder, ordered by runs/ranker" in result.stderr
    assert "user 100" in result.stdout
    new = ["--history", "1003 1004", "--rerank", "ranker", "--topk", "3"]
    assert "user new" in run(runner, "recommend", *new).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["recommend", "--user", "100", "--candidates", "3"], 1, "3 candidates are fewer than"),
        (["recommend", "--user", "100", "--why"], 2, "leave out --rerank"),
        (["evaluate", "finder", "--protocol", "sampled"], 2, "--rerank is for --protocol full"),
        (["evaluate", "ranker"], 1, "ranks candidates and does not find any"),
    ],
)
def test_two_stages_explain_what_does_not_go_together(
    runner: CliRunner, two_stages: Path, arguments: list[str], code: int, message: str
) -> None:
    result = run(runner, *arguments, "--rerank", "ranker", code=code)
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_run_that_finds_cannot_rank(runner: CliRunner, two_stages: Path) -> None:
    said = run(runner, "recommend", "--user", "100", "--rerank", "finder", code=1).stderr
    assert "does not rank candidates" in said
