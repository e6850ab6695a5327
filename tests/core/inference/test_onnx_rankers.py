"""The exported ranking model gives the logits of the run, by ids and numbers alone."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.inference import onnx_graphs
from tests.shop import USERS, said, write
from tests.workshop import said_by_readme


def rank_shop(model: str) -> None:
    """Train a ranking run of the shop's log, with features of users and of items."""
    people = [(f"u{number}", 20 + number % 9, "ABC"[number % 3]) for number in range(USERS)]
    write(Path("users.csv"), ("user", "age", "group"), people)
    prepare = ("prepare", "shop.csv", "--items-file", "items.csv", "--task", "ranking")
    said(
        *prepare,
        "--users-file",
        "users.csv",
        "--name",
        "rank",
        "--negatives",
        "2",
        "--split",
        "leave-one-out",
    )
    settings = f"data: rank\nmodel: {{name: {model}}}\ntraining: {{epochs: 1}}\n"
    Path("ranker.yaml").write_text(settings)
    said("train", "--config", "ranker.yaml", "--run", "rank", "--device", "cpu")


@pytest.mark.slow
def test_a_run_of_a_log_by_numbers(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    rank_shop("dien")
    text = said("export", "rank", "--output", "made")
    assert "rows: scores differ by" in text
    assert {path.name for path in Path("made").iterdir()} == {
        *("model.onnx", "items.json", "users.json", "README.md")
    }
    assert len(said_by_readme(Path("made"), monkeypatch)["probability"]) == 2
    users = json.loads(Path("made/users.json").read_text())
    items = json.loads(Path("made/items.json").read_text())
    history = [first := "item 03", "item 04", "item 05"]
    rows = [("u3", "|".join(history), "item 09"), ("nobody", first, "item 11")]
    write(shop / "rows.csv", ("user", "history", "item"), rows)
    said("score", "rank", "--input", "rows.csv", "--output", "scores.csv")
    expected = scores()
    session = onnxruntime.InferenceSession("made/model.onnx")
    logits, probabilities = session.run(
        None,
        {
            "user": np.array([users.index("u3"), 0]),
            "item": np.array([items.index("item 09"), items.index("item 11")]),
            "history": np.array(
                [[items.index(key) for key in history], [items.index(first), 0, 0]]
            ),
        },
    )
    assert logits.tolist() == pytest.approx(expected, abs=1e-5)
    assert probabilities.tolist() == pytest.approx([1 / (1 + np.exp(-x)) for x in expected])


def scores() -> list[float]:
    """The logits that `seqrec score` has written."""
    with Path("scores.csv").open(newline="") as file:
        return [float(row["logit"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_a_run_of_a_table_by_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    (tmp_path / "pair").mkdir()
    header = ("label", "user", "item", "history", "age", "kind", "topics")
    for part in ("train", "test"):
        rows: list[tuple[Any, ...]] = [
            (n % 2, n % 7, n % 5, lists(random, n % 4), n % 50, n % 3, lists(random, n % 3))
            for n in range(80)
        ]
        write(tmp_path / "pair" / f"{part}.csv", header, rows)
    Path("table.yaml").write_text("dense: [age]\nsparse: [kind]\ntags: [topics]\n")
    said("prepare", "pair", "--task", "ranking", "--table", "table.yaml")
    Path("din.yaml").write_text(
        "data: pair\nmodel: {name: din}\ntraining: {epochs: 1, validate_on: test}\n"
    )
    said("train", "--config", "din.yaml", "--run", "din", "--device", "cpu")
    said("export", "din", "--output", "made")
    assert len(said_by_readme(Path("made"), monkeypatch)["probability"]) == 1
    columns = json.loads(Path("made/columns.json").read_text())
    assert [c["name"] for kind in ("dense", "sparse", "tags") for c in columns[kind]] == [
        *("age", "kind", "topics")
    ]
    # By what the README says of a cell, and not by our encoders.
    age, values = columns["dense"][0], columns["sparse"][0]["values"]
    topics, items = columns["tags"][0]["values"], json.loads(Path("made/items.json").read_text())
    session = onnxruntime.InferenceSession("made/model.onnx")
    logits, _ = session.run(
        None,
        {
            "item": np.array([items.index("3")]),
            "history": np.array([[items.index("1"), items.index("4")]]),
            "dense": np.array([[by_rank(13, age["numbers"], age["places"])]], np.float32),
            "sparse": np.array([[values.index("1")]]),
            "tags_0": np.array([[topics.index("2"), 0]]),
        },
    )
    write(tmp_path / "rows.csv", header[2:], [(3, "1|4", 13, 1, 2)])
    said("score", "din", "--input", "rows.csv", "--output", "scores.csv")
    assert logits.tolist() == pytest.approx(scores(), abs=1e-5)
    monkeypatch.setattr(onnx_graphs, "TOLERANCE", -1.0)
    assert "nothing was written" in said("export", "din", "--output", "other", code=1)
    assert not Path("other").exists()
    assert "leave it out" in said("export", "din", "--output", "other", "--topk", "3", code=2)


def by_rank(x: float, numbers: list[float], places: list[float]) -> float:
    """What the README says of `quantile`."""
    n, p = np.array(numbers), np.array(places)
    return float((np.interp(x, n, p) - np.interp(-x, -n[::-1], -p[::-1])) / 2)


def lists(random: np.random.Generator, length: int) -> str:
    return "|".join(map(str, random.integers(0, 5, length)))
