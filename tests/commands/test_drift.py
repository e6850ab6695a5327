"""seqrec drift: measures in a table, in JSON, and as an exit code."""

import json
from pathlib import Path

import pytest

from tests.core.runs.test_drift import newer_rows, old_rows, prepared
from tests.shop import invoke, plain, said


def test_prints_measures_and_fails_over_a_limit(shop: Path) -> None:
    prepared("now", [*old_rows(), *newer_rows()])
    result = invoke("drift", "one", "--data", "now")
    assert result.exit_code == 0, result.output
    for word in ("unknown_items", "popularity_shift", "length_shift", "ndcg_drop", "new events"):
        assert word in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    told = plain("drift", "one", "--data", "now")
    assert told["events"]["new"] == len(newer_rows())
    assert f"{told['popularity_shift']:.4f}" in result.stdout
    assert set(told["by_chance"]) == {"popularity_shift", "length_shift"}
    limits = ("--fail-over", "unknown_items=0.01", "--fail-over", "ndcg_drop=1")
    failed = invoke("drift", "one", "--data", "now", "--json", *limits)
    assert failed.exit_code == 1
    assert json.loads(failed.stdout) == told
    assert "error: unknown_items is" in failed.stderr
    assert "ndcg_drop" not in failed.stderr
    hint = failed.stderr.split("hint: train on the newer data: `seqrec ")[1].split("`")[0]
    said(*hint.split(), "--run", "again", "--device", "cpu")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name the newer dataset"),
        (["--data", "nope"], 1, "there is no prepared dataset `data/nope.npz`"),
        (["--data", "shop"], 1, "is the dataset that the run was trained on"),
        (["--data", "shop", "--fail-over", "x"], 1, "`x` is not KEY=VALUE"),
    ],
)
def test_says_what_is_wrong(shop: Path, arguments: list[str], code: int, message: str) -> None:
    assert message in said("drift", "one", *arguments, code=code)


def test_a_ranking_run_is_told(shop: Path) -> None:
    said("prepare", "shop.csv", "--task", "ranking", "--name", "rows", "--negatives", "4")
    Path("rank.yaml").write_text("data: rows\nmodel: {name: logistic}\ntraining: {epochs: 1}\n")
    said("train", "--config", "rank.yaml", "--run", "rank", "--device", "cpu")
    prepared("now", newer_rows())
    assert "ranks candidates" in said("drift", "rank", "--data", "now", code=1)
