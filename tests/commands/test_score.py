"""seqrec score: scores of given rows are those that recommend orders by."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.shop import ITEMS, item, plain, said, write

SCORE = ("--input", "rows.csv", "--output", "scores.csv")


def table(path: str = "scores.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_scores_of_users_are_those_of_recommend(shop: Path) -> None:
    rows = [
        (n, user, row["item"], row["score"])
        for user in ("u1", "u2")
        for n, row in enumerate(
            plain("recommend", "--run", "one", "--user", user, "--topk", "99")[0]["items"]
        )
    ]
    np.random.default_rng(0).shuffle(rows)
    write(shop / "rows.csv", ("note", "user", "item", "expected"), rows)
    assert "done: " in said("score", "one", *SCORE)
    found = table()
    assert list(found[0]) == ["note", "user", "item", "expected", "logit"]
    assert [(r["note"], r["user"], r["item"]) for r in found] == [
        (str(n), user, key) for n, user, key, _ in rows
    ]
    for row in found:
        assert float(row["logit"]) == pytest.approx(float(row["expected"]), abs=1e-5)


def test_rows_without_a_score_are_an_error_or_counted(shop: Path) -> None:
    rows = [("u1", "item 03"), ("u1", "gone"), ("nobody", "item 03")]
    write(shop / "rows.csv", ("user", "item"), rows)
    text = said("score", "one", *SCORE, code=1)
    assert "`rows.csv`, line 3: unknown item `gone`" in text
    assert "`--unknown empty`" in text
    assert not Path("scores.csv").exists()
    text = said("score", "one", *SCORE, "--unknown", "empty")
    assert "1 row without a score: unknown item" in text
    assert "1 row without a score: unknown user" in text
    assert [bool(row["logit"]) for row in table()] == [True, False, False]


def test_an_item_that_nobody_has_gets_no_score_by_chance(shop: Path) -> None:
    new = item(ITEMS)["sku"]
    write(shop / "rows.csv", ("user", "item"), [("u1", "item 03"), ("u1", new)])
    text = said("score", "one", *SCORE, code=1)
    assert f"`rows.csv`, line 3: nothing was learned of the item `{new}`" in text
    text = said("score", "one", *SCORE, "--unknown", "empty")
    assert "1 row without a score: nothing was learned of the item" in text
    assert [bool(row["logit"]) for row in table()] == [True, False]
