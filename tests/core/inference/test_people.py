"""Lists for many people, known and new, in one go; those whom nothing is known of are counted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec_cli.core.data.dataset import SequenceDataset
from tests.shop import invoke, item, plain, said, write


def dataset() -> SequenceDataset:
    return SequenceDataset.load(Path("data/shop.npz"))


def rows_of(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def by_user(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(str(row["user"]), []).append((row["item"], round(row["score"], 4)))
    return found


def log_of(data: SequenceDataset) -> list[tuple[str, str, int]]:
    """The rows of a log with the histories of all users, newest first."""
    rows = []
    for user, history in zip(data.user_ids, data.histories(), strict=True):
        rows += [(f"new {user}", str(data.item_ids[i - 1]), t) for t, i in enumerate(history)]
    return rows[::-1]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "stdin"])
def test_a_file_of_histories_gives_what_the_same_users_get(shop: Path, form: str) -> None:
    data = dataset()
    rows, header = log_of(data), ("user", "item", "time")
    write(shop / "new.csv", header, rows)
    stdin, name = None, f"new.{form}"
    if form == "jsonl":
        lines = [json.dumps(dict(zip(header, row, strict=True))) for row in rows]
        (shop / name).write_text("\n".join(lines))
    elif form == "parquet":
        import duckdb

        duckdb.sql("select * from 'new.csv'").write_parquet(name)
    elif form == "stdin":
        stdin, name = (shop / "new.csv").read_text(), "-"
    end = ("--topk", "4", "--run", "one", "--output")
    result = invoke("recommend", "--histories", name, *end, "new.out.jsonl", stdin=stdin)
    assert result.exit_code == 0, result.output
    (shop / "users.txt").write_text("\n".join(map(str, data.user_ids)))
    said("recommend", "--users", "users.txt", *end, "old.out.jsonl")
    new, old = by_user(rows_of("new.out.jsonl")), by_user(rows_of("old.out.jsonl"))
    assert new == {f"new {user}": items for user, items in old.items()}
    assert len(new) == 40


def test_what_is_odd_in_a_file_of_histories_is_counted(shop: Path) -> None:
    one, two = item(1)["sku"], item(2)["sku"]
    rows = [("a", one, 5), ("a", two, 6), ("a", two, 6), ("a", "gone", 7), ("b", "gone", 1)]
    write(shop / "new.csv", ("user", "item", "time"), rows)
    command = ("recommend", "--run", "one", "--histories", "new.csv", "--output", "o.jsonl")
    text = said(*command, code=1)
    assert "user `b` has no item that the run knows" in text
    assert "`--unknown skip`" in text
    assert not Path("o.jsonl").exists()
    text = said(*command, "--unknown", "skip")
    assert "1 exact duplicate dropped" in text
    assert "2 interactions with 1 item not in the catalogue were left out" in text
    assert "1 user was left out: `b` has no item that the run knows" in text
    (expected,) = plain("recommend", "--run", "one", "--item", one, "--item", two)
    assert [row["item"] for row in rows_of("o.jsonl")] == [i["item"] for i in expected["items"]]


def test_unknown_users_get_what_is_popular_under_the_same_rules(shop: Path) -> None:
    data = dataset()
    (shop / "users.txt").write_text("u3\nnobody\nu1\nonce\n")
    rule = ("--exclude", "price < 6", "--topk", "5")
    command = ("recommend", "--run", "one", "--users", "users.txt", "--output", "o.jsonl", *rule)
    text = said(*command, "--unknown", "popular")
    assert "1 user gets what is popular: `nobody` never was in the log" in text
    assert "`once` was in the log, but filters left all of it out" in text
    rows = rows_of("o.jsonl")
    assert list(dict.fromkeys(row["user"] for row in rows)) == ["u3", "nobody", "u1", "once"]
    prices = {item(n)["sku"]: float(item(n)["price"]) for n in range(33)}
    ranked = sorted(
        (-int(count), n, str(key))
        for n, (key, count) in enumerate(zip(data.item_ids, data.item_counts(), strict=True))
        if prices[str(key)] >= 6
    )
    expected = [(key, float(-count)) for count, _, key in ranked[:5]]
    assert by_user(rows)["nobody"] == by_user(rows)["once"] == expected
    said(*command, "--unknown", "skip")
    skipped = by_user(rows_of("o.jsonl"))
    assert list(skipped) == ["u3", "u1"]
    assert skipped == {user: by_user(rows)[user] for user in ("u3", "u1")}


def test_lists_do_not_depend_on_who_else_asks(shop: Path) -> None:
    """Histories of unlike length go through in batches of like length."""
    data, random = dataset(), np.random.default_rng(0)
    rows = [
        (f"p{user}", str(data.item_ids[random.integers(30)]), t)
        for user in range(300)
        for t in range(int(random.integers(1, 2 + user % 40)))
    ]
    write(shop / "new.csv", ("user", "item", "time"), rows)
    end = ("--run", "one", "--topk", "3", "--output", "o.jsonl")
    said("recommend", "--histories", "new.csv", *end)
    together = by_user(rows_of("o.jsonl"))
    for user in ("p3", "p299"):
        write(shop / "alone.csv", ("user", "item", "time"), [r for r in rows if r[0] == user])
        said("recommend", "--histories", "alone.csv", *end)
        alone = by_user(rows_of("o.jsonl"))[user]
        assert [i for i, _ in alone] == [i for i, _ in together[user]]
