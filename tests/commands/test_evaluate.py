"""seqrec evaluate, compare and recommend on a run that has learnt the cycle."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqrec_cli.app import app
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.storage.arrays import load_arrays
from tests.commands.test_train import CONFIG


@pytest.fixture(scope="module")
def place(cycle_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset and two runs: `good` has learnt it, `raw` has hardly begun."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "data").mkdir()
    for file in (cycle_npz, cycle_npz.with_suffix(".json")):
        (folder / "data" / file.name).write_bytes(file.read_bytes())
    (folder / "toy.yaml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, epochs in (("raw", 1), ("good", 40)):
            arguments = ["--run", name, "--set", f"training.epochs={epochs}"]
            result = CliRunner().invoke(app, ["train", "--config", "toy.yaml", *arguments])
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(autouse=True)
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def ask(runner: CliRunner, *arguments: str) -> dict:
    result = runner.invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_shows_the_run_beside_the_baselines(runner: CliRunner) -> None:
    result = runner.invoke(app, ["evaluate", "good", "--k", "1,10"])
    assert result.exit_code == 0, result.output
    header, *rows = result.stdout.splitlines()
    assert header.split("  ")[0] == "metric"
    for name in ("good", "popularity", "recent popularity", "markov chain", "item neighbours"):
        assert name in header
    metrics = [row.split()[0] for row in rows]
    for name in ("hr", "ndcg", "mrr", "coverage"):
        assert {f"{name}@1", f"{name}@10"} <= set(metrics)
    assert not {"recall@10", "map@10", "precision@10"} & set(metrics)
    assert "recall = hr and map = mrr and precision = hr/k" in result.stderr
    assert "200 users, each target against all 50 items, seen ones excluded" in result.stderr


def test_json_holds_what_the_table_shows(runner: CliRunner) -> None:
    found = ask(runner, "evaluate", "good", "raw", "--k", "10")
    assert found["users"] == 200
    figures = found["figures"]
    assert figures["good"]["hr@10"]["mean"] > 0.9
    assert figures["markov chain"]["hr@10"]["mean"] > 0.9  # the cycle is a Markov chain
    assert figures["popularity"]["hr@10"]["mean"] < 0.6
    for by_metric in figures.values():
        for figure in by_metric.values():
            assert figure["low"] <= figure["mean"] <= figure["high"]
    (comparison,) = found["comparisons"]
    assert (comparison["run"], comparison["minus"]) == ("good", "raw")
    assert comparison["differences"]["ndcg@10"]["mean"] > 0
    assert comparison["differences"]["ndcg@10"]["p"] < 0.01


def test_compare_agrees_with_evaluate_and_looks_at_slices(runner: CliRunner) -> None:
    found = ask(runner, "compare", "good", "raw")
    expected = ask(runner, "evaluate", "good", "raw", "--k", "10", "--no-baselines")["comparisons"]
    for difference in found:
        assert (difference["a"], difference["b"]) == ("good", "raw")
        assert difference["low"] <= difference["mean"] <= difference["high"]
    overall = {d["metric"]: d for d in found if d["slice"] == "all users"}
    assert overall.keys() == {"ndcg@10", "hr@10"}
    for metric, difference in overall.items():
        assert difference["users"] == 200
        mean = expected[0]["differences"][metric]["mean"]
        assert difference["mean"] == pytest.approx(mean)
        assert difference["p"] < 0.01
    lengths = [d for d in found if d["slice"].startswith("history") and d["metric"] == "hr@10"]
    assert sum(d["users"] for d in lengths) == 200
    shown = runner.invoke(app, ["compare", "good", "raw", "--no-slices"])
    assert "good minus raw" in shown.stdout
    assert "2 comparisons" in shown.stderr


def test_compare_wants_two_runs(runner: CliRunner) -> None:
    assert runner.invoke(app, ["compare", "good"]).exit_code == 2
    twice = runner.invoke(app, ["compare", "good", "good"])
    assert twice.exit_code == 1
    assert "a run is named twice" in twice.stderr


def test_sampled_figures_carry_another_name(runner: CliRunner) -> None:
    found = ask(runner, "evaluate", "good", "--protocol", "sampled", "--k", "10", "--no-baselines")
    assert set(found["figures"]) == {"good"}
    assert all(name.endswith("@10 (sampled 100)") for name in found["figures"]["good"])
    again = ask(runner, "evaluate", "good", "--protocol", "sampled", "--k", "10", "--no-baselines")
    assert again == found


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


def test_recommendations_carry_history_ids_and_titles(runner: CliRunner) -> None:
    result = runner.invoke(app, ["recommend", "--user", "100", "--run", "good", "--topk", "3"])
    assert result.exit_code == 0, result.output
    first, header, *rows = result.stdout.splitlines()
    assert first.startswith("user 100: ")
    assert "earlier items; Title " in first
    assert header.split() == ["rank", "item", "title", "score"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert "Title" in rows[0]


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


def test_why_names_the_items_that_carried_a_recommendation(runner: CliRunner) -> None:
    def score(history: str) -> float:
        arguments = ["--history", history, "--topk", "50", "--seen", "include"]
        (found,) = ask(runner, "recommend", *arguments)
        return next(item["score"] for item in found["items"] if item["item"] == 1006)

    arguments = ["--history", "1003 1004 1005", "--topk", "1", "--why"]
    (found,) = ask(runner, "recommend", *arguments)
    reasons = found["items"][0]["why"]
    influences = [reason["influence"] for reason in reasons]
    assert influences == sorted(influences, reverse=True)
    without = {1003: "1004 1005", 1004: "1003 1005", 1005: "1003 1004"}
    for reason in reasons:
        owed = score("1003 1004 1005") - score(without[reason["item"]])
        assert reason["influence"] == pytest.approx(owed, abs=1e-3)
    result = runner.invoke(app, ["recommend", *arguments])
    first = reasons[0]["item"]
    assert f"Title {first - 1000} ({first + 1000}) [{first}] +" in result.stdout


def test_fewer_candidates_give_a_shorter_list_and_a_note(runner: CliRunner) -> None:
    history = " ".join(str(1000 + i) for i in range(1, 49))
    result = runner.invoke(app, ["recommend", "--history", history, "--topk", "5"])
    assert "note: only 2 items were left to recommend to new" in result.stderr
    assert len(result.stdout.splitlines()) == 2 + 2
    included = ask(runner, "recommend", "--history", history, "--topk", "5", "--seen", "include")
    assert len(included[0]["items"]) == 5


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


def test_an_index_gives_the_same_and_says_its_recall(runner: CliRunner) -> None:
    pytest.importorskip("usearch")
    asked = ["evaluate", "good", "--no-baselines", "--k", "10"]
    exact, found = ask(runner, *asked), ask(runner, *asked, "--index", "hnsw")
    assert found["figures"] == exact["figures"]  # 50 items: the index looks at all of them
    assert found["recall"] == {"good": 1.0}
    assert Path("runs/good/index.usearch").is_file()
    shown = runner.invoke(app, [*asked, "--index", "hnsw"])
    assert "good, hnsw: recall@10 1.0000 of the exact result" in shown.stderr
    wrong = runner.invoke(app, [*asked, "--index", "hnsw", "--protocol", "sampled"])
    assert wrong.exit_code == 2
    one = ["recommend", "--run", "good", "--user", "100"]
    (exact,), (found,) = ask(runner, *one), ask(runner, *one, "--index", "hnsw")
    for a, b in zip(exact["items"], found["items"], strict=True):
        assert a["item"] == b["item"]
        assert a["score"] == pytest.approx(b["score"], rel=1e-5)
    again = runner.invoke(app, [*one, "--index", "hnsw"])
    assert "hnsw: recall@10 1.0000 of the exact result, over 1 histories" in again.stderr


def test_embed_writes_vectors_whose_products_are_the_scores(
    runner: CliRunner, tmp_path: Path
) -> None:
    outputs = {w: tmp_path / f"{w}.npz" for w in ("users", "items")}
    for name, path in outputs.items():
        arguments = ["embed", "good", f"--{name}", "--output", str(path)]
        result = runner.invoke(app, arguments)
        assert result.exit_code == 0, result.output
    users, items = (load_arrays(outputs[name]) for name in ("users", "items"))
    assert users["ids"].tolist() == [*range(100, 300)]
    assert items["ids"].tolist() == [*range(1001, 1051)]
    scores = users["vectors"] @ items["vectors"].T
    found = ask(runner, "recommend", "--run", "good", "--user", "107", "--seen", "include")
    best = (-scores[7]).argsort()[:10]
    assert [row["item"] for row in found[0]["items"]] == items["ids"][best].tolist()
    assert found[0]["items"][0]["score"] == pytest.approx(scores[7].max(), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--output", "a.npz"], 2, "--users or --items"),
        (["--items", "--users", "--output", "a.npz"], 2, "--users or --items"),
        (["--items"], 2, "--output FILE"),
        (["--items", "--output", "a.csv"], 1, "neither .npz nor .parquet"),
    ],
)
def test_what_embed_cannot_do_is_told(
    runner: CliRunner, options: list[str], code: int, message: str
) -> None:
    result = runner.invoke(app, ["embed", "good", *options])
    assert result.exit_code == code
    assert message in result.stderr
