"""Scores of given rows: of histories, and those of the ranking model itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec_cli.core.batching.ranking import to_batch
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.ranking.dataset import RankingDataset
from seqrec_cli.core.runs.loading import load_ranker
from seqrec_cli.core.runs.run import Run
from tests.commands.test_score import SCORE, table
from tests.shop import item, plain, said, write


def test_scores_of_histories_are_those_of_the_same_history_in_a_log(shop: Path) -> None:
    data = SequenceDataset.load(Path("data/shop.npz"))
    histories = [[str(data.item_ids[i - 1]) for i in h] for h in list(data.histories())[:5]]
    write(
        shop / "log.csv",
        ("user", "item", "time"),
        [(f"n{u}", key, t) for u, h in enumerate(histories) for t, key in enumerate(h)],
    )
    write(shop / "rows.csv", ("user", "item"), [(f"n{u}", "item 09") for u in range(5)])
    said("score", "one", *SCORE, "--histories", "log.csv")
    by_log = [float(row["logit"]) for row in table()]
    for separator in (" | ", " ; "):
        cells = [separator.join(h) for h in histories]
        write(shop / "rows.csv", ("history", "item"), [(cell, "item 09") for cell in cells])
        said("score", "one", *SCORE)
        assert [float(row["logit"]) for row in table()] == pytest.approx(by_log, abs=1e-5)
    lines = [json.dumps({"history": h, "item": "item 09", "x": {"y": 1}}) for h in histories]
    (shop / "rows.jsonl").write_text("\n".join(lines))
    said("score", "one", "--input", "rows.jsonl", "--output", "scores.jsonl")
    made = [json.loads(line) for line in (shop / "scores.jsonl").read_text().splitlines()]
    assert [row["logit"] for row in made] == pytest.approx(by_log, abs=1e-5)
    assert made[0]["x"] == {"y": 1}


def test_a_ranking_run_of_a_table_gives_the_logits_of_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    (tmp_path / "pair").mkdir()
    for part in ("train", "test"):
        rows: list[tuple[Any, ...]] = [
            (n % 2, n % 7, n % 5, "|".join(map(str, random.integers(0, 5, n % 4))), n % 50, n % 3)
            for n in range(80)
        ]
        header = ("label", "user", "item", "history", "age", "kind")
        write(tmp_path / "pair" / f"{part}.csv", header, rows)
    (tmp_path / "table.yaml").write_text("dense: [age]\nsparse: [kind]\n")
    said("prepare", "pair", "--task", "ranking", "--table", "table.yaml")
    (tmp_path / "din.yaml").write_text(
        "data: pair\nmodel: {name: din}\ntraining: {epochs: 1, validate_on: test}\n"
    )
    said("train", "--config", "din.yaml", "--run", "din", "--device", "cpu")
    said("score", "din", "--input", "pair/test.csv", "--output", "scores.csv")
    ranker = load_ranker(Run.open(Path("runs/din")), torch.device("cpu"))
    examples = RankingDataset.load(Path("data/pair.npz")).test
    assert examples is not None
    with torch.no_grad():
        expected = ranker.model.eval()(to_batch(examples, torch.device("cpu"))).numpy()
    found = table()
    assert [float(row["logit"]) for row in found] == pytest.approx(expected.tolist(), abs=1e-5)
    for row in found:
        assert float(row["probability"]) == pytest.approx(
            1 / (1 + np.exp(-float(row["logit"]))), abs=1e-5
        )


def test_a_ranking_run_of_a_log_needs_histories(shop: Path) -> None:
    said(
        "prepare",
        "shop.csv",
        "--items-file",
        "items.csv",
        "--task",
        "ranking",
        "--name",
        "rank",
        "--negatives",
        "2",
        "--split",
        "leave-one-out",
    )
    (shop / "mlp.yaml").write_text("data: rank\nmodel: {name: mlp}\ntraining: {epochs: 1}\n")
    said("train", "--config", "mlp.yaml", "--run", "mlp", "--device", "cpu")
    write(shop / "rows.csv", ("user", "item"), [(f"u{n}", "item 09") for n in range(9)])
    text = said("score", "mlp", *SCORE, code=1)
    assert "keeps no histories of users" in text
    assert "--histories FILE" in text
    said("score", "mlp", *SCORE, "--histories", "shop.csv")
    by_user = [float(row["logit"]) for row in table()]
    # The second stage of two gives the same, for the same candidates.
    lists = plain(
        *("recommend", "--run", "one", "--rerank", "mlp", "--topk", "30", "--seen", "include"),
        *("--candidates", "40", *[x for n in range(9) for x in ("--user", f"u{n}")]),
    )
    for row, logit in zip(lists, by_user, strict=True):
        (score,) = [i["score"] for i in row["items"] if i["item"] == item(9)["sku"]]
        assert score == pytest.approx(logit, abs=1e-5)
